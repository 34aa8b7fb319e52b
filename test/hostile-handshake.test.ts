import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import Fastify, { type FastifyServerOptions } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import secsync from '../lib/index.ts'
import { listen, memoryStore, startServer, type TestServer } from './fixtures/server.ts'
import { documentId, Witnesses } from './fixtures/witnesses.ts'

const upgrade = {
  host: 'localhost',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='
}

function head (target: string, { method = 'GET', version = '1.1', headers = {} }: Request = {}): string {
  const lines = Object.entries({ ...upgrade, ...headers }).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/${version}\r\n${lines.join('')}\r\n`
}

interface Request {
  method?: string
  version?: string
  headers?: Record<string, string | undefined>
}

function open (t: Test, endpoint: string): Socket {
  const socket = connectTcp(Number(new URL(endpoint).port), '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  return socket
}

/** The HTTP status; if it is 101, the type of the first message instead, with which every handshake ends. */
async function answerTo (t: Test, endpoint: string, request: string): Promise<number | string> {
  const socket = open(t, endpoint)
  socket.write(request)
  let answer = ''
  for await (const chunk of socket) {
    answer += chunk
    const status = Number(answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3))
    if (status === 101) {
      const [, type] = /"type":"([^"]+)"/.exec(answer) ?? []
      if (type !== undefined) return type
    } else if (answer.includes('\r\n\r\n')) {
      return status
    }
  }
  return answer
}

const key = 'sessionKey=key'
const kilobytes = (count: number, text = 'a') => text.repeat(count * 1024 / text.length)
const known = (clocks: string) => `/documents/${documentId}?${key}&mode=delta&knownSnapshotId=a&knownSnapshotUpdateClocks=${clocks}`

/** By answer: the request targets. */
const targets: Record<string, Record<string, string>> = {
  400: {
    'no URL': 'http://[/'
  },
  404: {
    'another path': `/nothing?${key}`,
    'the path with a dot before it': `/./documents/a?${key}`,
    'no path': `*?${key}`
  },
  431: {
    'a megabyte of path': `/documents/${kilobytes(1024)}?${key}`,
    'a megabyte of query': `/documents/${documentId}?${key}&mode=${kilobytes(1024)}`,
    'a megabyte of session key': `/documents/${documentId}?sessionKey=${kilobytes(1024)}`
  },
  'document-error': {
    'no document id': `/documents/?${key}`,
    'neither slash nor document id': `/documents?${key}`,
    'NUL as a document id': `/documents/%00?${key}`,
    'NUL in a document id': `/documents/a%00b?${key}`,
    'a document id of 1,025 bytes': `/documents/${'a'.repeat(1025)}?${key}`,
    'a document id of 1,026 bytes in 342 characters': `/documents/${'%E2%82%AC'.repeat(342)}?${key}`,
    'no session key': `/documents/${documentId}`,
    'another case of session key': `/documents/${documentId}?sessionkey=key`,
    'a session key before the query': `/documents/${documentId}&${key}`
  },
  // These are documents like any other.
  document: {
    'a document id of 1,024 bytes': `/documents/${'%E2%82%AC'.repeat(341)}a?${key}`,
    'half an escape': `/documents/%?${key}`,
    'an escape that is none': `/documents/%zz?${key}`,
    'a byte that is no text': `/documents/%ff?${key}`,
    'half a surrogate pair': `/documents/%ED%A0%80?${key}`,
    'a NUL that is too long': `/documents/%C0%80?${key}`,
    'the document id __proto__': `/documents/__proto__?${key}`,
    'the document id constructor': `/documents/constructor?${key}`,
    'a document id with slashes': `/documents/../../etc/passwd?${key}`,
    'a document id with escaped slashes': `/documents/..%2f..%2fetc%2fpasswd?${key}`,
    'a document id of spaces': `/documents/%20%0a%09?${key}`,
    'a document id with a quote': `/documents/';DROP%20TABLE%20secsync_document;--?${key}`,
    'two session keys': `/documents/${documentId}?${key}&sessionKey=b`,
    'a session key of 10 KB': `/documents/${documentId}?sessionKey=${kilobytes(10)}`,
    '15 KB of parameters': `/documents/${documentId}?${key}&${kilobytes(12, '__proto__[a]=1&&')}`,
    'parameters that are objects': `/documents/${documentId}?${key}&mode[a]=delta&__proto__[mode]=delta&constructor=1`,
    'half an escape in the query': `/documents/${documentId}?${key}&mode=%&knownSnapshotId=%ff`,
    'another mode': `/documents/${documentId}?${key}&mode=__proto__`,
    'NUL as the known snapshot': `/documents/${documentId}?${key}&knownSnapshotId=%00`,
    'another document\'s id as the known snapshot': `/documents/${documentId}?${key}&mode=delta&knownSnapshotId=../other`,
    'a quote in the known snapshot': `/documents/${documentId}?${key}&knownSnapshotId='%20OR%201=1;--`,
    'clocks that are no JSON': known('{'),
    'clocks that are an array': known('[]'),
    'clocks that are deep': known(encodeURIComponent('['.repeat(4000))),
    'clocks of -1': known(`{"${'A'.repeat(43)}":-1}`),
    'clocks of 2^53': known(`{"${'A'.repeat(43)}":9007199254740992}`),
    'clocks of 1e400': known(`{"${'A'.repeat(43)}":1e400}`),
    'clocks of a text': known(`{"${'A'.repeat(43)}":"0"}`),
    'clocks of __proto__': known('{"__proto__":{"a":1},"constructor":0}'),
    'clocks with NUL': known(`{"${'A'.repeat(42)}%00":0}`),
    'clocks that are escaped three times': known(encodeURIComponent(encodeURIComponent('{}')))
  }
}

