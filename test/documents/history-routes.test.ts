import { once } from 'node:events'
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify, { type InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { addHistoryRoutes } from '../../lib/connection/history.ts'
import { Access } from '../../lib/document/access.ts'
import { Hooks } from '../../lib/hooks.ts'
import secsync, { type HistoryPage, type SecsyncOptions, type Snapshot } from '../../lib/index.ts'
import { memoryStore } from '../../lib/testing/memory-store.ts'
import { Log } from '../fixtures/log.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'
import { startServer } from '../fixtures/server.ts'

const ada = new Author()

async function setUp (t: Test, options: Partial<SecsyncOptions> = {}, log = new Log()) {
  const { connectionString } = await createDatabase(t)
  const { app, connect, endpoint } = await startServer(t, {
    adapter: new PrismaPg({ connectionString }),
    history: true,
    hasAccess: ({ websocketSessionKey }) => websocketSessionKey === 'key',
    ...options
  }, log.options)
  const get = async (path: string, more: Omit<InjectOptions, 'url'> = {}) => await app.inject({ url: `/documents/${path}`, ...more })
  return { app, connect, endpoint, get, log }
}

/** Some snapshots, the oldest first. */
async function write ({ app }: Awaited<ReturnType<typeof setUp>>, documentId: string, count = 3): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = []
  for (let i = 0; i < count; i++) {
    const snapshot = ada.snapshot(documentId, { parent: snapshots.at(-1) })
    await app.secsync.createSnapshot({ snapshot })
    snapshots.push(snapshot)
  }
  return snapshots
}

t.test('whoever may read gets the list and each snapshot as it was sent, and a browser keeps them', async (t) => {
  const server = await setUp(t)
  const { app, get } = server
  const snapshots = await write(server, 'document')
  const list = await get('document/snapshots?sessionKey=key')
  t.equal(list.statusCode, 200)
  t.equal(list.headers['cache-control'], 'private, no-cache')
  t.strictSame(list.json(), await app.secsync.documents.history('document'))
  const first = (await get('document/snapshots?sessionKey=key&limit=2')).json<HistoryPage>()
  t.strictSame(first.snapshots.map(({ snapshotId }) => snapshotId), snapshots.slice(1).reverse().map(idOf))
  const rest = (await get(`document/snapshots?limit=2&before=${first.before}&sessionKey=key`)).json<HistoryPage>()
  t.strictSame(rest.snapshots.map(({ snapshotId }) => snapshotId), [idOf(snapshots[0]!)])
  t.equal(rest.before, undefined)

  for (const snapshot of snapshots) {
    const path = `document/snapshots/${idOf(snapshot)}?sessionKey=key`
    const answer = await get(path)
    t.equal(answer.statusCode, 200)
    t.strictSame(answer.json(), snapshot)
    t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    t.equal(answer.headers['cache-control'], 'private, max-age=31536000, immutable')
    t.equal(answer.headers.etag, `"${snapshot.signature}"`)
    for (const tag of [answer.headers.etag, `"other", W/${answer.headers.etag}`, '*']) {
      const again = await get(path, { headers: { 'if-none-match': tag } })
      t.strictSame([again.statusCode, again.body], [304, ''])
    }
    t.equal((await get(path, { headers: { 'if-none-match': '"other"' } })).statusCode, 200)
  }
})

