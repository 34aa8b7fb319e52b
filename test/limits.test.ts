import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import secsync, { type HasBroadcastAccess } from '../lib/index.ts'
import { ControlledAdapter } from './fixtures/controlled-adapter.ts'
import { Follower } from './fixtures/follower.ts'
import { openDocument } from './fixtures/open-document.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { startProxy } from './fixtures/proxy.ts'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { listen, memoryStore, startServer } from './fixtures/server.ts'

const documentId = 'document'
const MB = 1024 * 1024
const author = new Author()

/** A server of its own, with default limits, and the question how many bytes of memory it uses. */
async function startMeasuredServer (t: Test) {
  const { connectionString } = await createDatabase(t)
  const file = fileURLToPath(new URL('fixtures/limits-server.js', import.meta.url))
  const child = fork(file, { execArgv: ['--expose-gc'], env: { PATH: process.env.PATH, DATABASE_URL: connectionString } })
  t.teardown(async () => {
    child.disconnect()
    await once(child, 'exit')
  })
  const answer = async (): Promise<unknown> => (await once(child, 'message') as unknown[])[0]
  const { port } = await answer() as { port: number }
  return {
    connect (query: Record<string, string> = {}): RawClient {
      const client = new RawClient(`ws://127.0.0.1:${port}/documents/${documentId}?${new URLSearchParams({ sessionKey: 'key', ...query })}`)
      t.teardown(() => client.socket.terminate())
      return client
    },
    async memory (): Promise<number> {
      const answered = answer()
      child.send('memory')
      return (await answered as { bytes: number }).bytes
    }
  }
}

t.test('a reader that stops reading costs a bounded memory and nobody’s time, and comes back for the rest', async (t) => {
  const { connect, memory } = await startMeasuredServer(t)
  const [writer, reader, slow] = [connect(), connect(), connect()]
  for (const client of [writer, reader, slow]) await client.next('document')
  const snapshot = author.snapshot(documentId)
  const { snapshotId } = snapshot.publicData
  const follower = new Follower(documentId)
  writer.send(snapshot)
  await writer.next('snapshot-saved')
  await reader.next('snapshot')
  follower.follow(await slow.next('snapshot'))

  const content = 'x'.repeat(MB / 4)
  let clock = 0
  let latencies: number[] = []
  const write = async (): Promise<void> => {
    const update = author.update(documentId, snapshotId, clock++, content)
    const begin = performance.now()
    writer.send(update)
    await reader.next('update')
    latencies.push(performance.now() - begin)
    await writer.next('update-saved')
  }
  for (let i = 0; i < 10; i++) {
    await write()
    follower.follow(await slow.next('update'))
  }
  const before = await memory()
  const medianBefore = medianOf(latencies)
  latencies = []

  slow.socket.pause()
  let most = 0
  // 50 MB: each is a third bigger in base64.
  for (let i = 0; i < 150; i++) {
    await write()
    if (i % 25 === 24) most = Math.max(most, await memory() - before)
  }
  t.comment(`at most ${(most / MB).toFixed(1)} MB more`)
  t.comment(`latency of the other reader: ${medianBefore.toFixed(1)} ms before, ${medianOf(latencies).toFixed(1)} ms then (medians)`)
  // Twice maxBufferedBytes, of which each reader has one at the most, and what is being handled just now. All of it would be 67 MB.
  t.ok(most < 20 * MB)

  slow.socket.resume()
  t.equal(await slow.closed(), 1013)
  for (const message of slow.received) follower.follow(message)
  t.ok(follower.clocks[author.publicKey]! < clock - 1, 'it has missed something')
  const document = await connect({
    mode: 'delta',
    knownSnapshotId: snapshotId,
    knownSnapshotUpdateClocks: JSON.stringify(follower.clocks)
  }).next('document')
  t.equal(document.snapshot, undefined)
  follower.follow(document)
  t.equal(follower.clocks[author.publicKey], clock - 1)
})

function medianOf (numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}

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

t.test('who answers no ping, and claims to be ever more authors whose updates fail, is closed with 1008', async (t) => {
  const { app, writer, reader, snapshot } = await openDocument(t)
  const bad = new RawClient(writer.socket.url)
  t.teardown(() => bad.socket.terminate())
  Object.assign(bad.socket, { _autoPong: false })
  await bad.next('document')
  app.secsync.addHook('preValidation', ({ action, message }) => {
    const { clock } = (message as { publicData: { clock?: number } }).publicData
    if (action === 'write-update' && clock === 7) throw new Error('not now')
  })
  const update = author.update(documentId, snapshot.publicData.snapshotId, 7)
  for (let i = 0; i <= 1000; i++) bad.send({ ...update, publicData: { ...update.publicData, pubKey: `${i}` } })
  t.equal(await bad.closed(), 1008)
  t.equal(bad.received.length, 1000)
  t.equal(reader.closeCode, undefined)
})

t.test('a sender that floods is not read any more, rather than buffered, and nobody else waits for it', async (t) => {
  const adapter = new ControlledAdapter((await createDatabase(t)).connectionString)
  const { app, connect } = await startServer(t, { adapter, limits: { maxQueuedMessages: 16 } })
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
  const { connect } = await listen(t, app)
  const client = connect(documentId)
  await client.next('document')
  client.send(author.snapshot(documentId, { content: 'x'.repeat(2000) }))
  t.equal(await client.closed(), 1009)
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
