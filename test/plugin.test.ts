import { once } from 'node:events'
import websocket from '@fastify/websocket'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import pg from 'pg'
import t, { type Test } from 'tap'
import secsync, { secsync as named } from '../lib/index.ts'
import { PrismaClient } from '../lib/stores/prisma-client/client.ts'
import { loadedModules } from './fixtures/loaded-modules.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { listen, memoryStore, startServer } from './fixtures/server.ts'

const hasAccess = () => true
const author = new Author()

/** Connects to a path of a server that listens. */
function connectTo (t: Test, endpoint: string, path: string): RawClient {
  const client = new RawClient(new URL(path, endpoint).href)
  t.teardown(() => client.socket.terminate())
  return client
}

/** Whether a document can be opened, written and read at a path. */
async function works (t: Test, endpoint: string, path: string): Promise<void> {
  const docId = decodeURIComponent(path.split('/').at(-1)!)
  const [writer, reader] = [connectTo(t, endpoint, `${path}?sessionKey=a`), connectTo(t, endpoint, `${path}?sessionKey=b`)]
  await writer.next('document')
  await reader.next('document')
  const snapshot = author.snapshot(docId)
  writer.send(snapshot)
  await writer.next('snapshot-saved')
  t.strictSame((await reader.next('snapshot')).snapshot, snapshot)
}

t.test('the prefix is where clients connect to; without one it is the root', async (t) => {
  for (const prefix of ['/documents', '/a/b', '']) {
    const { endpoint } = await startServer(t, { ...memoryStore(), prefix })
    await works(t, endpoint, `${prefix}/a`)
  }
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(secsync, { hasAccess, ...memoryStore() })
  await works(t, (await listen(t, app)).endpoint, '/a')
})

t.test('a document may have any name that an application gives it', async (t) => {
  const { connect } = await startServer(t)
  for (const id of ['a b', 'ü/文書', "it's \"quoted\"", '🎉', '%2e', 'a?b#c', '__proto__', 'x'.repeat(300)]) {
    const client = connect(encodeURIComponent(id))
    await client.next('document')
    client.send(author.snapshot(id))
    await client.next('snapshot-saved')
  }
  const client = connect('with/slashes/in/the/path')
  await client.next('document')
  client.send(author.snapshot('with/slashes/in/the/path'))
  await client.next('snapshot-saved')
})

t.test('it works with @fastify/websocket registered before it, with the settings made there', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(websocket, { options: { maxPayload: 3000 } })
  await app.register(secsync, { prefix: '/documents', hasAccess, ...memoryStore() })
  const { endpoint, connect } = await listen(t, app)
  await works(t, endpoint, '/documents/a')
  const client = connect('b')
  await client.next('document')
  client.send('x'.repeat(3001))
  t.equal(await client.closed(), 1009)
})

t.test("the application's own WebSocket routes work beside it", async (t) => {
  for (const isFirst of [true, false]) {
    const app = Fastify()
    t.teardown(() => app.close())
    if (isFirst) await app.register(websocket)
    await app.register(secsync, { prefix: '/documents', hasAccess, ...memoryStore() })
    app.get('/echo', { websocket: true }, (socket) => { socket.on('message', (data) => socket.send(data.toString())) })
    const { endpoint } = await listen(t, app)
    const echo = connectTo(t, endpoint, '/echo')
    await once(echo.socket, 'open')
    echo.send({ type: 'unauthorized' })
    await echo.next('unauthorized')
    await works(t, endpoint, '/documents/a')
    t.strictSame(app.secsync.stats().connections, 2, 'the others are not among its connections')
  }
})

t.test('a client can be injected, without a port', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(secsync, { prefix: '/documents', hasAccess, ...memoryStore() })
  await app.ready()
  const messages: string[] = []
  const socket = await app.injectWS('/documents/a?sessionKey=a', {}, { onInit: (socket) => socket.on('message', (data) => messages.push(`${data}`)) })
  if (messages.length === 0) await once(socket, 'message')
  t.strictSame(messages, ['{"type":"document"}'])
  socket.terminate()
})

t.test('a second registration on the same instance is an error that says what to do', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(secsync, { prefix: '/a', hasAccess, ...memoryStore() })
  const second = async () => await app.register(secsync, { prefix: '/b', hasAccess, ...memoryStore() })
  await t.rejects(second, { code: 'FST_SECSYNC_ALREADY_REGISTERED', message: /inside a scope of its own/ })
})

t.test('two registrations in scopes of their own have documents, hooks and decorators of their own', async (t) => {
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => { lines.push(line) } } } })
  t.teardown(() => app.close())
  const scopes: FastifyInstance[] = []
  for (const prefix of ['/a', '/b']) {
    await app.register(async (scope) => {
      await scope.register(secsync, { prefix, hasAccess: ({ websocketSessionKey }) => websocketSessionKey === prefix, ...memoryStore() })
      scopes.push(scope)
    })
  }
  const { endpoint } = await listen(t, app)
  t.notOk(app.hasDecorator('secsync'))
  const [a, b] = scopes as [FastifyInstance, FastifyInstance]
  b.secsync.addHook('onRequest', () => { throw new Error('not for this one') })
  const client = connectTo(t, endpoint, '/a/x?sessionKey=/a')
  await client.next('document')
  client.send(author.snapshot('x'))
  await client.next('snapshot-saved')
  t.strictSame([a.secsync.stats().connections, b.secsync.stats().connections], [1, 0])
  const other = connectTo(t, endpoint, '/b/x?sessionKey=/b')
  t.strictSame(await other.next('document'), { type: 'document' })
  b.secsync.disconnect({ documentId: 'x' })
  t.equal(await other.closed(), 4401)
  t.equal(client.closeCode, undefined)
  t.equal(await connectTo(t, endpoint, '/b/x?sessionKey=/a').closed(), 4401)
  t.strictSame(lines, [], 'nothing is handled twice')
})