t.test('who may not read learns nothing, and no answer has internal text', async (t) => {
  const log = new Log()
  const server = await setUp(t, {
    hasAccess: ({ websocketSessionKey, documentId }) => {
      if (documentId === 'trouble') throw new Error('the password of the database is 1234')
      return websocketSessionKey === 'key'
    }
  }, log)
  const { app, get } = server
  const [snapshot] = await write(server, 'document', 1)
  const path = `document/snapshots/${idOf(snapshot!)}`
  for (const [url, statusCode, code] of [
    ['document/snapshots', 401, 'FST_SECSYNC_SESSION_KEY_MISSING'],
    [path, 401, 'FST_SECSYNC_SESSION_KEY_MISSING'],
    ['document/snapshots?sessionKey=other', 403, 'FST_SECSYNC_UNAUTHORIZED'],
    [`${path}?sessionKey=other`, 403, 'FST_SECSYNC_UNAUTHORIZED'],
    ['none/snapshots?sessionKey=other', 403, 'FST_SECSYNC_UNAUTHORIZED'],
    ['none/snapshots?sessionKey=key', 404, 'FST_SECSYNC_DOCUMENT_NOT_FOUND'],
    [`none/snapshots/${idOf(snapshot!)}?sessionKey=key`, 404, 'FST_SECSYNC_SNAPSHOT_NOT_FOUND'],
    ['document/snapshots/none?sessionKey=key', 404, 'FST_SECSYNC_SNAPSHOT_NOT_FOUND'],
    ['document/snapshots/%00?sessionKey=key', 404, 'FST_SECSYNC_SNAPSHOT_NOT_FOUND'],
    ['a%00/snapshots?sessionKey=key', 400, 'FST_SECSYNC_HANDSHAKE_INVALID'],
    ['document/snapshots?sessionKey=key&limit=0', 400, 'FST_ERR_VALIDATION'],
    ['document/snapshots?sessionKey=key&limit=1001', 400, 'FST_ERR_VALIDATION'],
    ['document/snapshots?sessionKey=key&limit=many', 400, 'FST_ERR_VALIDATION'],
    ['document/snapshots?sessionKey=key&before=0', 400, 'FST_ERR_VALIDATION'],
    ['trouble/snapshots?sessionKey=key', 503, 'FST_SECSYNC_HISTORY_UNAVAILABLE'],
    [`${'x'.repeat(101)}/snapshots?sessionKey=key`, 414, 'FST_SECSYNC_HISTORY_PATH_TOO_LONG']
  ] as const) {
    const answer = await get(url)
    t.match({ status: answer.statusCode, ...answer.json<object>() }, { status: statusCode, statusCode, code }, url)
    t.notMatch(answer.body, /password|prisma|select|\/lib\//i)
    t.equal(answer.headers.etag, undefined)
  }
  t.match(log.takeErrors(), [{ err: { code: 'FST_SECSYNC_ACCESS_CHECK_FAILED' } }])
  t.notMatch(log.text, 'sessionKey=key')
  await app.secsync.documents.delete('document')
  t.equal((await get('document/snapshots?sessionKey=key')).statusCode, 404)
  t.equal((await get(`${path}?sessionKey=key`)).statusCode, 404)
  t.equal((await get('document?sessionKey=key')).statusCode, 426, 'the other routes are as they were')
})

t.test('a document id may have slashes, percent signs and the name of the route in it, here and in handshakes', async (t) => {
  const server = await setUp(t)
  for (const documentId of ['a/b', '100%', 'a%2Fb', 'ä ö?x#y&z', 'x/snapshots', 'snapshots', '100%25/snapshots/1']) {
    const [snapshot] = await write(server, documentId, 1)
    const path = `${encodeURIComponent(documentId)}/snapshots`
    t.match((await server.get(`${path}?sessionKey=key`)).json<HistoryPage>().snapshots, [{ snapshotId: idOf(snapshot!) }], documentId)
    t.strictSame((await server.get(`${path}/${idOf(snapshot!)}?sessionKey=key`)).json(), snapshot, documentId)
    t.strictSame((await server.connect(encodeURIComponent(documentId)).next('document')).snapshot, snapshot, documentId)
  }
  // As the published client writes the URL.
  for (const documentId of ['x/snapshots', 'y/snapshots/1']) {
    const [snapshot] = documentId === 'x/snapshots' ? [undefined] : await write(server, documentId, 1)
    const client = server.connect(documentId)
    const { snapshot: loaded } = await client.next('document')
    if (snapshot !== undefined) t.strictSame(loaded, snapshot)
    t.ok(loaded)
  }
})

t.test('the hooks of the route run first, then those of the option, which may limit rates', async (t) => {
  const calls: string[] = []
  const call = (name: string) => async () => { calls.push(name) }
  const { get, app, connect } = await setUp(t, {
    onRequest: call('onRequest'),
    preHandler: [call('preHandler'), async (request, reply) => {
      if (request.headers['x-user'] === 'nobody') return await reply.code(401).send({ message: 'Log in first' })
    }],
    history: { onRequest: [call('history.onRequest')], preValidation: call('history.preValidation'), preHandler: call('history.preHandler') }
  })
  app.secsync.addHook('preHandler', ({ action }) => { calls.push(`secsync.${action}`) })
  t.equal((await get('none/snapshots?sessionKey=key')).statusCode, 404)
  t.strictSame(calls, ['onRequest', 'history.onRequest', 'history.preValidation', 'preHandler', 'history.preHandler', 'secsync.read'])
  const refused = await get('none/snapshots/1?sessionKey=key', { headers: { 'x-user': 'nobody' } })
  t.strictSame([refused.statusCode, refused.json()], [401, { message: 'Log in first' }])
  calls.length = 0
  await connect('x/snapshots').next('document')
  t.strictSame(calls.includes('preHandler'), true, 'and for a handshake that looks like it')
})

t.test('@fastify/rate-limit limits the routes by their config', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { global: false })
  await app.register(secsync, {
    hasAccess: () => true,
    ...memoryStore(),
    history: { config: { rateLimit: { max: 2, timeWindow: 60_000 } } },
    documentCallbacks: { history: async () => ({ snapshots: [] }), snapshot: async () => undefined }
  })
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push((await app.inject('/document/snapshots?sessionKey=k')).statusCode)
  t.strictSame(statuses, [200, 200, 429])
  t.equal((await app.inject('/document')).statusCode, 426)
})