const requests: Record<string, [Request, number | string]> = {
  POST: [{ method: 'POST' }, 404],
  HEAD: [{ method: 'HEAD' }, 426],
  'a GET that is no upgrade': [{ headers: { connection: 'close', upgrade: undefined } }, 426],
  'an upgrade to something else': [{ headers: { upgrade: 'h2c' } }, 400],
  'an upgrade without a key': [{ headers: { 'sec-websocket-key': undefined } }, 400],
  'an upgrade with a wrong key': [{ headers: { 'sec-websocket-key': 'a' } }, 400],
  'an upgrade of another version': [{ headers: { 'sec-websocket-version': '12' } }, 400],
  'an upgrade with bad extensions': [{ headers: { 'sec-websocket-extensions': 'permessage-deflate; server_max_window_bits=99' } }, 'document'],
  'an upgrade with bad protocols': [{ headers: { 'sec-websocket-protocol': ',' } }, 400],
  'no host': [{ headers: { host: undefined } }, 'document'],
  'a header of 20 KB': [{ headers: { cookie: kilobytes(20) } }, 431],
  'another version of HTTP': [{ version: '9.9' }, 400]
}

t.test('whatever a handshake asks for, it is answered, and others go on working', async (t) => {
  const witnesses = await Witnesses.start(t, { limits: { callbackTimeout: 3000 } })
  const { endpoint } = witnesses.server
  for (const [answer, handshakes] of Object.entries(targets)) {
    for (const [name, target] of Object.entries(handshakes)) {
      await t.test(name, async (t) => {
        t.equal(String(await answerTo(t, endpoint, head(target))), answer)
        await witnesses.check()
      })
    }
  }
  for (const [name, [request, answer]] of Object.entries(requests)) {
    await t.test(name, async (t) => {
      t.equal(await answerTo(t, endpoint, head(`/documents/${documentId}?${key}`, request)), answer)
      await witnesses.check()
    })
  }
})

