// Several nodes of the model: who joins or comes back at one of them gets what was saved by another.
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { ModelClient } from './fixtures/model-client.ts'
import { documentId, flush, mockTimers, World } from './fixtures/world.ts'
import { haveAll } from './fixtures/world-promises.ts'

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
