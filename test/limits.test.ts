import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import t from 'tap'
import secsync from '../lib/index.ts'
import { openDocument } from './fixtures/open-document.ts'
import { Author } from './fixtures/raw-client.ts'
import { listen, memoryStore } from './fixtures/server.ts'

const author = new Author()

t.test('no more messages are read from a connection in a second than it may send, and none is lost', async (t) => {
  const { writer, reader } = await openDocument(t, { ...memoryStore(), limits: { maxMessagesPerSecond: 4 } })
  const messages = Array.from({ length: 10 }, (_, index) => author.ephemeralMessage('document', `${index}`))
  for (const message of messages) writer.send(message)
  const arrivals: number[] = []
  for (const { signature } of messages) {
    t.equal((await reader.next('ephemeral-message')).signature, signature)
    arrivals.push(performance.now())
  }
  // Those of the first second may be late. What came after that has been read later, in seconds that are full, too.
  t.ok(arrivals[8]! - arrivals[4]! > 500, 'the ninth is read a second after the fifth')
})

t.test('a message that is too big closes its connection with 1009, also where @fastify/websocket lets it pass', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(websocket)
  await app.register(secsync, { prefix: '/documents', hasAccess: () => true, ...memoryStore(), limits: { maxMessageSize: 2000 } })
  const { connect } = await listen(t, app)
  const client = connect('document')
  await client.next('document')
  client.send(author.snapshot('document', { content: 'x'.repeat(2000) }))
  t.equal(await client.closed(), 1009)
})