t.test('the routes are in OpenAPI, with their parameters and answers', async (t) => {
  const { documents: _, ...store } = { ...memoryStore(), documents: undefined }
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: { info: { title: 'App', version: '1.0.0' } } })
  await app.register(secsync, {
    prefix: '/documents', hasAccess: () => true, ...store, history: true, documentCallbacks: { history: async () => undefined, snapshot: async () => undefined }
  })
  await app.ready()
  const { paths } = app.swagger() as { paths?: Record<string, { get: object }> }
  const answers = { 400: {}, 401: {}, 403: {}, 404: {}, 503: {} }
  t.match(paths?.['/documents/{documentId}/snapshots']?.get, {
    summary: /newest first/,
    parameters: [
      { name: 'sessionKey', in: 'query', required: false },
      { name: 'limit', in: 'query', schema: { type: 'integer', maximum: 1000 } },
      { name: 'before', in: 'query' },
      { name: 'documentId', in: 'path', required: true }
    ],
    responses: { 200: { content: { 'application/json': { schema: { properties: { snapshots: { type: 'array' }, before: { type: 'integer' } } } } } }, ...answers }
  })
  t.match(paths?.['/documents/{documentId}/snapshots/{snapshotId}']?.get, {
    responses: { 200: { content: { 'application/json': { schema: { required: ['ciphertext', 'nonce', 'publicData', 'signature'] } } } }, 304: {}, ...answers }
  })
})

t.test('with a store of your own, its functions are asked; without them the option is an error', async (t) => {
  const snapshot = ada.snapshot('document')
  const { ciphertext, nonce, publicData, signature } = snapshot
  const { app } = await startServer(t, {
    ...memoryStore(),
    history: true,
    documentCallbacks: {
      history: async (documentId, query) => ({ snapshots: [], before: query?.limit ?? documentId.length }),
      snapshot: async () => ({ signature, ciphertext, nonce, publicData })
    }
  })
  t.strictSame((await app.inject('/documents/document/snapshots?sessionKey=k&limit=7')).json(), { snapshots: [], before: 7 })
  const answer = await app.inject('/documents/document/snapshots/x?sessionKey=k')
  t.strictSame([answer.json(), answer.headers.etag], [snapshot, `"${signature}"`])
  for (const documentCallbacks of [undefined, { history: async () => undefined }]) {
    await t.rejects(startServer(t, { ...memoryStore(), history: true, ...documentCallbacks && { documentCallbacks } }),
      { code: 'FST_SECSYNC_OPTION_INVALID', message: /history is invalid: needs the Prisma store.*documentCallbacks: \{ history, snapshot \}/ })
  }
  await t.rejects(startServer(t, { history: { preHandlers: [] } as object }), { code: 'FST_SECSYNC_OPTION_INVALID', message: /must be true, or \{ onRequest/ })
})

t.test('a number of snapshots is sent at the same time, and a reader that stops reading is cut off', async (t) => {
  const snapshot = JSON.stringify({ ...ada.snapshot('document'), ciphertext: 'x'.repeat(8_000_000) })
  const downloads = { max: 1, time: 300 }
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (scope) => addHistoryRoutes(scope, {}, {
    access: new Access(() => true, undefined, 1000, app.log),
    hooks: new Hooks(1000),
    documents: { history: async () => undefined },
    readSnapshot: async () => snapshot,
    timeLimit: 1000,
    downloads,
    route: {},
    wsHandler () {}
  }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/document/snapshots/1?sessionKey=k`
  const connected = once(app.server, 'connection') as Promise<[Socket]>
  const slow = connectTcp(port, '127.0.0.1')
  slow.on('error', () => {})
  slow.write('GET /document/snapshots/1?sessionKey=k HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(slow, 'readable')
  const [socket] = await connected
  const refused = await fetch(url)
  t.match([refused.status, refused.headers.get('retry-after'), await refused.json()], [503, '5', { code: 'FST_SECSYNC_HISTORY_UNAVAILABLE' }])
  await once(socket, 'close')
  downloads.time = 60_000
  let bytes = 0
  slow.on('data', (data) => { bytes += data.length })
  await once(slow, 'close')
  t.ok(bytes < snapshot.length, `${bytes} bytes`)
  const answer = await fetch(url)
  t.equal((await answer.text()).length, snapshot.length)
  const known = await fetch(url, { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } })
  t.strictSame([known.status, await known.text()], [304, ''])
})
