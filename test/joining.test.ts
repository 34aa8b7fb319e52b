import { mock } from 'node:test'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Snapshot } from '../lib/index.ts'
import { Follower } from './fixtures/follower.ts'
import { ModelClient } from './fixtures/model-client.ts'
import { idOf, openDocument } from './fixtures/open-document.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author } from './fixtures/raw-client.ts'
import { startServer, type TestServer } from './fixtures/server.ts'
import { documentId, flush, mockTimers, World } from './fixtures/world.ts'

const rounds = 20
const updatesPerRound = 50

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
      mode: 'delta',
      knownSnapshotId: follower.snapshot!.publicData.snapshotId,
      knownSnapshotUpdateClocks: JSON.stringify(follower.clocks)
    })
  }
}

t.test('20 join while one writes 1,000 updates and a snapshot every 50: each gets what it is missing, once and in order', async (t) => {
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

/** All clients have what is stored, and all of them were closed with these codes. */
function haveAll (t: Test, world: World, closeCodes: readonly number[] = []): void {
  for (const client of world.clients) {
    t.same({ known: client.known, faults: client.faults, closeCodes: client.closeCodes }, { known: world.store.position, faults: [], closeCodes })
  }
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

t.test('what was sent to another node before, and is saved while the client sends it again, loses nothing that is typed then', async (t) => {
  mockTimers(t)
  const world = new World({ nodes: 2 })
  const client = new ModelClient(documentId)
  world.clients.splice(0, 3, client)
  const send = (): void => {
    client.work()
    while (client.passUp());
  }
  const receive = (): void => {
    client.passDown()
    client.work()
  }
  client.type()
  await world.drain({ withTimers: false })
  client.type()
  send()
  await world.until(() => world.store.called.length === 1)
  client.disconnect()
  world.connect(client)
  await world.until(() => world.store.called.length === 2)
  world.store.perform(1)
  world.store.answer()
  await flush()
  receive()
  // What it has sent already, and something new behind it.
  send()
  client.type()
  send()
  await world.until(() => world.store.called.length === 2)
  world.store.serve()
  await world.until(() => world.store.called.length === 1)
  world.store.serve()
  await flush()
  // Now it has its own first update, and numbers on from there.
  receive()
  client.type()
  send()
  await world.drain()
  t.same([...world.stored].sort(), [...client.typed].sort())
  t.same(client.faults, [])
})

t.test('what is told while a node looks into the store is relayed once, with what it finds there behind it', async (t) => {
  mockTimers(t)
  const world = new World({ nodes: 2 })
  const [writer, reader] = world.clients as [ModelClient, ModelClient]
  writer.type()
  await world.drain()
  // Two of these are told, the third gets lost.
  for (let told = 0; told < 3; told++) {
    writer.type()
    while (writer.work() || writer.passUp());
    // To the node itself as well.
    await world.until(() => {
      world.store.serve()
      return world.broker.underway.length === 2 * told + 2
    })
    writer.passDown()
    writer.work()
  }
  for (let lost = 0; lost < 2; lost++) world.broker.lose(4)
  mock.timers.tick(10_000)
  await world.until(() => world.store.called.length > 0)
  while (world.broker.underway.length > 0) world.broker.deliver()
  await world.drain({ withTimers: false })
  t.same([reader.faults, reader.known, reader.closeCodes], [[], world.store.position, []])
})

/** Somebody on the first node, and somebody on the second. */
async function twoNodes (t: Test): Promise<{ world: World, writer: ModelClient, reader: ModelClient }> {
  mockTimers(t)
  const world = new World({ nodes: 2 })
  const [writer, reader] = world.clients as [ModelClient, ModelClient]
  for (const client of [writer, reader]) world.connect(client)
  world.broker.connect()
  writer.type()
  await world.drain()
  return { world, writer, reader }
}

/** What a client types is saved and told, to both nodes. */
async function save (world: World, client: ModelClient): Promise<void> {
  client.type()
  while (client.work() || client.passUp());
  await world.until(() => {
    world.store.serve()
    return world.broker.underway.length === 2
  })
}

function loseAll ({ broker }: World): void {
  while (broker.underway.length > 0) broker.lose()
}

/** How often the store is asked in some seconds in which nobody does anything. */
async function loadsIn (world: World, ms: number): Promise<number> {
  let loads = 0
  for (let passed = 0; passed < ms; passed += 10) {
    mock.timers.tick(10)
    await flush()
    loads += world.store.called.length
    world.store.serve()
    await flush()
  }
  return loads
}

t.test('what was told and is not in the store is not waited for', async (t) => {
  const { world } = await twoNodes(t)
  const { snapshotId, version } = world.store.cursor
  const stray = JSON.stringify({ publicData: { refSnapshotId: snapshotId, pubKey: 'nobody', clock: 7 }, signature: '' })
  await world.broker.bus().publish(`fastify-secsync:1:world:document:${documentId}`, `node changes ${version! + 5}\n${stray}`, false)
  while (world.broker.underway.length > 0) world.broker.deliver()
  const loads = await loadsIn(world, 10_000)
  t.ok(loads >= 2 && loads <= 10, `${loads} loads by two nodes in ten seconds`)
  await world.drain()
  haveAll(t, world)
})

t.test('a joiner follows what its node has found in the store, and then what it is told', async (t) => {
  const { world, writer, reader } = await twoNodes(t)
  const joiner = world.clients[2]!
  // The nodes take turns: this one comes to the reader's.
  do {
    joiner.disconnect()
    await flush()
    world.store.serve()
    await flush()
    world.connect(joiner)
  } while (world.nodes[1]!.connections.size === 1)
  t.strictSame(world.nodes.map(({ connections }) => connections.size), [1, 2])
  await world.until(() => world.store.called.length === 1)
  world.store.perform()
  const answer = world.store.performed.pop()!
  await save(world, writer)
  loseAll(world)
  await loadsIn(world, 10_000)
  while (writer.passDown() || writer.work());
  await save(world, writer)
  while (world.broker.underway.length > 0) world.broker.deliver()
  await flush()
  while (reader.passDown() || reader.work());
  t.same(reader.known, world.store.position)
  answer()
  await world.drain({ withTimers: false })
  t.same([joiner.known, joiner.faults, joiner.closeCodes], [world.store.position, [], []])
})

t.test('after an outage of the store nobody is behind for longer than ten seconds', async (t) => {
  const { world, writer, reader } = await twoNodes(t)
  for (let second = 0; second < 90; second++) {
    mock.timers.tick(1000)
    await flush()
    world.store.serve('failed')
    await flush()
  }
  await save(world, writer)
  loseAll(world)
  await loadsIn(world, 10_000)
  while (reader.passDown() || reader.work());
  t.same(reader.known, world.store.position)
})

t.test('who has come back, and not said yet who it is, is not sent a snapshot that knows more of its updates than it does', async (t) => {
  mockTimers(t)
  const world = new World({ nodes: 2 })
  world.clients.length = 2
  const [author, other] = world.clients as [ModelClient, ModelClient]
  const settle = async (...clients: ModelClient[]): Promise<void> => {
    for (let round = 0; round < 5; round++) {
      for (const client of clients) while (client.passDown() || client.passUp() || client.work());
      await flush()
      world.store.serve()
      await flush()
    }
  }
  // Both on the first node.
  world.connect(author)
  author.type()
  await settle(author)
  world.connect(other)
  other.disconnect()
  world.connect(other)
  world.broker.connect()
  mock.timers.tick(100)
  author.type()
  await settle(author, other)
  t.strictSame(world.nodes.map(({ connections }) => connections.size), [2, 0])

  // One more, which takes its time. Meanwhile its author comes back to the second node, and is sent the document without.
  author.type()
  while (author.work() || author.passUp());
  await world.until(() => world.store.called.length === 1)
  author.disconnect()
  world.connect(author)
  await world.until(() => world.store.called.length === 2)
  world.store.perform(1)
  world.store.answer()
  await flush()
  world.broker.connect()
  await flush()
  world.store.serve()
  await flush()
  loseAll(world)
  other.type({ wantsSnapshot: true })
  await settle(other)
  while (world.broker.underway.length > 0) world.broker.deliver()
  await loadsIn(world, 20_000)
  while (author.passDown() || author.work());
  t.same([author.faults, author.closeCodes], [[], [1013]])
  await world.drain()
  t.same([author.faults, author.known], [[], world.store.position])
})

for (const [what, statements] of [
  ['deleted', 'DELETE FROM secsync_document'],
  ['set back', 'DELETE FROM secsync_update WHERE clock = 1; UPDATE secsync_document SET clocks = jsonb_build_object((SELECT author FROM secsync_update), 0)']
] as const) {
  t.test(`a document that is ${what} while somebody has it is open to whoever comes`, async (t) => {
    const { connectionString } = await createDatabase(t)
    const { writer, reader, snapshot, connect } = await openDocument(t, { adapter: new PrismaPg({ connectionString }) })
    const author = new Author()
    for (const clock of [0, 1]) {
      writer.send(author.update(documentId, idOf(snapshot), clock))
      await writer.next('update-saved')
      await reader.next('update')
    }
    const database = new pg.Client({ connectionString })
    await database.connect()
    await database.query(statements)
    await database.end()

    const newcomer = connect(documentId)
    const { updates } = await newcomer.next('document')
    for (const client of [writer, reader]) t.equal(await client.closed(), what === 'deleted' ? 4404 : 1013)
    t.equal(updates?.length, what === 'deleted' ? undefined : 1)
    if (what === 'deleted') newcomer.send(snapshot)
    else newcomer.send(author.update(documentId, idOf(snapshot), 1))
    await newcomer.next(what === 'deleted' ? 'snapshot-saved' : 'update-saved')
  })
}

for (const [what, updates] of [['less', 0], ['as much', 2]] as const) {
  t.test(`a document that another process deletes and makes anew, with ${what} in it, is open to whoever comes`, async (t) => {
    const { connectionString } = await createDatabase(t)
    const { writer, reader, snapshot, connect } = await openDocument(t, { adapter: new PrismaPg({ connectionString }) })
    const [author, other] = [new Author(), new Author()]
    for (const clock of [0, 1]) {
      writer.send(author.update(documentId, idOf(snapshot), clock))
      await writer.next('update-saved')
      await reader.next('update')
    }
    const database = new pg.Client({ connectionString })
    await database.connect()
    await database.query('DELETE FROM secsync_document')
    await database.end()
    const { app: { secsync: elsewhere } } = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
    const anew = other.snapshot(documentId)
    await elsewhere.createSnapshot({ snapshot: anew })
    for (let clock = 0; clock < updates; clock++) await elsewhere.createUpdate({ update: other.update(documentId, idOf(anew), clock) })

    const newcomer = connect(documentId)
    t.match(await newcomer.next('document'), { snapshot: { signature: anew.signature } })
    for (const client of [writer, reader]) t.equal(await client.closed(), 1013)
    newcomer.send(author.update(documentId, idOf(anew), 0))
    await newcomer.next('update-saved')
  })
}
