// What tests of applications use: a client that types, over injectWS and over a URL.
import Fastify from 'fastify'
import t from 'tap'
import { WebSocket } from 'ws'
import secsync from '../lib/index.ts'
import { memoryStore, typingClient } from '../lib/testing/index.ts'
import { startServer } from './fixtures/server.ts'

const documentId = 'document'

t.test('clients read each other without a port, and another document stays as it is', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(secsync, { prefix: '/documents', hasAccess: ({ websocketSessionKey }) => websocketSessionKey === 'typing-client', ...memoryStore() })
  const [ada, bob, eve] = [await typingClient(app, { documentId }), await typingClient(app, { documentId }), await typingClient(app, { documentId: 'another' })]
  await ada.type('Hello')
  await bob.reads('Hello')
  await Promise.all([bob.type(' Ada'), ada.type(' Bob')])
  await Promise.all([ada.reads(' Ada'), bob.reads(' Bob')])
  t.equal(ada.text, bob.text)
  t.equal(eve.text, '')
  const late = await typingClient(app, { documentId })
  t.equal(late.text, ada.text)
  for (const client of [ada, bob, eve, late]) await client.close()
})

t.test('a client of a URL fills a document, and then nothing more is saved', async (t) => {
  const { app, endpoint } = await startServer(t, { limits: { maxDocumentBytes: 20_000 } })
  const ada = await typingClient(endpoint, { documentId, WebSocket, sessionKey: 'ada', key: new Uint8Array(32).fill(1) })
  t.teardown(() => ada.close())
  await ada.type('Hello')
  await ada.fill()
  const stored = async () => (await app.secsync.documents.get(documentId))?.usage?.keptBytes ?? NaN
  const bytes = await stored()
  t.ok(bytes > 10_000 && bytes <= 20_000, `${bytes} bytes`)
  const bob = await typingClient(endpoint, { documentId, WebSocket, key: new Uint8Array(32).fill(1) })
  t.teardown(() => bob.close())
  t.match(bob.text, /^Hellox{1024}/)
})
