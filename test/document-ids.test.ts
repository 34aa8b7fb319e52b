// What the published client puts into the URL as it is, and what other clients percent-encode.
import { setTimeout } from 'node:timers/promises'
import type { FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { SecsyncOptions } from '../lib/index.ts'
import { Log } from './fixtures/log.ts'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { agree, RealClient } from './fixtures/real-client.ts'
import { memoryStore, startServer } from './fixtures/server.ts'

const ids = [
  'plain', 'a b', 'ünï', '文档', '😀', 'a/b', 'a//b', '/a', 'a/', '//', 'a+b', 'a:b@c', "a'b(c)*!", 'a"b', '<a>', 'a;b', 'a&b=c', 'a|b', 'a^b`c{d}',
  '100%', '50%off', '%', '%zz', '%ff', 'a%2Fb', 'a%2fb', 'a%41', '%25', 'a%20b', '%C3%BC', 'ü 100% %2F', 'a?b', 'a?b=c?d', 'a\\b', 'a/../c', 'dot.', '..a', '__proto__',
  'x'.repeat(1024)
]

async function start (t: Test, options: Partial<SecsyncOptions> = {}, fastifyOptions: FastifyServerOptions = {}) {
  return await startServer(t, { ...memoryStore(), ...options }, fastifyOptions)
}

t.test('the published client opens, writes and reads a document with any id', async (t) => {
  await Promise.all(ids.map(async (id) => {
    const { endpoint } = await start(t)
    const writer = new RealClient(t, endpoint, id)
    writer.type('text')
    await agree(writer)
    t.equal(await agree(new RealClient(t, endpoint, id), writer), 'text', id)
  }))
})

t.test('it does so where only the very id, and the very session key, have access', async (t) => {
  for (const [id, sessionKey] of [['a%2Fb', 'a+b'], ['100%', 'a%2Bb'], ['a?b', 'a/b=='], ['ü', 'ключ'], ['a;b', 'a b'], ['a+b', 'ü%2B']] as const) {
    const { endpoint } = await start(t, {
      hasAccess: ({ documentId, websocketSessionKey }) => documentId === id && websocketSessionKey === sessionKey
    })
    const client = new RealClient(t, endpoint, id, { websocketSessionKey: sessionKey })
    client.type('text')
    t.equal(await agree(client), 'text', `${id} ${sessionKey}`)
  }
})

async function write (t: Test, url: string, documentId: string): Promise<void> {
  const client = new RawClient(url)
  t.teardown(() => client.socket.terminate())
  await client.next('document')
  client.send(new Author().snapshot(documentId))
  await client.next('snapshot-saved')
  const reader = new RawClient(url)
  t.teardown(() => reader.socket.terminate())
  t.match((await reader.next('document')).snapshot, { publicData: { docId: documentId } })
}

t.test('other clients percent-encode ids and session keys', async (t) => {
  for (const id of ids) {
    const { endpoint } = await start(t)
    await write(t, `${endpoint}/${encodeURIComponent(id)}?sessionKey=key`, id)
  }
  for (const key of ['a+b', 'a b', 'a%2Bb', 'a&b', 'a#b', 'ключ']) {
    for (const encoded of [encodeURIComponent(key), new URLSearchParams({ key }).toString().slice(4)]) {
      const { endpoint } = await start(t, { hasAccess: ({ websocketSessionKey }) => websocketSessionKey === key })
      await write(t, `${endpoint}/a?mode=complete&sessionKey=${encoded}`, 'a')
    }
  }
})

t.test('options of the router and of the URL change no id and no session key', async (t) => {
  const options = {
    ignoreTrailingSlash: { routerOptions: { ignoreTrailingSlash: true } },
    ignoreDuplicateSlashes: { routerOptions: { ignoreDuplicateSlashes: true } },
    useSemicolonDelimiter: { routerOptions: { useSemicolonDelimiter: true } },
    caseSensitive: { routerOptions: { caseSensitive: false } },
    maxParamLength: { routerOptions: { maxParamLength: 1 } },
    querystringParser: { routerOptions: { querystringParser: (text) => ({ text }) } },
    rewriteUrl: { rewriteUrl: ({ url = '' }) => url.replace('/api', '') }
    // Fastify's types do not know all options of its router.
  } as Record<string, FastifyServerOptions>
  for (const [name, fastifyOptions] of Object.entries(options)) {
    await t.test(name, async (t) => {
      const keys = new Set<string | undefined>()
      const { endpoint } = await start(t, {
        hasAccess: ({ websocketSessionKey }) => {
          keys.add(websocketSessionKey)
          return true
        }
      }, fastifyOptions)
      const base = name === 'rewriteUrl' ? endpoint.replace('/documents', '/api/documents') : endpoint
      for (const id of ['a/', '/a', 'a//b', 'A;b', 'ü;', 'AbC', '/']) {
        await write(t, `${base}/${id}?sessionKey=K+1`, id)
        await write(t, `${base}/${encodeURIComponent(`e${id}`)}?sessionKey=K+1`, `e${id}`)
      }
      t.strictSame([...keys], ['K+1'])
    })
  }
})

t.test('the route may have parameters of its own', async (t) => {
  const { endpoint } = await start(t, {
    prefix: '/t/:tenant/documents',
    hasAccess: ({ request, documentId }) => (request.params as { tenant: string }).tenant === 'a/c' && documentId === 'x/y'
  })
  await write(t, `${new URL(endpoint).origin.replace('http', 'ws')}/t/a%2Fc/documents/x/y?sessionKey=key`, 'x/y')
})

t.test('two ids with one URL: what is stored is meant, and a session that means the other one gets it when it comes back', async (t) => {
  const { endpoint } = await start(t)
  await write(t, `${endpoint}/a%2Fb?sessionKey=key`, 'a/b')
  const client = new RawClient(`${endpoint}/a%2Fb?sessionKey=key`)
  t.match((await client.next('document')).snapshot, { publicData: { docId: 'a/b' } })
  client.send(new Author().ephemeralMessage('a%2Fb'))
  t.equal(await client.closed(), 1013)
  await write(t, `${endpoint}/a%2Fb?sessionKey=key`, 'a%2Fb')
  const other = new RawClient(`${endpoint}/a%2Fb?sessionKey=other`)
  t.teardown(() => other.socket.terminate())
  t.match((await other.next('document')).snapshot, { publicData: { docId: 'a/b' } })
})

t.test('two ids with one URL: a connection that sends snapshots is not closed, because the published client would lose what is in flight', async (t) => {
  const { endpoint } = await start(t)
  const client = new RawClient(`${endpoint}/a%2Fb?sessionKey=key`)
  t.teardown(() => client.socket.terminate())
  await client.next('document')
  client.send(new Author().ephemeralMessage('a%2Fb'))
  client.send(new Author().snapshot('a%2Fb'))
  await client.next('snapshot-save-failed')
  await setTimeout(3500)
  client.send(new Author().ephemeralMessage('a%2Fb'))
  client.send(new Author().snapshot('a%2Fb'))
  await client.next('snapshot-save-failed')
  // It comes back by itself.
  await write(t, `${endpoint}/a%2Fb?sessionKey=key`, 'a%2Fb')
})

t.test('what cannot work is named in the log', async (t) => {
  const log = new Log()
  const { endpoint } = await start(t, {}, log.options)
  for (const [path, reason] of [
    ['/?sessionKey=key', 'Invalid handshake URL: no document id'],
    ['/a', 'Invalid handshake URL: no session key'],
    [`/${'x'.repeat(1025)}?sessionKey=key`, 'Invalid handshake URL: the document id has 1025 bytes, the limit is 1024'],
    ['/a%00?sessionKey=key', 'Invalid handshake URL: the document id contains NUL or a lone surrogate']
  ] as const) {
    t.equal(await new RawClient(`${endpoint}${path}`).closed(), 4500)
    t.equal(log.lines.splice(0).find(({ err }) => err !== undefined)?.err?.message, reason)
  }
  const client = new RawClient(`${endpoint}/a?sessionKey=key`)
  t.teardown(() => client.socket.terminate())
  await client.next('document')
  client.send(new Author().snapshot('b'))
  await client.next('snapshot-save-failed')
  t.match(log.lines.find(({ err }) => err !== undefined)?.err?.message, /^The message belongs to document "b", which is not the document of its connection/)
})
