import { once } from 'node:events'
import websocket from '@fastify/websocket'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
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
    client.send(author.update('document', snapshotId, 2))
    await hasRead(client)
    letGo()

    t.match(await client.next('update-saved'), { clock: 0 })
    t.match(await client.next('update-saved'), { clock: 1 })
    t.equal(await client.closed(), 1001)
    t.strictSame(client.received, [], 'what came after is not taken')
    t.equal(await reader.closed(), 1001)
    await closed

    const after = await start(t, { adapter: new PrismaPg({ connectionString }) })
    const { updates } = await after.connect('document').next('document')
    t.strictSame(updates?.map(({ publicData }) => publicData.clock), [0, 1])
  })
}

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
