import { once } from 'node:events'
import websocket from '@fastify/websocket'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { drain } from '../lib/connection/drain.ts'
import secsync, { type SecsyncOptions } from '../lib/index.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { listen, memoryStore, type TestServer } from './fixtures/server.ts'

const author = new Author()

interface Closing extends TestServer {
  /** Begins to close the app, and resolves when our part of it has begun. */
  beginToClose (): Promise<{ closed: Promise<unknown> }>
}

async function start (t: Test, options: Partial<SecsyncOptions>, prepare: (app: FastifyInstance) => unknown = () => {}): Promise<Closing> {
  const app = Fastify()
  t.teardown(() => app.close())
  const begun = new Promise<void>((resolve) => {
    app.addHook('preClose', async () => { setImmediate(resolve) })
  })
  await prepare(app)
  await app.register(secsync, { prefix: '/documents', hasAccess: () => true, ...options })
  return {
    ...await listen(t, app),
    async beginToClose () {
      const closed = app.close()
      await begun
      return { closed }
    }
  }
}

/** A connection whose document has a snapshot. */
async function open (server: TestServer): Promise<{ client: RawClient, snapshotId: string }> {
  const client = server.connect('document')
  await client.next('document')
  const snapshot = author.snapshot('document')
  client.send(snapshot)
  await client.next('snapshot-saved')
  return { client, snapshotId: snapshot.publicData.snapshotId }
}

/** Resolves when the server has read what was sent. */
async function hasRead ({ socket }: RawClient): Promise<void> {
  socket.ping()
  await once(socket, 'pong')
}

for (const [name, prepare] of [['', undefined], [', also with a @fastify/websocket of the user', (app: FastifyInstance) => app.register(websocket)]] as const) {
  t.test(`messages in flight are stored and answered, then their connections close with 1001, then the database does${name}`, async (t) => {
    const { connectionString } = await createDatabase(t)
    const server = await start(t, { adapter: new PrismaPg({ connectionString }) }, prepare)
    const { client, snapshotId } = await open(server)
    const reader = server.connect('document')
    await reader.next('document')

    let letGo = () => {}
    const held = new Promise<void>((resolve) => { letGo = resolve })
    const isHeld = new Promise<void>((resolve) => {
      server.app.secsync.addHook('preHandler', async () => {
        resolve()
        await held
      })
    })
    client.send(author.update('document', snapshotId, 0))
    client.send(author.update('document', snapshotId, 1))
    await hasRead(client)
    await isHeld
    const { closed } = await server.beginToClose()
    letGo()

    t.match(await client.next('update-saved'), { clock: 0 })
    t.match(await client.next('update-saved'), { clock: 1 })
    t.equal(await client.closed(), 1001)
    t.equal(await reader.closed(), 1001)
    await closed

    const after = await start(t, { adapter: new PrismaPg({ connectionString }) })
    const { updates } = await after.connect('document').next('document')
    t.strictSame(updates?.map(({ publicData }) => publicData.clock), [0, 1])
  })
}

t.test('once it is the turn of a connection, nothing more is taken from it', async (t) => {
  let letGo = () => {}
  const held = new Promise<boolean>((resolve) => { letGo = () => resolve(true) })
  const server = await start(t, { ...memoryStore(), hasAccess: ({ action }) => action === 'write-update' ? held : true })
  const { client, snapshotId } = await open(server)
  client.send(author.update('document', snapshotId, 0))
  await hasRead(client)
  const { closed } = await server.beginToClose()
  // A single connection has its turn within 5 ms.
  const until = performance.now() + 50
  let clock = 0
  while (performance.now() < until) {
    client.send(author.update('document', snapshotId, ++clock))
    await hasRead(client)
  }
  letGo()
  t.match(await client.next('update-saved'), { clock: 0 })
  t.equal(await client.closed(), 1001)
  t.ok(client.received.length < clock, `${client.received.length} of ${clock} were taken`)
  await closed
})

t.test("connections of the application's own routes close, too", async (t) => {
  const app = Fastify()
  await app.register(secsync, { prefix: '/documents', hasAccess: () => true, ...memoryStore() })
  app.get('/own', { websocket: true }, () => {})
  const { endpoint } = await listen(t, app)
  const client = new RawClient(new URL('/own', endpoint).href)
  await once(client.socket, 'open')
  await app.close()
  t.equal(await client.closed(), 1005)
})

t.test('while the server shuts down nobody new gets in', async (t) => {
  let letGo = () => {}
  const isLate = new Promise<boolean>((resolve) => { letGo = () => resolve(true) })
  const server = await start(t, { ...memoryStore(), hasAccess: ({ action }) => action === 'send-ephemeral-message' ? isLate : true })
  const { client } = await open(server)
  client.send(author.ephemeralMessage('document'))
  await hasRead(client)
  const { closed } = await server.beginToClose()
  const socket = new WebSocket(`${server.endpoint}/document?sessionKey=a`)
  const [, response] = await once(socket, 'unexpected-response')
  t.equal(response.statusCode, 503)
  letGo()
  await closed
})