t.test('the decorator has the five callbacks, the defaults too', async (t) => {
  const { app, endpoint } = await startServer(t, { hasAccess: ({ websocketSessionKey }) => websocketSessionKey === 'a' })
  const { getDocument, createSnapshot, createUpdate, hasBroadcastAccess } = app.secsync
  const snapshot = author.snapshot('document')
  await createSnapshot({ snapshot })
  const update = author.update('document', snapshot.publicData.snapshotId, 0)
  await createUpdate({ update })
  t.strictSame(await getDocument({ documentId: 'document', mode: 'complete' }), { snapshot, snapshotProofChain: [], updates: [update] })
  const request = {} as FastifyRequest
  t.equal(await app.secsync.hasAccess({ action: 'read', documentId: 'document', websocketSessionKey: 'b', request }), false)
  t.strictSame(await hasBroadcastAccess({ documentId: 'document', websocketSessionKeys: ['a', 'b', 'a'], requests: [request, request, request] }),
    [true, false, true])
  t.strictSame((await connectTo(t, endpoint, '/documents/document?sessionKey=a').next('document')).updates, [update])
})

t.test('the decorator has the very callbacks that were passed', async (t) => {
  const callbacks = { ...memoryStore(), hasAccess, hasBroadcastAccess: () => [true] }
  const { app } = await startServer(t, callbacks)
  for (const name of ['getDocument', 'createSnapshot', 'createUpdate', 'hasAccess', 'hasBroadcastAccess'] as const) {
    t.equal(app.secsync[name], callbacks[name])
  }
})

t.test('stats say what is open, and disconnect ends the connections of a document, of a session key or of both', async (t) => {
  const { app, connect } = await startServer(t, memoryStore())
  t.strictSame(app.secsync.stats(), { documents: 0, connections: 0 })
  const closing = new Promise<void>((resolve) => {
    app.secsync.addHook('onClose', () => { if (app.secsync.stats().connections === 0) resolve() })
  })
  const [a1, a2, b1, b2] = await Promise.all([['a', '1'], ['a', '2'], ['b', '1'], ['b', '2']].map(async ([id, sessionKey]) => {
    const client = connect(id!, { sessionKey: sessionKey! })
    await client.next('document')
    return client
  })) as [RawClient, RawClient, RawClient, RawClient]
  t.strictSame(app.secsync.stats(), { documents: 2, connections: 4 })

  const isEnded = async (client: RawClient) => {
    await client.next('unauthorized')
    t.equal(await client.closed(), 4401)
  }
  app.secsync.disconnect({ documentId: 'a', websocketSessionKey: '1' })
  await isEnded(a1)
  app.secsync.disconnect({ documentId: 'c' })
  app.secsync.disconnect({ websocketSessionKey: '1' })
  await isEnded(b1)
  t.strictSame([a2.closeCode, b2.closeCode], [undefined, undefined])
  app.secsync.disconnect({ documentId: 'b' })
  await isEnded(b2)
  await a2.close()
  await closing
  t.strictSame(app.secsync.stats(), { documents: 0, connections: 0 })
})

t.test('disconnect without a document or a session key is an error', async (t) => {
  const { app } = await startServer(t, memoryStore())
  for (const which of [undefined, null, {}, 'document', { document: 'a' }, { documentId: 1 }, { documentId: undefined }, { documentId: 'a', sessionKey: 'b' },
    { websocketSessionKey: 'a', sessionKeyHash: 'a' }]) {
    t.throws(() => app.secsync.disconnect(which as never), { code: 'FST_SECSYNC_DISCONNECT_INVALID', message: /^disconnect\(\) needs \{ documentId \}/ })
  }
  app.secsync.disconnect({ documentId: undefined, websocketSessionKey: 'b' })
})

t.test("the user's PrismaClient stays open", async (t) => {
  const { connectionString } = await createDatabase(t)
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString }) })
  t.teardown(async () => await prisma.$disconnect())
  const { app, endpoint } = await startServer(t, { prisma })
  await works(t, endpoint, '/documents/a')
  await app.close()
  t.equal(await prisma.secsyncSnapshot.count(), 1)
})

t.test('the PrismaClient that was made here is closed', async (t) => {
  const { connectionString } = await createDatabase(t)
  const { app, endpoint } = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  await works(t, endpoint, '/documents/a')
  await app.close()
  const client = new pg.Client({ connectionString })
  await client.connect()
  t.teardown(async () => await client.end())
  const others = 'SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
  // PostgreSQL may still be ending their backends.
  while ((await client.query(others)).rowCount !== 0);
  t.pass('no connection is left')
})

t.test('all three stores of the user do not load Prisma', async (t) => {
  const modules = await loadedModules(`
    import Fastify from 'fastify'
    import secsync from 'fastify-secsync'
    const app = Fastify()
    await app.register(secsync, {
      hasAccess: () => true, getDocument: () => ({ updates: [] }), createSnapshot: () => {}, createUpdate: () => {}
    })
    await app.ready()
    const socket = await app.injectWS('/document?sessionKey=a')
    socket.terminate()
    await app.close()`)
  t.ok(modules.some((url) => url.endsWith('dist/stores/resolve.js')), 'imports are seen')
  t.strictSame(modules.filter((url) => /prisma-client|@prisma|schema-engine/.test(url)), [])
})

t.test('it has a name as well as a default', async (t) => {
  t.equal(named, secsync)
})
