import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { memoryStorage } from '../../lib/client/index.ts'
import { openClient, untilState } from '../fixtures/client.ts'
import { startProxy } from '../fixtures/proxy.ts'
import { key } from '../fixtures/raw-client.ts'
import { memoryStore, startServer } from '../fixtures/server.ts'

t.test('a failed handshake says why', async (t) => {
  const answers: Record<string, number> = { '/documents/ended': 401, '/documents/forbidden': 403, '/documents/gone': 404, '/documents/broken': 500 }
  const { endpoint } = await startServer(t, {
    ...memoryStore(),
    preHandler: async (request, reply) => {
      const answer = answers[request.url.split('?')[0]!]
      if (answer !== undefined) return await reply.code(answer).send()
    }
  })
  const stateOf = async (documentId: string) => {
    const { document } = openClient(t, endpoint, documentId)
    const { connection } = await untilState(document, ({ connection }) => connection.status !== 'connecting')
    return connection
  }
  t.match(await stateOf('ended'), { status: 'noAccess', reason: 'unauthenticated' })
  t.match(await stateOf('forbidden'), { status: 'noAccess', reason: 'unauthorized' })
  t.match(await stateOf('gone'), { status: 'noAccess', reason: 'notFound' })
  t.match(await stateOf('broken'), { status: 'trouble', error: { code: 'SECSYNC_SERVER_ERROR' } })
  t.match(await stateOf('open'), { status: 'live' })
  const { document } = openClient(t, 'ws://127.0.0.1:1', 'document')
  t.match((await untilState(document, ({ connection }) => connection.status !== 'connecting')).connection, { status: 'offline' })
})

t.test('a session that has ended is asked for anew, at once', async (t) => {
  const { endpoint } = await startServer(t, { ...memoryStore(), hasAccess: ({ websocketSessionKey }) => websocketSessionKey === 'second' })
  const keys = ['first', 'second']
  const { document } = openClient(t, endpoint, 'document', { sessionKey: async () => keys.shift()! })
  await untilState(document, ({ connection }) => connection.status === 'live')
})

t.test('a document that is closed while its session key is asked for does not connect any more', async (t) => {
  let connections = 0
  const { endpoint } = await startServer(t, { ...memoryStore(), hasAccess: () => ++connections > 0 })
  const events = new EventEmitter()
  const { document } = openClient(t, endpoint, 'document', {
    sessionKey: async () => {
      const answered = once(events, 'answered')
      events.emit('asked')
      await answered
      return 'session-key'
    }
  })
  await once(events, 'asked')
  await document.destroy()
  events.emit('answered')
  const { document: other } = openClient(t, endpoint, 'document')
  await untilState(other, ({ connection }) => connection.status === 'live')
  t.equal(connections, 1)
  t.equal(document.getState().connection.status, 'destroyed')
})

t.test('who may not read is told so, and comes back when asked to', async (t) => {
  let mayRead = false
  const { endpoint } = await startServer(t, { ...memoryStore(), hasAccess: () => mayRead })
  const { document } = openClient(t, endpoint, 'document')
  t.match((await untilState(document, ({ connection }) => connection.status === 'noAccess')).connection, { reason: 'unauthorized' })
  mayRead = true
  document.retry()
  await untilState(document, ({ connection }) => connection.status === 'live')
})

t.test('ids and session keys may have any characters', async (t) => {
  const seen: Array<string | undefined> = []
  const { endpoint } = await startServer(t, {
    ...memoryStore(),
    hasAccess: ({ documentId, websocketSessionKey }) => seen.push(documentId, websocketSessionKey) > 0
  })
  const documentId = 'a/b?c=d&e#f%20 ü'
  const { document } = openClient(t, endpoint, documentId, { sessionKey: 'k&y=+/%' })
  await untilState(document, ({ connection }) => connection.status === 'live')
  t.strictSame(seen.slice(0, 2), [documentId, 'k&y=+/%'])
})

t.test('a line that died without a word is noticed by its heartbeats', async (t) => {
  const { endpoint } = await startServer(t, { ...memoryStore(), limits: { heartbeatInterval: 500 } })
  const proxy = await startProxy(t, endpoint)
  const { document } = openClient(t, proxy.endpoint, 'document')
  await untilState(document, ({ connection }) => connection.status === 'live')
  proxy.die()
  // Nothing was sent, so that no answer is missing.
  await untilState(document, ({ connection }) => connection.status !== 'live')
})

t.test('what is written before the first connection is kept', async (t) => {
  const { document, crdt } = openClient(t, 'ws://127.0.0.1:1', 'document')
  crdt.add('a', 'b')
  t.match(document.getState(), { pending: 2, hasUnsavedChanges: true, loaded: 'no' })
  await untilState(document, ({ connection }) => connection.status === 'offline')
  t.equal(document.getState().pending, 2)
})

t.test('a document opens offline with what the device has kept, and what was not saved', async (t) => {
  const { endpoint } = await startServer(t, memoryStore())
  const storage = memoryStorage()
  const first = openClient(t, endpoint, 'document', { storage })
  first.crdt.add('saved')
  await first.document.whenSaved()
  await first.document.destroy()

  const second = openClient(t, 'ws://127.0.0.1:1', 'document', { storage })
  await second.document.whenLoaded()
  t.equal(second.document.getState().loaded, 'device')
  second.crdt.add('not saved')
  await second.document.destroy()

  const third = openClient(t, endpoint, 'document', { storage })
  await untilState(third.document, ({ loaded, pending }) => loaded === 'server' && pending === 0)
  t.strictSame(third.crdt.sorted, ['not saved', 'saved'])
})

t.test('a key that is not there yet is a state', async (t) => {
  const { endpoint } = await startServer(t, memoryStore())
  const first = openClient(t, endpoint, 'document')
  first.crdt.add('a')
  await first.document.whenSaved()
  let hasKey = false
  const second = openClient(t, endpoint, 'document', { getKey: async () => hasKey ? key : undefined })
  const { connection } = await untilState(second.document, ({ connection }) => connection.status === 'noKey')
  t.match(connection, { snapshot: { snapshotId: String } })
  hasKey = true
  second.document.retry()
  await second.document.whenLoaded()
  t.strictSame(second.crdt.sorted, ['a'])
})

t.test('who has another key is told, and nothing is sent', async (t) => {
  const { endpoint } = await startServer(t, memoryStore())
  const first = openClient(t, endpoint, 'document')
  first.crdt.add('a')
  await first.document.whenSaved()
  const sent: string[] = []
  const second = openClient(t, endpoint, 'document', {
    getKey: () => new Uint8Array(32),
    onFrame: (frame) => { if (frame.sent) sent.push(frame.text) }
  })
  second.crdt.add('b')
  t.match((await untilState(second.document, ({ connection }) => connection.status === 'trouble')).connection, { error: { code: 'SECSYNC_WRONG_KEY' } })
  t.strictSame([second.crdt.sorted, sent], [['b'], []])
})
