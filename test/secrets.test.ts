import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { inspect } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import t from 'tap'
import type { Test } from 'tap'
import Fastify, { type FastifyRequest, type FastifyServerOptions } from 'fastify'
import secsync, { type SecsyncOptions } from '../lib/index.ts'
import { hostileMessages } from './fixtures/hostile-messages.ts'
import { Log } from './fixtures/log.ts'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { listen, memoryStore, startServer } from './fixtures/server.ts'
import { documentId, Witnesses } from './fixtures/witnesses.ts'

// What must not be found. Each of the three is in every request.
const sessionKey = 'SECRET-session-key'
const headers = { cookie: 'session=SECRET-cookie', authorization: 'Bearer SECRET-token' }
/** Fastify logs what it could not parse as numbers. */
const asNumbers = [...Buffer.from('SECRET')].join()

/** A server whose whole output is kept: what it logs, what it throws, what it warns of. */
async function start (t: Test, options: Partial<SecsyncOptions> = {}, fastifyOptions: FastifyServerOptions = {}) {
  const log = new Log()
  const errors: unknown[] = []
  const server = await startServer(t, { ...memoryStore(), ...options }, { ...log.options, ...fastifyOptions })
  server.app.secsync.addHook('onError', ({ error }) => { errors.push(error) })
  const onWarning = (warning: Error) => { errors.push(warning) }
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  return {
    ...server,
    open: (id?: string, query?: object) => open(t, server.endpoint, id, query),
    check (t: Test, ...expected: RegExp[]) {
      const output = log.text + inspect(errors, { depth: 10, showHidden: true })
      t.notMatch(output, /SECRET/)
      t.notMatch(output, asNumbers)
      // It has been there, all the same.
      for (const line of [/incoming request/, ...expected]) t.match(output, line)
    }
  }
}

function open (t: Test, endpoint: string, id = documentId, query: object = {}): RawClient {
  return openAt(t, `${endpoint}/${id}`, query)
}

function openAt (t: Test, url: string, query: object = {}): RawClient {
  const client = new RawClient(`${url}?${new URLSearchParams({ sessionKey, ...query })}`, headers)
  t.teardown(() => client.socket.terminate())
  return client
}

