// The bus on PostgreSQL, with real servers.
import { mock } from 'node:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import pg from 'pg'
import t, { type Test } from 'tap'
import { postgresBus, type Bus } from '../../lib/index.ts'
import { busSuite } from '../../lib/testing/bus.ts'
import { until } from '../../lib/testing/test.ts'
import { Log } from '../fixtures/log.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase, startServer as startPostgres } from '../fixtures/postgres.ts'
import { missing } from '../fixtures/daemon.ts'
import { startPooler } from '../fixtures/pooler.ts'
import { Author } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'

const documentId = 'document'

/** For the tests that stop it. */
const ownServer = startPostgres(t, { fsync: 'off' })

/** A bus, with what it logs and what its subscriber is told. */
async function busOn (t: Test, config: string | object): Promise<{ bus: Bus, log: Log, told: Array<string | boolean> }> {
  const log = new Log()
  const bus = await postgresBus(config)(Fastify(log.options).log)
  t.teardown(() => bus.close())
  const told: Array<string | boolean> = []
  bus.subscribe('channel', { message: (message) => { told.push(message) }, connected: (isConnected) => { told.push(isConnected) } })
  return { bus, log, told }
}

async function query (connectionString: string, sql: string): Promise<Array<Record<string, unknown>>> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query(sql)).rows as Array<Record<string, unknown>>
  } finally {
    await client.end()
  }
}

const busConnections = "SELECT pid FROM pg_stat_activity WHERE application_name = 'fastify-secsync bus' AND datname = current_database()"
const messagesOf = (log: Log) => log.lines.map(({ msg }) => msg)
const away = 'secsync: PostgreSQL is unavailable for messages between nodes. Nodes poll the store until it is back'
const back = 'secsync: PostgreSQL is available again for messages between nodes'

t.test('the suite of all buses', async (t) => {
  const postgres = await ownServer
  const broker = { createBus: postgresBus(postgres.connectionString), interrupt: () => postgres.crash(), restore: () => postgres.start() }
  busSuite((name, run) => t.test(name, run), () => broker)
})

t.test('what one node saves or is sent reaches the connections of all, also what is too long for a notification', async (t) => {
  const { connectionString } = await createDatabase(t)
  const bus = postgresBus({ connectionString })
  const start = () => startServer(t, { adapter: new PrismaPg({ connectionString }), bus, limits: { checkInterval: 600_000 } })
  const [writer, reader] = [(await start()).connect(documentId), (await start()).connect(documentId)]
  for (const client of [writer, reader]) await client.next('document')
  const author = new Author()
  const snapshot = author.snapshot(documentId)
  writer.send(snapshot)
  t.match(await reader.next('snapshot'), { snapshot })
  // One notification, several, and none.
  for (const [clock, length] of [10, 20_000, 200_000].entries()) {
    const update = author.update(documentId, idOf(snapshot), clock, 'x'.repeat(length))
    writer.send(update)
    t.match(await reader.next('update'), update)
  }
  const message = author.ephemeralMessage(documentId)
  writer.send(message)
  t.match(await reader.next('ephemeral-message'), message)
})

t.test('clients on different nodes work together, also while PostgreSQL ends connections and restarts', async (t) => {
  const postgres = await ownServer
  const { connectionString } = await postgres.createDatabase()
  const start = () => startServer(t, { adapter: new PrismaPg({ connectionString }), bus: postgresBus(connectionString), limits: { checkInterval: 500 } })
  const nodes = [await start(), await start(), await start()]
  const clients = nodes.map(({ endpoint }) => new RealClient(t, endpoint, documentId, { snapshotEvery: 30 }))
  let length = 0
  const typeAll = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      for (const client of clients) client.type('x')
      await new Promise((resolve) => setImmediate(resolve))
    }
    length += 30
    t.equal((await agree(...clients)).length, length)
  }
  clients[0]!.type('.')
  length++
  await agree(...clients)
  await typeAll()
  await query(connectionString, busConnections.replace('SELECT pid', 'SELECT pg_terminate_backend(pid)'))
  await typeAll()
  await postgres.restart()
  await typeAll()
})

t.test('an outage is logged once, and what cannot be sent is refused', async (t) => {
  const postgres = await ownServer
  const { bus, log, told } = await busOn(t, postgres.connectionString)
  await t.rejects(bus.publish('channel', 'message', false), { code: 'FST_SECSYNC_BUS_UNAVAILABLE' }, 'before it is connected')
  await until(() => told.length === 1, 'connected')
  await postgres.stop()
  await until(() => told.length === 2, 'disconnected')
  await t.rejects(bus.publish('channel', 'message', false), { code: 'FST_SECSYNC_BUS_UNAVAILABLE' })
  await postgres.start()
  await until(() => told.length === 3, 'connected again')
  t.strictSame(told, [true, false, true])
  t.strictSame(messagesOf(log), [away, back])
  t.notMatch(log.text, new URL(postgres.connectionString).password)
})

t.test('a server that has become a standby is left, until it is promoted', async (t) => {
  const postgres = await ownServer
  const { bus, log, told } = await busOn(t, postgres.connectionString)
  await until(() => told.length === 1, 'connected')
  await postgres.stop()
  await writeFile(join(postgres.directory, 'postgres', 'standby.signal'), '')
  await postgres.start()
  t.strictSame(await query(postgres.connectionString, 'SELECT pg_is_in_recovery() AS standby'), [{ standby: true }])
  await until(() => log.text.includes(away), 'the log')
  await query(postgres.connectionString, 'SELECT pg_promote()')
  await until(() => told.length === 3, 'connected again')
  t.strictSame(told, [true, false, true])
  await bus.publish('channel', 'message', false)
})

