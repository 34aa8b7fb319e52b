import { EventEmitter, once } from 'node:events'
import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { updateChange, type UpdateChange } from '../../lib/protocol/changes.ts'
import type { Update } from '../../lib/protocol/messages.ts'
import type { Room } from '../../lib/document/room.ts'
import { Slots } from '../../lib/document/slots.ts'
import { CountingClient } from '../fixtures/counting-client.ts'
import { roomsOn } from '../fixtures/open-room.ts'
import { flush, mockTimers } from '../fixtures/world.ts'

/** Takes a slot, and tells in `taken` when it has it. */
async function take (slots: Slots, taken: string[], name: string): Promise<() => void> {
  const release = await slots.take()
  taken.push(name)
  return release
}

t.test('a slot is given in the order in which they were asked for, and given back once', async (t) => {
  const slots = new Slots(2)
  const taken: string[] = []
  const [first, second, third, fourth] = ['first', 'second', 'third', 'fourth'].map((name) => take(slots, taken, name))
  await setImmediate()
  t.strictSame(taken, ['first', 'second'])

  const release = await second!
  release()
  release()
  await third
  await setImmediate()
  t.strictSame(taken, ['first', 'second', 'third'])
  ;(await first!)()
  await fourth
  t.strictSame(taken, ['first', 'second', 'third', 'fourth'])
})

t.test('nobody waits longer than a second, and then there is one slot less to give', async (t) => {
  mockTimers(t)
  const slots = new Slots(1)
  const taken: string[] = []
  const first = take(slots, taken, 'first')
  const second = take(slots, taken, 'second')
  await flush()
  mock.timers.tick(999)
  await flush()
  t.strictSame(taken, ['first'])
  mock.timers.tick(1)
  await flush()
  t.strictSame(taken, ['first', 'second'])

  const third = take(slots, taken, 'third')
  ;(await first)()
  await flush()
  t.strictSame(taken, ['first', 'second'])
  ;(await second)()
  await third
  t.strictSame(taken, ['first', 'second', 'third'])
})

t.test('what arrives while a document waits for its slot is written with what waited', async (t) => {
  const calls = new EventEmitter()
  const rooms = roomsOn({ saveUpdates: (documentId, updates) => new Promise((resolve) => { calls.emit('save', documentId, updates, resolve) }) })
  const client = new CountingClient()
  const [a, b] = [rooms.open('a'), rooms.open('b')]
  for (const room of [a, b]) await room.join(client)
  const save = (room: Room, clock: number) => new Promise<void>((resolve, reject) => {
    const message = { publicData: { docId: room.documentId, refSnapshotId: 'snapshot', pubKey: `author of ${room.documentId}`, clock }, signature: `${clock}` } as Update
    room.save({ change: updateChange(message), client, settle: ({ status }) => status === 'saved' ? resolve() : reject(new Error(status)) })
  })

  const calledForA = once(calls, 'save')
  const savedInA = save(a, 0)
  const [, , finishA] = await calledForA as [string, UpdateChange[], () => void]
  const calledForB = once(calls, 'save')
  const savedInB = [save(b, 0)]
  await flush()
  savedInB.push(save(b, 1), save(b, 2))
  await flush()
  finishA()
  const [documentId, updates, finishB] = await calledForB as [string, UpdateChange[], () => void]
  t.strictSame([documentId, updates.map(({ clock }) => clock)], ['b', [0, 1, 2]])
  finishB()
  await Promise.all([savedInA, ...savedInB])
})