t.test('neither session keys nor cookies nor authorization headers are logged or thrown', async (t) => {
  await t.test('when all goes well', async (t) => {
    const { open, app, check } = await start(t)
    const author = new Author()
    const [client, reader] = [open(), open()]
    await Promise.all([client.next('document'), reader.next('document')])
    const snapshot = author.snapshot(documentId)
    client.send(snapshot)
    await client.next('snapshot-saved')
    const update = author.update(documentId, snapshot.publicData.snapshotId, 0)
    client.send(update)
    await client.next('update-saved')
    client.send(author.ephemeralMessage(documentId))
    await reader.next('snapshot')
    await reader.next('update')
    await reader.next('ephemeral-message')
    await client.close()
    const clocks = JSON.stringify({ [author.publicKey]: 0 })
    await open(documentId, { mode: 'delta', knownSnapshotId: snapshot.publicData.snapshotId, knownSnapshotUpdateClocks: clocks }).next('document')
    app.secsync.disconnect({ websocketSessionKey: sessionKey })
    t.equal(await reader.closed(), 4401)
    await app.close()
    check(t, /"url":"\/documents\/witnessed"/)
  })

  await t.test('when a handshake is answered in HTTP', async (t) => {
    const unauthorized = Object.assign(new Error('no session'), { statusCode: 401 })
    const preHandlers: Record<string, (request: FastifyRequest) => Promise<void>> = {
      throws: async () => { throw unauthorized },
      fails: async () => { throw new Error('no database') },
      'throws a text': async () => { throw 'no session' } // eslint-disable-line no-throw-literal
    }
    for (const preHandler of Object.values(preHandlers)) {
      const { open, app, check } = await start(t, { preHandler })
      const client = open()
      const [, response] = await once(client.socket, 'unexpected-response')
      t.ok(response.statusCode! >= 400)
      for (const method of ['GET', 'HEAD'] as const) await app.inject({ method, url: `/documents/${documentId}?sessionKey=${sessionKey}`, headers })
      check(t, /request completed/)
    }
  })

  await t.test('when a handshake fails', async (t) => {
    const store = memoryStore()
    const cases: Array<[Partial<SecsyncOptions>, number]> = [
      [{ hasAccess: () => false }, 4401],
      [{ hasAccess: () => { throw new Error('made to fail') } }, 1011],
      [{ hasAccess: () => Promise.reject(new Error('made to fail')) }, 1011],
      [{ hasAccess: () => new Promise(() => {}), limits: { callbackTimeout: 50 } }, 1011],
      [{ hasAccess: () => 'yes' as unknown as boolean }, 1011],
      [{ getDocument: () => undefined }, 4404],
      [{ getDocument: () => { throw new Error('made to fail') } }, 4500],
      [{ getDocument: () => ({ ...store.getDocument({ documentId, mode: 'complete' }), updates: [{}] as never }) }, 4500]
    ]
    await Promise.all(cases.map(async ([options, code]) => {
      const { open, check } = await start(t, options)
      t.equal(await open().closed(), code)
      check(t, /a message was refused/)
    }))
    const { open, check } = await start(t, { limits: { maxConnectionsPerDocument: 1 } })
    await open('%00').next('document-error')
    await open('').next('document-error')
    await open(documentId).next('document')
    t.equal(await open(documentId).closed(), 1013)
    check(t, /HANDSHAKE_INVALID/, /TOO_MANY_CONNECTIONS/)
  })

  await t.test('when the URL or the request is odd', async (t) => {
    // Fastify's type of `routerOptions` does not know it.
    const options = { routerOptions: { useSemicolonDelimiter: true } } as FastifyServerOptions
    const { endpoint, app, check } = await start(t, {}, options)
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    const credentials = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const targets = [`/documents/%?sessionKey=${sessionKey}`, `/documents/a#sessionKey=${sessionKey}`, `/documents/a;sessionKey=${sessionKey}`]
    for (const target of targets) {
      for (const extra of [upgrade, '', upgrade.replace('13', '12'), upgrade.replace('websocket', 'h2c')]) {
        const socket = connectTcp(Number(new URL(endpoint).port), '127.0.0.1')
        socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n${credentials}${extra}\r\n`)
        await once(socket, 'data')
        socket.destroy()
      }
    }
    await app.inject({ url: `/documents/a?sessionKey=${sessionKey}`, headers })
    check(t)
  })

  await t.test('when callbacks and hooks fail at a message', async (t) => {
    const store = memoryStore()
    const fails = () => { throw new Error('made to fail') }
    const author = new Author()
    const snapshot = author.snapshot(documentId)
    const cases: Array<Partial<SecsyncOptions>> = [
      { hasAccess: ({ action }) => action === 'read' || fails() },
      { hasAccess: ({ action }) => action === 'read' },
      { createSnapshot: fails },
      { createSnapshot: () => new Promise(() => {}), limits: { callbackTimeout: 50 } },
      { hasBroadcastAccess: fails }
    ]
    for (const options of cases) {
      const { open, app, check } = await start(t, { ...store, ...options })
      app.secsync.addHook('onError', fails)
      app.secsync.addHook('onClose', fails)
      app.secsync.addHook('onResponse', fails)
      const client = open()
      await client.next('document')
      client.send(snapshot)
      await client.nextOfAny()
      await client.close()
      await app.close()
      check(t, /made to fail/)
    }
  })

  await t.test('when messages and frames are hostile', async (t) => {
    const log = new Log()
    const witnesses = await Witnesses.start(t, { limits: { maxInvalidMessages: 1000 } }, log.options)
    const client = open(t, witnesses.server.endpoint)
    await client.next('document')
    const isSmall = ({ name }: { name: string }) => !/megabyte|50,000/.test(name)
    for (const { make } of hostileMessages(witnesses).filter(isSmall)) client.send(make())
    client.send('{"SECRET')
    const author = new Author()
    const hello = author.ephemeralMessage(documentId)
    client.send(hello)
    await witnesses.hear(hello.signature)
    client.send(Buffer.alloc(17 * 1024 * 1024))
    t.equal(await client.closed(), 1009)
    t.notMatch(log.text, /SECRET/)
    t.match(log.text, /SIGNATURE_INVALID/)
    t.match(log.text, /broke the WebSocket protocol/)
  })

  await t.test('when the database cannot be reached: nor its password', async (t) => {
    const adapter = new PrismaPg({ connectionString: 'postgresql://user:SECRET-password@127.0.0.1:1/none' })
    const log = new Log()
    const server = await startServer(t, { adapter }, log.options)
    t.equal(await open(t, server.endpoint).closed(), 1011)
    t.notMatch(log.text, /SECRET/)
    t.match(log.text, /a message was refused/)
  })

  await t.test('when the server shuts down while messages are in flight', async (t) => {
    const store = memoryStore()
    let asked = () => {}
    const isAsked = new Promise<void>((resolve) => { asked = resolve })
    const { open, app, check } = await start(t, {
      ...store,
      createSnapshot: () => {
        asked()
        return new Promise(() => {})
      },
      limits: { drainTimeout: 50, callbackTimeout: 200 }
    })
    const client = open()
    await client.next('document')
    client.send(new Author().snapshot(documentId))
    await isAsked
    await app.close()
    await client.closed()
    check(t)
  })
})

// Other lines of Fastify's hold whole URLs, for requests that never come to the plugin's route. This is what docs/security.md says to do.
const settings: FastifyServerOptions = {
  logger: {
    redact: ['path', 'err.rawPacket'],
    serializers: {
      req: ({ method, url, host, ip }) => ({ method, url: url.replace(/[?#;].*/, ''), host, remoteAddress: ip })
    }
  }
}

t.test('with the settings that docs/security.md has for Fastify, other routes do not log them either', async (t) => {
  for (const isSet of [true, false]) {
    const log = new Log()
    const fastifyOptions = isSet ? { logger: { ...settings.logger as object, ...log.options.logger as object } } : log.options
    const app = Fastify(fastifyOptions)
    t.teardown(() => app.close())
    if (isSet) app.setNotFoundHandler((_request, reply) => reply.code(404).send({ statusCode: 404, error: 'Not Found' }))
    await app.register(secsync, { prefix: '/documents', hasAccess: () => true, ...memoryStore() })
    app.get('/page/*', async () => 'a page')
    const { endpoint } = await listen(t, app)

    const server = new URL(endpoint).host
    for (const path of ['/page/', '/nothing/']) t.equal(await openAt(t, `ws://${server}${path}`).closed(), path === '/page/' ? 1005 : 1006)
    for (const method of ['GET', 'POST'] as const) await app.inject({ method, url: `/nothing?sessionKey=${sessionKey}`, headers })
    await app.inject({ method: 'POST', url: `/documents/a?sessionKey=${sessionKey}`, headers })
    const socket = connectTcp(Number(new URL(endpoint).port), '127.0.0.1')
    socket.write(`GET / HTTP/1.1\r\ncookie: ${headers.cookie}\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)
    await once(socket.resume(), 'close')
    const isFound = log.text.includes('SECRET') || log.text.includes(asNumbers)
    t.equal(isFound, !isSet, isSet ? 'with them' : 'without them they are there')
  }
})
