import { mock } from 'node:test'
import t, { type Test } from 'tap'
import type { Snapshot } from '../lib/index.ts'
import { Follower } from './fixtures/follower.ts'
import type { ModelClient } from './fixtures/model-client.ts'
import { Author } from './fixtures/raw-client.ts'
import { startServer, type TestServer } from './fixtures/server.ts'
import { documentId, flush, mockTimers, World } from './fixtures/world.ts'
import { haveAll } from './fixtures/world-promises.ts'

const rounds = 20
const updatesPerRound = 20

/** Joins, comes back once with what it knows, and resolves when it has got everything; rejects at whatever a client could not use. */
async function join (server: TestServer, isLast: (follower: Follower) => boolean): Promise<void> {
  let follower = new Follower(documentId)
  let client = server.connect(documentId)
  for (let received = 0; !isLast(follower); received++) {
    const message = await client.nextOfAny()
    // Of a snapshot that replaced the one it knew, a client that comes back needs no predecessors.
    if (message.type === 'document' && message.snapshot) follower = new Follower(documentId)
    follower.follow(message)
    if (received !== 120) continue
    await client.close()
    client = server.connect(documentId, {
      // As a client that queues its document at once: for the published one, relays wait.
      revision: '2',
      mode: 'delta',
      knownSnapshotId: follower.snapshot!.publicData.snapshotId,
      knownSnapshotUpdateClocks: JSON.stringify(follower.clocks)
    })
  }
}

t.test('20 join while one writes 400 updates and a snapshot every 20: each gets what it is missing, once and in order', async (t) => {
  const server = await startServer(t)
  const author = new Author()
  const writer = server.connect(documentId)
  await writer.next('document')
  const snapshots: Snapshot[] = []
  const isLast = ({ snapshot, clocks }: Follower): boolean => snapshots.length === rounds &&
    snapshot?.signature === snapshots.at(-1)!.signature && clocks[author.publicKey] === updatesPerRound - 1
  const joiners: Array<Promise<void>> = []
  for (let round = 0; round < rounds; round++) {
    const parent = snapshots.at(-1)
    const snapshot = author.snapshot(documentId, { parent, clocks: parent ? { [author.publicKey]: updatesPerRound - 1 } : {} })
    snapshots.push(snapshot)
    writer.send(snapshot)
    await writer.next('snapshot-saved')
    const { snapshotId } = snapshot.publicData
    for (let clock = 0; clock < updatesPerRound; clock++) writer.send(author.update(documentId, snapshotId, clock))
    for (let clock = 0; clock < updatesPerRound; clock++) {
      if (clock === round) joiners.push(join(server, isLast))
      await writer.next('update-saved')
    }
  }
  t.equal((await Promise.all(joiners)).length, 20)
})

/** A world whose clients all have what the first of them has written. */
async function openWorld (t: Test): Promise<World> {
  mockTimers(t)
  const world = new World()
  world.clients[0]!.type()
  await world.drain()
  return world
}

t.test('a room that could not catch up with another process tries again by itself', async (t) => {
  const world = await openWorld(t)
  const [, joiner] = world.clients as [ModelClient, ModelClient]
  joiner.disconnect()
  world.writeBehindTheBack(false)
  world.connect(joiner)
  // The joiner is sent a document that is ahead of the room, and the room fails to come up to it.
  for (const outcome of ['done', 'failed'] as const) {
    await world.until(() => world.store.called.length > 0)
    world.store.serve(outcome)
  }
  await flush()
  mock.timers.tick(1000)
  await world.until(() => world.store.called.length > 0)
  await world.drain({ withTimers: false })
  haveAll(t, world)
})

for (const [which, order] of [['has not', [0, 0]], ['has', [1, 0]]] as const) {
  t.test(`a joiner is sent what was relayed while its document was loaded, once: the document ${which} got it`, async (t) => {
    const world = await openWorld(t)
    const [writer, joiner] = world.clients as [ModelClient, ModelClient]
    joiner.disconnect()
    world.connect(joiner)
    await world.until(() => world.store.called.length === 1)
    writer.type()
    while (writer.work() || writer.passUp());
    await world.until(() => world.store.called.length === 2)
    for (const call of order) world.store.perform(call)
    // The update is saved and relayed first, whatever the load has read.
    world.store.answer(order[0] === 0 ? 1 : 0)
    await flush()
    await world.drain({ withTimers: false })
    haveAll(t, world)
  })
}

for (const [what, snapshots, closeCodes] of [['follow over one snapshot', 1, []], ['come back over two snapshots', 2, [1013]]] as const) {
  t.test(`clients ${what} of another process, with updates that were not relayed`, async (t) => {
    const world = await openWorld(t)
    const [writer] = world.clients as [ModelClient]
    for (let i = 0; i < snapshots; i++) {
      world.writeBehindTheBack(false)
      world.writeBehindTheBack(true)
    }
    writer.type()
    await world.drain({ withTimers: false })
    haveAll(t, world, closeCodes)
    for (const { isSettled } of world.clients) t.ok(isSettled)
  })
}
