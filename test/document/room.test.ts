import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { maxRelayedBytes } from '../../lib/document/loads.ts'
import { snapshotChange } from '../../lib/protocol/changes.ts'
import type { Snapshot } from '../../lib/protocol/messages.ts'
import type { LoadedDocument } from '../../lib/stores/store.ts'
import { CountingClient } from '../fixtures/counting-client.ts'
import { emptyDocument, roomsOn, save, updateOf } from '../fixtures/open-room.ts'

t.test('a room that has ended, and has a turn left, does not end the one that came after it', async (t) => {
  const rooms = roomsOn()
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

t.test('a joiner that would be relayed too much behind its document has to come back', async (t) => {
  const loads = new EventEmitter()
  let isHeld = false
  const rooms = roomsOn({
    load: async () => {
      const document = emptyDocument()
      if (isHeld) await new Promise((resolve) => { loads.emit('load', resolve) })
      return document
    }
  })
  const room = rooms.open('document')
  const [writer, joiner] = [new CountingClient(), new CountingClient()]
  await room.join(writer)
  isHeld = true
  const load = once(loads, 'load')
  const joined = room.join(joiner)
  const [release] = await load as [() => void]
  for (let clock = 0; clock < 3; clock++) {
    t.match(await save(room, writer, updateOf('ada', clock, 'x'.repeat(maxRelayedBytes / 2))), { status: 'saved' })
  }
  release()
  await joined
  t.same([joiner.documents, joiner.sent, joiner.closeCode], [1, 0, 1013])
})

t.test('a client that knows more than a store of the user’s has is told so', async (t) => {
  // A delta of such a store does not tell, as the store answers what is missing and no more.
  const claimed = (clocks: Record<string, number>, snapshotId = 'snapshot'): LoadedDocument => ({ updates: '', cursor: { snapshotId, clocks }, claimed: true })
  for (const [known, cursor, code] of [
    [{ mode: 'delta', knownSnapshotId: 'snapshot', knownSnapshotUpdateClocks: { ada: 5 } }, claimed({ ada: 5 }), 4500],
    [{ mode: 'delta', knownSnapshotId: 'another', knownSnapshotUpdateClocks: { ada: 5 } }, claimed({ ada: 5 }, 'another'), 1013]
  ] as const) {
    const client = new CountingClient(known)
    const room = roomsOn({ load: async (_documentId, { knownSnapshotId: id, knownSnapshotUpdateClocks: clocks }) => id === known.knownSnapshotId && clocks?.ada === cursor.cursor.clocks.ada ? cursor : emptyDocument() }).open('document')
    await room.join(new CountingClient())
    await room.join(client)
    await room.turn()
    t.equal(client.closeCode, code)
  }
})

t.test('a document that is no longer there: its clients are told when the store is looked into', async (t) => {
  let isThere = true
  const room = roomsOn({ load: async () => isThere ? emptyDocument() : undefined }).open('document')
  const client = new CountingClient()
  await room.join(client)
  isThere = false
  room.catchUp()
  await room.turn()
  t.equal(client.closeCode, 4404)
})

t.test('a snapshot that the store failed to save is saved a second time, before its client is told', async (t) => {
  const clocks: unknown[] = []
  const room = roomsOn({
    saveSnapshot: async (_documentId, { parentClocks }) => {
      clocks.push(parentClocks)
      if (clocks.length === 1) throw new Error('The connection was lost')
      return undefined
    }
  }).open('document')
  const client = new CountingClient()
  await room.join(client)
  const publicData = { docId: 'document', pubKey: 'ada', snapshotId: 'next', parentSnapshotId: 'snapshot', parentSnapshotUpdateClocks: {}, parentSnapshotProof: '' }
  const change = snapshotChange({ ciphertext: '', nonce: '', publicData, signature: 'signature' } as Snapshot)
  t.match(await new Promise((resolve) => room.save({ change, client, settle: resolve })), { status: 'saved' })
  t.equal(clocks.length, 2)
})

t.test('a snapshot takes updates of so many authors. Then the next author is asked for a snapshot', async (t) => {
  const room = roomsOn().open('document')
  const client = new CountingClient()
  await room.join(client)
  for (let i = 0; i < 10; i++) t.match(await save(room, client, updateOf(`author ${i}`, 0)), { status: 'saved' })
  t.match(await save(room, client, updateOf('one more', 0)), { status: 'refused', error: { name: 'SecsyncNewSnapshotRequiredError' } })
  t.match(await save(room, client, updateOf('author 1', 1)), { status: 'saved' })
})