t.test('2,000 handshakes of which only one half arrives disturb nobody', async (t) => {
  const witnesses = await Witnesses.start(t)
  const sockets = Array.from({ length: 2000 }, () => open(t, witnesses.server.endpoint))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  for (const socket of sockets) socket.write(head(`/documents/${documentId}?${key}`).slice(0, 60))
  await witnesses.check()
  t.equal(witnesses.server.app.secsync.stats().connections, 2)
})

t.test('1,000 connections whose access is not known disturb nobody, and nothing of them stays when they go', async (t) => {
  let asked = 0
  let ended = 0
  const all = 1000
  let onAsked = () => {}
  const everybodyAsked = new Promise<void>((resolve) => { onAsked = resolve })
  const witnesses = await Witnesses.start(t, {
    hasAccess: async ({ websocketSessionKey }) => {
      if (websocketSessionKey !== 'slow') return true
      if (++asked === all) onAsked()
      return new Promise(() => {})
    }
  })
  const { app, endpoint } = witnesses.server
  const everybodyEnded = new Promise<void>((resolve) => {
    app.secsync.addHook('onClose', () => { if (++ended === all) resolve() })
  })
  const sockets = Array.from({ length: all }, () => open(t, endpoint))
  for (const socket of sockets) socket.write(head(`/documents/${documentId}?sessionKey=slow`))
  await everybodyAsked
  await witnesses.check()
  for (const socket of sockets) socket.destroy()
  await everybodyEnded
  t.strictSame(app.secsync.stats(), { documents: 1, connections: 2 })
  await witnesses.check()
})

t.test('a handshake that Fastify answers by itself, or never, leaves no socket behind', async (t) => {
  const { app, endpoint } = await startServer(t, {
    ...memoryStore(),
    preHandler: () => new Promise(() => {}),
    limits: { callbackTimeout: 100 }
  })
  await allEnd(t, { app, endpoint }, ['/documents/%', 'http://[/', '/%zz', '/documents/a'])
})

t.test('so it is in a scope with a prefix', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (scope) => {
    await scope.register(secsync, { prefix: '/documents', hasAccess: () => true, ...memoryStore(), preHandler: () => new Promise(() => {}), limits: { callbackTimeout: 100 } })
  }, { prefix: '/v1' })
  await allEnd(t, await listen(t, app), ['/v1/documents/%', '/v1/documents/a'])
})

async function allEnd (t: Test, { app, endpoint }: Pick<TestServer, 'app' | 'endpoint'>, targets: string[]): Promise<void> {
  for (const target of targets) {
    const socket = open(t, endpoint)
    socket.write(head(target))
    await once(socket.resume(), 'close')
  }
  await app.close()
  t.pass('closed')
}

t.test('the server closes at once, also while handshakes are not answered', async (t) => {
  const { app, endpoint } = await startServer(t, { ...memoryStore(), preHandler: () => new Promise(() => {}) })
  for (const target of ['/documents/%', '/documents/a']) {
    const isUpgrading = once(app.server, 'upgrade')
    open(t, endpoint).write(head(target))
    await isUpgrading
  }
  await app.close()
  t.pass('closed')
})

t.test('a handshake that comes byte by byte is given up', async (t) => {
  // Fastify's type of `http` is only in the options of one of its overloads.
  const options = { http: { headersTimeout: 200, connectionsCheckingInterval: 50 } } as FastifyServerOptions
  const { endpoint, app } = await startServer(t, memoryStore(), options)
  const socket = open(t, endpoint)
  const bytes = setInterval(() => socket.write('x-a: b\r\n'), 10)
  t.teardown(() => clearInterval(bytes))
  socket.write(head('/documents/a').trimEnd())
  let answer = ''
  socket.on('data', (chunk) => { answer += chunk })
  // The bytes that come after its end may be answered with a reset.
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('close', resolve))
  t.match(answer, /^HTTP\/1.1 408 /)
  t.equal(app.secsync.stats().connections, 0)

  const { app: { server } } = await startServer(t, memoryStore())
  t.ok(server.headersTimeout > 0, 'also without these settings')
})
