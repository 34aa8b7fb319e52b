import { once } from 'node:events'
import type { Socket } from 'node:net'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import t from 'tap'
import secsync, { type HasBroadcastAccess, type HookContext } from '../lib/index.ts'
import { ControlledAdapter } from './fixtures/controlled-adapter.ts'
import { openDocument } from './fixtures/open-document.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { startProxy } from './fixtures/proxy.ts'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { listen, memoryStore, startServer } from './fixtures/server.ts'

const documentId = 'document'
const MB = 1024 * 1024
const author = new Author()

t.test('a reader that stops reading is closed with 1013, and costs nobody’s time', async (t) => {
  const { writer, reader: slow, connect, snapshot } = await openDocument(t, { limits: { maxBufferedBytes: MB, maxBytesPerSnapshot: 0 } })
  const other = connect(documentId)
  await other.next('document')
  slow.socket.pause()
  // What the system buffers comes on top.
  const sent = 40
  for (let clock = 0; clock < sent; clock++) {
    writer.send(author.update(documentId, snapshot.publicData.snapshotId, clock, 'x'.repeat(MB / 2)))
    await other.next('update')
  }
  slow.socket.resume()
  t.equal(await slow.closed(), 1013)
  t.ok(slow.received.length < sent, `${slow.received.length} of ${sent} updates`)
})

const everybody: HasBroadcastAccess = async ({ websocketSessionKeys }) => websocketSessionKeys.map(() => true)
for (const [access, options] of [['the default', {}], ['a callback', { hasBroadcastAccess: everybody }]] as const) {
  t.test(`a slow reader loses ephemeral messages first, and not its connection (hasBroadcastAccess: ${access})`, async (t) => {
    const { writer, reader: slow, connect, snapshot } = await openDocument(t, { ...options, limits: { maxBufferedBytes: MB } })
    const other = connect(documentId)
    await other.next('document')
    slow.socket.pause()
    const content = 'x'.repeat(MB / 16)
    const sent = 200
    for (let i = 0; i < sent; i++) {
      writer.send(author.ephemeralMessage(documentId, content))
      await other.next('ephemeral-message')
    }
    const update = author.update(documentId, snapshot.publicData.snapshotId, 0)
    writer.send(update)
    await other.next('update')
    slow.socket.resume()
    let received = 0
    let message = await slow.nextOfAny()
    for (; message.type === 'ephemeral-message'; received++) message = await slow.nextOfAny()
    t.match(message, { type: 'update', signature: update.signature })
    t.ok(received < sent, `${received} of ${sent} ephemeral messages`)
  })
}

t.test('what waits for the answer of hasBroadcastAccess is bounded, too', async (t) => {
  const { writer, reader, snapshot } = await openDocument(t, {
    hasBroadcastAccess: () => new Promise(() => {}),
    limits: { maxBufferedBytes: MB }
  })
  const content = 'x'.repeat(MB / 8)
  const write = async (clock: number): Promise<void> => {
    writer.send(author.update(documentId, snapshot.publicData.snapshotId, clock, content))
    await writer.next('update-saved')
  }
  // From a quarter on ephemeral messages are dropped: they do not close it.
  for (let i = 0; i < 20; i++) writer.send(author.ephemeralMessage(documentId, content))
  await write(0)
  t.equal(reader.socket.readyState, reader.socket.OPEN)
  for (let clock = 1; clock < 10; clock++) await write(clock)
  t.equal(await reader.closed(), 1013)
  t.strictSame(reader.received, [])
})

t.test('a connection that claims to be ever more authors is closed with 1008', async (t) => {
  const { app, writer, reader, snapshot } = await openDocument(t)
  const bad = new RawClient(writer.socket.url)
  t.teardown(() => bad.socket.terminate())
  await bad.next('document')
  app.secsync.addHook('preValidation', ({ action, message }) => {
    const { clock } = (message as { publicData: { clock?: number } }).publicData
    if (action === 'write-update' && clock === 7) throw new Error('not now')
  })
  const update = author.update(documentId, snapshot.publicData.snapshotId, 7)
  for (let i = 0; i <= 1000; i++) bad.send({ ...update, publicData: { ...update.publicData, pubKey: `${i}A`.padStart(43, 'A') } })
  t.equal(await bad.closed(), 1008)
  t.equal(bad.received.length, 1000)
  t.equal(reader.closeCode, undefined)
})

t.test('a sender that floods is not read any more, rather than buffered, and nobody else waits for it', async (t) => {
  const adapter = new ControlledAdapter((await createDatabase(t)).connectionString)
  const { app, connect } = await startServer(t, { adapter, limits: { maxQueuedMessages: 16, maxBytesPerSnapshot: 0 } })
  const snapshots = ['flooded', 'other'].map((id) => author.snapshot(id))
  for (const snapshot of snapshots) await app.secsync.createSnapshot({ snapshot })
  const [flooding, writer, reader] = [connect('flooded'), connect('other'), connect('other')]
  for (const client of [flooding, writer, reader]) await client.next('document')
  let received = 0
  app.secsync.addHook('onRequest', ({ documentId }) => { if (documentId === 'flooded') received++ })

  const content = 'x'.repeat(MB / 8)
  const flood = Array.from({ length: 100 }, (_, clock) => author.update('flooded', snapshots[0]!.publicData.snapshotId, clock, content))
  adapter.hold()
  for (const update of flood) flooding.send(update)
  await adapter.begun(3)
  // More than enough turns of the event loop for all of it.
  for (let i = 0; i < 200; i++) {
    writer.send(author.ephemeralMessage('other'))
    await reader.next('ephemeral-message')
  }
  t.ok(received <= 16, `${received} messages were read`)
  t.ok(flooding.socket.bufferedAmount > MB, `${flooding.socket.bufferedAmount} bytes wait at the sender`)
  adapter.release()
  const saved: number[] = []
  while (saved.length < flood.length) saved.push((await flooding.next('update-saved')).clock)
  t.same(saved, flood.map(({ publicData: { clock } }) => clock))
})

