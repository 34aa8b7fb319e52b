import { mock } from 'node:test'
import type { FastifyError } from 'fastify'
import t, { type Test } from 'tap'
import type { Rooms } from '../../lib/document/rooms.ts'
import { CountingClient } from '../fixtures/counting-client.ts'
import { emptyDocument, roomsOn, save, timeLimit, updateOf } from '../fixtures/open-room.ts'
import { flush, mockTimers } from '../fixtures/world.ts'

/** Documents in a store whose loads end when the test says so. */
function setUp (t: Test): { rooms: Rooms, loads: Array<() => void> } {
  mockTimers(t)
  const loads: Array<() => void> = []
  return { rooms: roomsOn({ load: () => new Promise((resolve) => { loads.push(() => resolve(emptyDocument())) }) }), loads }
}

/** A client joins, and leaves if that fails. */
function join (rooms: Rooms): Promise<string> {
  return rooms.open('document').join(new CountingClient()).catch((error: FastifyError) => error.code)
}

t.test('a document that is opened again while its loads hang has no more than two at the store', async (t) => {
  const { rooms, loads } = setUp(t)
  for (let i = 0; i < 5; i++) {
    const joined = [join(rooms), join(rooms)]
    await flush()
    mock.timers.tick(timeLimit)
    t.same(await Promise.all(joined), ['FST_SECSYNC_CALLBACK_TIMEOUT', 'FST_SECSYNC_CALLBACK_TIMEOUT'])
    t.equal(rooms.size, 0)
  }
  t.equal(loads.length, 2)

  for (const settle of loads.splice(0)) settle()
  await flush()
  const joined = join(rooms)
  await flush()
  t.equal(loads.length, 1, 'then it may load again')
  loads.pop()?.()
  t.equal(await joined, 'joined')
})

t.test('a load that has waited too long takes no place of one that still waits', async (t) => {
  const { rooms, loads } = setUp(t)
  const hanging = [join(rooms), join(rooms)]
  await flush()
  mock.timers.tick(timeLimit / 2)
  const tooLate = join(rooms)
  await flush()
  mock.timers.tick(timeLimit / 2)
  await Promise.all(hanging)
  mock.timers.tick(timeLimit / 4)
  const waiting = join(rooms)
  await flush()
  mock.timers.tick(timeLimit / 4)
  t.equal(await tooLate, 'FST_SECSYNC_CALLBACK_TIMEOUT')

  loads.shift()?.()
  await flush()
  t.equal(loads.length, 2, 'the one that waits has begun')
  for (const settle of loads) settle()
  t.equal(await waiting, 'joined')
})

t.test('a document whose writes hang has no more than two at the store', async (t) => {
  mockTimers(t)
  let writes = 0
  const room = roomsOn({ saveUpdates: () => new Promise(() => { writes++ }) }).open('document')
  const client = new CountingClient()
  await room.join(client)
  for (const code of ['FST_SECSYNC_CALLBACK_TIMEOUT', 'FST_SECSYNC_CALLBACK_TIMEOUT', 'FST_SECSYNC_STORE_BUSY']) {
    const saved = save(room, client, updateOf('ada', 0))
    // It waits for a slot, and then for the store.
    for (let i = 0; i < 2; i++) {
      await flush()
      mock.timers.tick(timeLimit)
    }
    t.match(await saved, { status: 'refused', error: { code } })
  }
  t.equal(writes, 2)
})
