import Fastify from 'fastify'
import t from 'tap'
import { Access } from '../../lib/document/access.ts'
import { Rooms } from '../../lib/document/rooms.ts'
import { Slots } from '../../lib/document/slots.ts'
import type { Store } from '../../lib/stores/store.ts'
import { CountingClient } from '../fixtures/counting-client.ts'

t.test('a room that has ended, and has a turn left, does not end the one that came after it', async (t) => {
  const { log } = Fastify()
  const store: Store = {
    groupsUpdates: true,
    sharesLoads: false,
    load: async () => ({ updates: '', cursor: { snapshotId: 'snapshot', clocks: {} } }),
    saveUpdates: async () => undefined,
    saveSnapshot: async () => undefined
  }
  const access = new Access(() => true, undefined, 1000, log)
  const rooms = new Rooms({ store, slots: new Slots(1), callbackTimeout: 1000, maxAuthors: 10, access, nodes: undefined, log })
  const [before, after] = [new CountingClient(), new CountingClient()]
  const ended = rooms.open('document')
  await ended.join(before)
  ended.leave(before)
  t.equal(rooms.size, 0)
  const open = rooms.open('document')
  await open.join(after)
  await ended.turn()
  await new Promise(setImmediate)
  t.equal(rooms.open('document'), open)

  const allEnded = rooms.end(60_000)
  open.leave(after)
  await allEnded
  t.equal(rooms.size, 0, 'who waits for all to end need not wait for the time limit')
})
