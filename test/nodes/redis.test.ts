// Several nodes on one PostgreSQL and a real Redis.
import { once } from 'node:events'
import { PrismaPg } from '@prisma/adapter-pg'
import t, { type Test } from 'tap'
import { redisBus, type SecsyncOptions } from '../../lib/index.ts'
import { busSuite } from '../../lib/testing/bus.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author, type RawClient } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { noRedis, startRedis, type RedisServer } from '../fixtures/redis.ts'
import { startServer, type TestServer } from '../fixtures/server.ts'

const documentId = 'document'

interface Nodes {
  redis: RedisServer
  nodes: [TestServer, TestServer, TestServer]
}

async function threeNodes (t: Test, options: Partial<SecsyncOptions> = {}): Promise<Nodes> {
  const { connectionString } = await createDatabase(t)
  const redis = await startRedis(t)
  const start = () => startServer(t, { adapter: new PrismaPg({ connectionString }), redis: redis.client(), ...options })
  return { redis, nodes: [await start(), await start(), await start()] }
}

/** A look into the store would come much later: what arrives was told. */
const onlyTold = { limits: { checkInterval: 600_000 } }

t.test('the suite of all buses', { skip: noRedis }, async (t) => {
  const redis = await startRedis(t)
  const broker = { createBus: redisBus(redis.client()), interrupt: () => redis.stop(), restore: () => redis.start() }
  busSuite((name, run) => t.test(name, run), () => broker)
})

t.test('several nodes', { skip: noRedis }, async (t) => {
  await t.test('what one saves or is sent reaches the connections of all', async (t) => {
    const { nodes } = await threeNodes(t, onlyTold)
    const author = new Author()
    const [writer, ...readers] = nodes.map((node) => node.connect(documentId)) as [RawClient, ...RawClient[]]
    for (const client of [writer, ...readers]) await client.next('document')
    // From when a node is subscribed, messages arrive at once; what comes before that is in the store, where it looks then.
    const snapshot = author.snapshot(documentId)
    writer.send(snapshot)
    await writer.next('snapshot-saved')
    for (const reader of readers) t.match(await reader.next('snapshot'), { snapshot })

    const updates = Array.from({ length: 20 }, (_, clock) => author.update(documentId, idOf(snapshot), clock))
    for (const update of updates) writer.send(update)
    for (const reader of readers) for (const update of updates) t.match(await reader.next('update'), update)

    const child = author.snapshot(documentId, { parent: snapshot, clocks: { [author.publicKey]: 19 }, content: new Uint8Array(2_000_000) })
    writer.send(child)
    for (const reader of readers) t.match(await reader.next('snapshot'), { snapshot: { signature: child.signature } })

    const message = author.ephemeralMessage(documentId)
    writer.send(message)
    for (const reader of readers) t.match(await reader.next('ephemeral-message'), message)
  })

  await t.test('who writes on different nodes at once is read in one order by everybody', async (t) => {
    const { nodes } = await threeNodes(t, onlyTold)
    const [first] = nodes
    const snapshot = new Author().snapshot(documentId)
    await first.app.secsync.createSnapshot({ snapshot })
    const count = 200
    const writers = nodes.map((node) => ({ author: new Author(), client: node.connect(documentId) }))
    const readers = nodes.map((node) => node.connect(documentId))
    for (const client of [...writers.map(({ client }) => client), ...readers]) await client.next('document')
    const written = writers.map(async ({ author, client }) => {
      for (let clock = 0; clock < count; clock++) client.send(author.update(documentId, idOf(snapshot), clock))
      for (let saved = 0; saved < count;) if ((await client.nextOfAny()).type === 'update-saved') saved++
    })
    const read = readers.map(async (reader) => {
      const signatures: string[] = []
      while (signatures.length < writers.length * count) signatures.push((await reader.next('update')).signature)
      return signatures
    })
    await Promise.all(written)
    const { updates } = await first.app.secsync.getDocument({ documentId, mode: 'complete' }) ?? { updates: [] }
    const stored = updates.map(({ signature }) => signature)
    for (const signatures of await Promise.all(read)) t.strictSame(signatures, stored)
    t.equal(stored.length, writers.length * count)
  })

  await t.test('who is disconnected is so on every node, and nobody else', async (t) => {
    const { nodes: [here, there] } = await threeNodes(t)
    const open = async (document: string, sessionKey: string) => {
      const client = there.connect(document, { sessionKey })
      await client.next('document')
      return client
    }
    const [a1, b1, a2, b2] = [await open('1', 'a'), await open('1', 'b'), await open('2', 'a'), await open('2', 'b')]
    here.app.secsync.disconnect({ documentId: '1', websocketSessionKey: 'a' })
    t.equal(await a1.closed(), 4401)
    t.strictSame(a1.received, [{ type: 'unauthorized' }])
    here.app.secsync.disconnect({ documentId: '1' })
    t.equal(await b1.closed(), 4401)
    t.equal(a2.closeCode, undefined)
    here.app.secsync.disconnect({ websocketSessionKey: 'a' })
    t.equal(await a2.closed(), 4401)
    t.equal(b2.closeCode, undefined)
  })

  await t.test('clients on different nodes work together, also while Redis is away, hangs, and comes back', async (t) => {
    const { redis, nodes } = await threeNodes(t, { limits: { checkInterval: 500 } })
    const clients = nodes.map(({ endpoint }) => new RealClient(t, endpoint, documentId, { snapshotEvery: 30 }))
    clients[0]!.type('.')
    await agree(...clients)
    let length = 1
    const typeAll = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        for (const client of clients) client.type('x')
        await new Promise((resolve) => setImmediate(resolve))
      }
      length += 30
      t.equal((await agree(...clients)).length, length)
    }
    await typeAll()
    await redis.stop()
    await typeAll()
    await redis.start()
    await typeAll()
    redis.pause()
    await typeAll()
    redis.resume()
    await typeAll()
    for (const { status } of clients) t.equal(status, 'connected')
  })

  await t.test('the client that was passed stays open, and the connections that were made for it are closed', async (t) => {
    const redis = await startRedis(t)
    const [client, monitor] = [redis.client(), redis.client()]
    const { app, connect } = await startServer(t, { redis: client })
    await connect(documentId).next('document')
    // Without those that a node sends to itself.
    const channels = async () => (await monitor.pubsub('CHANNELS') as string[]).filter((name) => !name.includes(':echo:')).sort()
    while ((await channels()).length < 2);
    t.strictSame(await channels(), ['app:fastify-secsync:1:/documents:disconnect', 'app:fastify-secsync:1:/documents:document:document'])
    await app.close()
    while ((await monitor.pubsub('CHANNELS') as string[]).length > 0);
    t.equal(await client.ping(), 'PONG')
    client.quit()
    await once(client, 'end')
  })
})
