// Several plugins listen to the upgrades of one HTTP server, and each must get its own.
import dns from 'node:dns'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect as connectTcp, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocketServer } from 'ws'
import secsync from '../lib/index.ts'
import { Log } from './fixtures/log.ts'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { listen, memoryStore } from './fixtures/server.ts'

const author = new Author()

const documents = async (scope: FastifyInstance): Promise<void> => {
  await scope.register(secsync, { prefix: '/documents', hasAccess: () => true, ...memoryStore() })
}

const chat = async (scope: FastifyInstance): Promise<void> => {
  await scope.register(websocket)
  scope.register(async (scope) => {
    scope.get('/chat', { websocket: true }, (socket) => { socket.on('message', (data) => socket.send(data.toString())) })
  })
}

/** A server that takes the upgrades of its own path, as Socket.IO and others do. */
const other = async ({ server }: FastifyInstance): Promise<void> => {
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.url !== '/chat') return
    sockets.handleUpgrade(request, socket, head, (client) => { client.on('message', (data) => client.send(data.toString())) })
  })
}

function open (t: Test, endpoint: string, path: string): RawClient {
  const client = new RawClient(new URL(path, endpoint).href)
  t.teardown(() => client.socket.terminate())
  return client
}

for (const [name, plugins] of Object.entries({
  'another scope has @fastify/websocket': [chat, documents],
  'another scope has @fastify/websocket later': [documents, chat],
  'another server listens': [other, documents],
  'another server listens later': [documents, other]
})) {
  t.test(`${name}: each gets its own upgrades, once`, async (t) => {
    const log = new Log()
    const app = Fastify(log.options)
    t.teardown(() => app.close())
    for (const plugin of plugins) app.register(plugin)
    const { endpoint } = await listen(t, app)

    const echo = open(t, endpoint, '/chat')
    await once(echo.socket, 'open')
    echo.send({ type: 'unauthorized' })
    await echo.next('unauthorized')
    const client = open(t, endpoint, '/documents/a?sessionKey=key')
    await client.next('document')
    client.send(author.snapshot('a'))
    await client.next('snapshot-saved')
    const unknown = open(t, endpoint, '/nowhere')
    await once(unknown.socket, 'unexpected-response')
    t.strictSame(log.lines.filter(({ level }) => level >= 40), [])
    if (plugins.includes(other)) echo.socket.terminate()
    await app.close()
    t.equal(await client.closed(), 1001)
  })
}

t.test('a handshake on the second address of localhost does not keep a server alive that shuts down', async (t) => {
  const { lookup } = dns
  t.teardown(() => { dns.lookup = lookup })
  dns.lookup = ((host: string, options: { all?: boolean }, callback: (error: null, addresses: unknown) => void) => {
    if (host !== 'localhost' || !options.all) return lookup(host, options, callback as never)
    callback(null, [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }])
  }) as typeof lookup
  for (const isOurs of [true, false]) {
    const app = Fastify()
    t.teardown(() => app.close())
    if (!isOurs) await app.register(websocket)
    const store = memoryStore()
    let finish = () => {}
    const finished = new Promise<void>((resolve) => { finish = resolve })
    let ask = () => {}
    const asked = new Promise<void>((resolve) => { ask = resolve })
    await app.register(secsync, {
      prefix: '/documents',
      hasAccess: () => true,
      ...store,
      createSnapshot: async (params) => {
        ask()
        await finished
        return await store.createSnapshot(params)
      }
    })
    await app.listen({ port: 0, host: 'localhost' })
    const [main, second] = app.addresses() as AddressInfo[]
    if (main === undefined || second === undefined) return t.comment('localhost has one address here')
    const hostOf = ({ address, family }: typeof main) => family === 'IPv6' ? `[${address}]` : address
    const client = open(t, `ws://${hostOf(second)}:${second.port}`, '/documents/a?sessionKey=key')
    await client.next('document')
    client.send(author.snapshot('a'))
    await asked
    const closing = app.close()
    for (const { address, port } of [second, main]) {
      const socket = connectTcp(port, address)
      socket.write('GET /documents/a?sessionKey=key HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
      let answer = ''
      for await (const chunk of socket) answer += chunk
      t.match(answer, /^HTTP\/1.1 503 /, address)
    }
    finish()
    await client.next('snapshot-saved')
    await closing
    t.equal(await client.closed(), 1001)
  }
})