t.test('a server that does not answer is left', async (t) => {
  const postgres = await ownServer
  const { bus, log, told } = await busOn(t, postgres.connectionString)
  await until(() => told.length === 1, 'connected')
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => mock.timers.reset())
  // A check that is answered.
  mock.timers.tick(5000)
  await bus.publish('channel', 'message', false)
  await postgres.pause()
  const published = t.rejects(bus.publish('channel', 'message', false), { code: 'FST_SECSYNC_BUS_UNAVAILABLE', message: /too slow/ })
  const waiting = Array.from({ length: 9 }, () => t.rejects(bus.publish('channel', 'x'.repeat(1024 * 1024), false), { code: 'FST_SECSYNC_BUS_UNAVAILABLE' }))
  await t.rejects(bus.publish('channel', 'message', false), { message: /too slow/ })
  mock.timers.tick(5000)
  await published
  await Promise.all(waiting)
  t.strictSame(told, [true, false])
  t.strictSame(messagesOf(log), [away])
  await bus.close()
  mock.timers.reset()
  postgres.resume()
})

t.test('a message that PostgreSQL refuses is an error of its own', async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const { bus, log, told } = await busOn(t, connectionString)
  const other = await busOn(t, connectionString)
  await until(() => told.length === 1 && other.told.length === 1, 'connected')
  await t.rejects(bus.publish('channel', '\0', false), { code: 'FST_SECSYNC_BUS_UNAVAILABLE' })
  await bus.publish('channel', 'message', false)
  await until(() => other.told.length === 2, 'the message')
  t.strictSame(other.told, [true, 'message'])
  t.strictSame(told, [true])
  t.strictSame(messagesOf(log), [
    'secsync: PostgreSQL rejects messages of this node. Other nodes poll the store until it accepts them', 'secsync: PostgreSQL accepts messages of this node again'
  ])
})

t.test('what others send on the channels is ignored', async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const [here, there] = [await busOn(t, connectionString), await busOn(t, connectionString)]
  await until(() => here.told.length === 1 && there.told.length === 1, 'connected')
  const listened: string[] = []
  const spy = new pg.Client({ connectionString })
  await spy.connect()
  for (let channel = 0; channel < 256; channel++) await spy.query(`LISTEN fastify_secsync_${channel}`)
  const heard = new Promise<pg.Notification>((resolve) => spy.on('notification', resolve))
  await here.bus.publish('channel', 'message', false)
  const { channel, payload = '' } = await heard
  const [address = ''] = payload.split(' ')
  for (const text of ['', 'x', '\n', `${address}`, `${address} 1 1 2\npart`, `${address} 1 0 3\npart`, `${address} 1 2 3\npart`, `x${payload}`]) {
    await spy.query('SELECT pg_notify($1, $2)', [channel, text])
  }
  await spy.end()
  await here.bus.publish('channel', 'end', false)
  await until(() => there.told.at(-1) === 'end', 'the last message')
  t.strictSame([there.told, here.told, listened], [[true, 'message', 'end'], [true], []])
})

t.test('a Pool that was passed stays open, and the connection that was made with its config is closed', async (t) => {
  const { connectionString } = await createDatabase(t)
  const { username, password, hostname, port, pathname } = new URL(connectionString)
  const pool = new pg.Pool({ user: username, password, host: hostname, port: Number(port), database: pathname.slice(1), max: 1 })
  const { app } = await startServer(t, { adapter: new PrismaPg({ connectionString }), bus: postgresBus(pool) })
  while ((await pool.query(busConnections)).rowCount !== 1);
  await app.close()
  while ((await pool.query(busConnections)).rowCount !== 0);
  t.strictSame((await pool.query('SELECT 1 AS one')).rows, [{ one: 1 }])
  await pool.end()
})

t.test('it can be closed while it connects', async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const { bus, told } = await busOn(t, connectionString)
  await bus.close()
  while ((await query(connectionString, busConnections)).length > 0);
  const gone = await busOn(t, 'postgres://postgres@127.0.0.1:1/none')
  await until(() => gone.log.lines.length === 1, 'the log')
  await gone.bus.close()
  t.strictSame([told, gone.told], [[], []])
})

t.test('poolers', { skip: missing('pgbouncer') }, async (t) => {
  await t.test('in transaction mode: the log names it, and it is tried again', async (t) => {
    const { connectionString } = await createDatabase(t, { migrated: false })
    const { log, told } = await busOn(t, await startPooler(t, connectionString, 'transaction'))
    await until(() => log.lines.length === 1, 'the log')
    t.match(log.lines, [{ msg: away, reason: /pooler in transaction mode/ }])
    t.strictSame(told, [])
  })

  await t.test('in session mode, all works', async (t) => {
    const { connectionString } = await createDatabase(t, { migrated: false })
    const pooled = await startPooler(t, connectionString, 'session')
    const [here, there] = [await busOn(t, pooled), await busOn(t, pooled)]
    await until(() => here.told.length === 1 && there.told.length === 1, 'connected')
    await here.bus.publish('channel', 'message', false)
    await until(() => there.told.length === 2, 'the message')
    t.strictSame(there.told, [true, 'message'])
    t.strictSame(here.log.lines, [])
  })
})

t.test('what it is called with is checked', async (t) => {
  for (const wrong of ['localhost:5432', '', undefined, null, 5, new PrismaPg({ connectionString: 'postgres://localhost' })]) {
    t.throws(() => postgresBus(wrong as string), { code: 'FST_SECSYNC_OPTION_INVALID', message: /postgresBus\('postgres:/ })
  }
})