t.test('a peer whose line is dead is ended by the heartbeat, and one that answers is not', async (t) => {
  const { app, endpoint } = await startServer(t, { ...memoryStore(), limits: { heartbeatInterval: 100 } })
  const ended = new Promise<number | undefined>((resolve) => app.secsync.addHook('onClose', ({ code }) => resolve(code)))
  const proxy = await startProxy(t, endpoint)
  const [dead, living] = [proxy.endpoint, endpoint].map((endpoint) => new RawClient(`${endpoint}/${documentId}?sessionKey=key`)) as [RawClient, RawClient]
  t.teardown(() => { for (const { socket } of [dead, living]) socket.terminate() })
  for (const client of [dead, living]) await client.next('document')
  proxy.die()
  t.equal(await ended, 1006)
  t.same(app.secsync.stats(), { documents: 1, connections: 1 })
  t.equal(living.closeCode, undefined)
})

t.test('a peer that takes long to read a big document is not ended by the heartbeat', async (t) => {
  const { app, connect } = await startServer(t, { ...memoryStore(), limits: { heartbeatInterval: 200 } })
  await app.secsync.createSnapshot({ snapshot: author.snapshot(documentId, { content: new Uint8Array(24 * MB) }) })
  const client = connect(documentId)
  await once(client.socket, 'open')
  // Reads a megabyte, waits a little, and so on: it sees the first ping when it has read the document.
  const stream = (client.socket as unknown as { _socket: Socket })._socket
  let read = 0
  const timers = new Set<NodeJS.Timeout>()
  t.teardown(() => { for (const timer of timers) clearTimeout(timer) })
  stream.on('data', ({ length }: Buffer) => {
    read += length
    if (read < MB) return
    read = 0
    stream.pause()
    timers.add(setTimeout(() => stream.resume(), 50))
  })
  const startedAt = performance.now()
  t.ok((await client.next('document')).snapshot)
  t.ok(performance.now() - startedAt > 1000, 'as long as several heartbeats')
})

t.test('a document has no more connections than it may have', async (t) => {
  const { connect } = await startServer(t, { ...memoryStore(), limits: { maxConnectionsPerDocument: 2 } })
  const [first, second] = [connect(documentId), connect(documentId)]
  for (const client of [first, second]) await client.next('document')
  t.equal(await connect(documentId).closed(), 1013)
  await connect('another document').next('document')
  await second.close()
  await connect(documentId).next('document')
})

t.test('a connection that sends nothing but garbage is closed with 1008; a message that is none begins the count anew', async (t) => {
  const { writer, reader } = await openDocument(t, { limits: { maxInvalidMessages: 3 } })
  for (const garbage of ['{', '[]']) writer.send(garbage)
  const message = author.ephemeralMessage(documentId)
  writer.send(message)
  t.equal((await reader.next('ephemeral-message')).signature, message.signature)
  for (const garbage of ['{', '[]', 'null']) writer.send(garbage)
  t.equal(await writer.closed(), 1008)
})

t.test('a message that is too big closes its connection with 1009', async (t) => {
  const { writer, connect, snapshot } = await openDocument(t, { limits: { maxMessageSize: 4096 } })
  const { snapshotId } = snapshot.publicData
  writer.send(author.update(documentId, snapshotId, 0, 'x'.repeat(1024)))
  await writer.next('update-saved')
  writer.send(author.update(documentId, snapshotId, 1, 'x'.repeat(4096)))
  t.equal(await writer.closed(), 1009)
  t.equal((await connect(documentId).next('document')).updates?.length, 1)
})

t.test('a message that is too big closes its connection with 1009, also where @fastify/websocket lets it pass', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(websocket)
  await app.register(secsync, { prefix: '/documents', hasAccess: () => true, ...memoryStore(), limits: { maxMessageSize: 2000 } })
  const failed = new Promise<HookContext<'onError'>>((resolve) => app.secsync.addHook('onError', resolve))
  const { connect } = await listen(t, app)
  const client = connect(documentId)
  await client.next('document')
  client.send(author.snapshot(documentId, { content: 'x'.repeat(2000) }))
  t.equal(await client.closed(), 1009)
  t.ok(Buffer.isBuffer((await failed).message), 'it is not even parsed')
})

t.test('no more messages are read from a connection in a second than it may send, and none is lost', async (t) => {
  const rate = 20
  const { writer, reader } = await openDocument(t, { ...memoryStore(), limits: { maxMessagesPerSecond: rate } })
  const messages = Array.from({ length: 3 * rate }, (_, index) => author.ephemeralMessage(documentId, `${index}`))
  const begin = performance.now()
  for (const message of messages) writer.send(message)
  const received: string[] = []
  while (received.length < messages.length) received.push((await reader.next('ephemeral-message')).signature)
  t.same(received, messages.map(({ signature }) => signature))
  // The last ones wait for the third second. Timers may go off a little early.
  t.ok(performance.now() - begin > 1900, `${Math.round(performance.now() - begin)} ms`)
})
