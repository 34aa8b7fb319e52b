import t from 'tap'
import { StoreCalls } from '../../lib/document/store-calls.ts'
import { StoredUpdates } from '../../lib/document/stored-updates.ts'
import { Slots } from '../../lib/document/slots.ts'
import { emptyDocument, updateOf } from '../fixtures/open-room.ts'

t.test('the signatures of 100,000 updates are kept. Those that were dropped are loaded again', async (t) => {
  const first = updateOf('ada', 0)
  let loads = 0
  const store = {
    groupsUpdates: true,
    sharesLoads: false,
    load: async () => {
      loads++
      return { ...emptyDocument(), updates: first.text }
    },
    saveUpdates: async () => undefined,
    saveSnapshot: async () => undefined
  }
  const stored = new StoredUpdates(new StoreCalls('document', store, new Slots(1), 1000, { onLateWrite () {}, onIdle () {} }))
  const cursor = { snapshotId: 'snapshot', clocks: { ada: 0, bob: 100_000 } }
  stored.add(first)
  t.ok(await stored.has(first, cursor))
  t.equal(loads, 0)
  const other = updateOf('bob', 0)
  for (let clock = 0; clock < 100_000; clock++) stored.add({ ...other, clock })
  t.ok(await stored.has(first, cursor))
  t.equal(loads, 1)
})
