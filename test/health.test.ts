import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import pg from 'pg'
import t, { type Test } from 'tap'
import secsync, { type Health } from '../lib/index.ts'
import { ControlledBroker } from './fixtures/controlled-bus.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author } from './fixtures/raw-client.ts'
import { listen, memoryStore, startServer } from './fixtures/server.ts'

const author = new Author()

/** A line to a database that can be held. */
async function holdableLine (t: Test, connectionString: string): Promise<{ connectionString: string, hold (): void, release (): void }> {
  const url = new URL(connectionString)
  const port = Number(url.port)
  const clients: Socket[] = []
  const server = createServer((client) => {
    const database = connect(port, '127.0.0.1')
    for (const [from, to] of [[client, database], [database, client]] as const) from.on('error', () => {}).pipe(to)
    clients.push(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  url.port = String((server.address() as AddressInfo).port)
  return {
    connectionString: url.href,
    hold () { for (const client of clients) client.cork() },
    release () { for (const client of clients) client.uncork() }
  }
}

t.test('the database answers, or does not', async (t) => {
  const line = await holdableLine(t, (await createDatabase(t)).connectionString)
  const { app } = await startServer(t, { adapter: new PrismaPg({ connectionString: line.connectionString, max: 1 }) })
  t.match(await app.secsync.health({ timeout: 10_000 }), {
    status: 'ok', ready: true, database: 'ok', bus: 'none', lag: { database: Number, eventLoop: Number, documents: 0 }
  })

  line.hold()
  const all = await Promise.all([1, 2, 3].map(() => app.secsync.health({ timeout: 50 })))
  for (const health of all) t.match(health, { status: 'unavailable', ready: false, database: 'unavailable', lag: { database: undefined } })
  line.release()
  t.match(await app.secsync.health({ timeout: 10_000 }), { status: 'ok' })
})

t.test('without its tables, the database is of no use', async (t) => {
  const { connectionString } = await createDatabase(t)
  const { app } = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  t.match(await app.secsync.health({ timeout: 10_000 }), { status: 'ok' })
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query('DROP TABLE secsync_update')
  await client.end()
  t.match(await app.secsync.health({ timeout: 10_000 }), { status: 'unavailable' })
})

t.test("the plugin knows nothing of a database that only the user's callbacks use", async (t) => {
  const { app } = await startServer(t, memoryStore())
  t.match(await app.secsync.health(), { status: 'ok', ready: true, database: 'unknown', lag: { database: undefined } })
})

t.test('the bus is connected, or not', async (t) => {
  const broker = new ControlledBroker()
  const { app } = await startServer(t, { ...memoryStore(), bus: broker.bus() })
  t.match(await app.secsync.health(), { status: 'degraded', ready: true, bus: 'disconnected' })
  broker.connect()
  t.match(await app.secsync.health(), { status: 'ok', ready: true, bus: 'connected' })
  broker.leave()
  t.match(await app.secsync.health(), { status: 'degraded', ready: true, bus: 'disconnected' })
})

t.test('a document is behind while its store cannot be asked for changes of other nodes', async (t) => {
  const broker = new ControlledBroker()
  const store = memoryStore()
  let isAway = false
  let asked = () => {}
  const server = await startServer(t, {
    ...store,
    bus: broker.bus(),
    limits: { checkInterval: 100 },
    getDocument (params) {
      asked()
      if (isAway) throw new Error('away')
      return store.getDocument(params)
    }
  })
  broker.connect()
  const client = server.connect('document')
  await client.next('document')
  client.send(author.snapshot('document'))
  await client.next('snapshot-saved')

  const whenAsked = () => new Promise<void>((resolve) => { asked = resolve })
  const until = async (status: Health['status']): Promise<Health> => {
    for (;;) {
      const health = await server.app.secsync.health()
      if (health.status === status) return health
      await whenAsked()
    }
  }
  isAway = true
  t.match(await until('degraded'), { ready: true, bus: 'connected', lag: { documents: 1 } })
  isAway = false
  t.match(await until('ok'), { lag: { documents: 0 } })
})

t.test('a node that drains is not ready, while it still serves its connections', async (t) => {
  const app = Fastify()
  let draining = () => {}
  const drains = new Promise<void>((resolve) => { draining = resolve })
  let letGo = () => {}
  const held = new Promise<boolean>((resolve) => { letGo = () => resolve(true) })
  app.addHook('preClose', async () => { setImmediate(draining) })
  app.get('/ready', async (_request, reply) => {
    const health = await app.secsync.health()
    return await reply.code(health.ready ? 200 : 503).send(health)
  })
  await app.register(secsync, {
    prefix: '/documents', ...memoryStore(), hasAccess: ({ action }) => action === 'send-ephemeral-message' ? held : true
  })
  const { connect, endpoint } = await listen(t, app)
  const url = new URL('/ready', endpoint.replace('ws', 'http'))
  t.equal((await fetch(url)).status, 200)

  const client = connect('document')
  await client.next('document')
  client.send(author.ephemeralMessage('document'))
  client.send(author.snapshot('document'))
  client.socket.ping()
  await new Promise((resolve) => client.socket.once('pong', resolve))
  const closed = app.close()
  await drains
  t.match(await app.secsync.health(), { status: 'draining', ready: false, database: 'unknown' })
  t.equal((await fetch(url)).status, 503)
  letGo()
  await client.next('snapshot-saved')
  t.equal(await client.closed(), 1001)
  await closed
})