t.test('messages that are never answered do not hold the shutdown up', async (t) => {
  const server = await start(t, {
    ...memoryStore(),
    hasAccess: ({ action }) => action === 'write-update' ? new Promise<boolean>(() => {}) : true,
    limits: { drainTimeout: 20 }
  })
  const { client, snapshotId } = await open(server)
  client.send(author.update('document', snapshotId, 0))
  await hasRead(client)
  await server.app.close()
  t.equal(await client.closed(), 1001)
})

t.test('a store that never answers does not hold the shutdown up', async (t) => {
  const { documents: _, ...store } = memoryStore()
  const server = await start(t, { ...store, createUpdate: () => new Promise(() => {}), limits: { drainTimeout: 20 } })
  const { client, snapshotId } = await open(server)
  client.send(author.update('document', snapshotId, 0))
  await hasRead(client)
  await server.app.close()
  t.equal(await client.closed(), 1001)
})

t.test('what is still waited for when the server has closed does not hold the process up', async (t) => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const before = timers()
  const { documents: _, ...store } = memoryStore()
  const never = () => new Promise<never>(() => {})
  const server = await start(t, { ...store, hasBroadcastAccess: never, createUpdate: never, limits: { drainTimeout: 20 } })
  const { client, snapshotId } = await open(server)
  client.send(author.update('document', snapshotId, 0))
  await hasRead(client)
  await server.app.close()
  await client.closed()
  t.equal(timers(), before)
})

t.test('a peer that answers nothing does not hold the shutdown up', async (t) => {
  const server = await start(t, memoryStore())
  const { client } = await open(server)
  client.socket.pause()
  await server.app.close()
  client.socket.resume()
  t.equal(await client.closed(), 1001)
})

t.test('a handshake that is under way ends with the others', async (t) => {
  let letGo = () => {}
  const isLate = new Promise<boolean>((resolve) => { letGo = () => resolve(true) })
  let isAsked = () => {}
  const asked = new Promise<void>((resolve) => { isAsked = resolve })
  const server = await start(t, {
    ...memoryStore(),
    hasAccess: () => {
      isAsked()
      return isLate
    }
  })
  const client = server.connect('document')
  await asked
  await server.app.close()
  t.equal(await client.closed(), 1001)
  letGo()
  t.strictSame(client.received, [])
})

t.test('connections leave one after the other, and are served until then', async (t) => {
  const server = await start(t, { ...memoryStore(), limits: { drainTimeout: 10_000 } })
  const clients = Array.from({ length: 200 }, (_, index) => server.connect(`document-${index % 4}`))
  await Promise.all(clients.map((client) => client.next('document')))
  // Made now: it takes time, in which nothing else happens.
  const snapshot = author.snapshot('document-0')
  const left: Array<{ at: number, open: number }> = []
  let open = clients.length
  for (const { socket } of clients) socket.on('close', () => left.push({ at: performance.now(), open: --open }))

  const startedAt = performance.now()
  const { closed } = await server.beginToClose()
  await clients.find(({ closeCode }) => closeCode !== undefined)?.closed()
  const served = clients.filter(({ closeCode }) => closeCode === undefined)
  for (const client of served) client.send(snapshot)
  await closed
  t.strictSame(new Set(await Promise.all(clients.map((client) => client.closed()))), new Set([1001]))
  const half = left.find(({ open }) => open <= clients.length / 2)
  const last = left.at(-1)
  // 5 ms each, at random times: half of them have left after about half of the second.
  t.ok(half !== undefined && half.at - startedAt > 250, `half of them had left after ${Math.round((half?.at ?? 0) - startedAt)} ms`)
  t.ok(last !== undefined && last.at - startedAt > 750, `all had left after ${Math.round((last?.at ?? 0) - startedAt)} ms`)
  t.ok(served.some(({ received }) => received.length > 0), 'what came during the shutdown was answered')
})

t.test('all connections leave within drainTimeout, however many there are', async (t) => {
  for (const [count, drainTimeout, longest] of [[300, 1, 1], [10, 2000, 50], [1000, 2000, 2000]] as const) {
    const delays: number[] = []
    await drain(Array.from({ length: count }, () => ({ shutDown: async (delay: number) => { delays.push(delay) } })), drainTimeout)
    t.equal(delays.length, count)
    t.ok(delays.every((delay) => delay >= 0 && delay <= longest))
    t.ok(Math.max(...delays) > longest / 10)
  }
})

t.test('a client that leaves by itself is not waited for', async (t) => {
  const server = await start(t, memoryStore())
  const clients = Array.from({ length: 400 }, () => server.connect('document'))
  await Promise.all(clients.map((client) => client.next('document')))
  const { closed } = await server.beginToClose()
  for (const { socket } of clients) socket.close()
  await Promise.all(clients.map((client) => client.closed()))
  const startedAt = performance.now()
  await closed
  t.ok(performance.now() - startedAt < 1500, 'not the two seconds that 400 connections have')
})
