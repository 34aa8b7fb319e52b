import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { trace } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-node'
import t, { type Test } from 'tap'
import type { CommitEvent, HandshakeEvent, MessageEvent, RelayEvent, SecsyncOptions } from '../lib/index.ts'
import { Log } from './fixtures/log.ts'
import { Author } from './fixtures/raw-client.ts'
import { memoryStore, startServer } from './fixtures/server.ts'

const author = new Author()
const sessionKey = 'a-secret-session-key'

interface Events {
  handshake: HandshakeEvent
  message: MessageEvent
  commit: CommitEvent
  relay: RelayEvent
}

const names = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

/** What is published until the test ends: the names by event, in their order, and the events by operation. */
function record (t: Test) {
  const published = new Map<object, string[]>()
  const events: { [Name in keyof Events]: Array<Events[Name]> } = { handshake: [], message: [], commit: [], relay: [] }
  for (const operation of ['handshake', 'message', 'commit', 'relay'] as const) {
    for (const name of names) {
      const channel = tracingChannel(`secsync.${operation}`)[name]
      const listener = (event: unknown): void => {
        if (typeof event !== 'object' || event === null) return
        if (!published.has(event)) events[operation].push(event as never)
        published.set(event, [...published.get(event) ?? [], name])
      }
      channel.subscribe(listener)
      t.teardown(() => channel.unsubscribe(listener))
    }
  }
  return { published, events }
}

/** A document with two connections; a snapshot and an update are written, and one that is refused. */
async function write (t: Test, options: Partial<SecsyncOptions> = {}, log?: Log): Promise<void> {
  const server = await startServer(t, {
    ...memoryStore(), hasAccess: ({ documentId }) => documentId !== 'forbidden', ...options
  }, log?.options)
  const writer = server.connect('document', { sessionKey })
  await writer.next('document')
  const snapshot = author.snapshot('document')
  writer.send(snapshot)
  await writer.next('snapshot-saved')
  const reader = server.connect('document', { sessionKey })
  await reader.next('document')
  const { snapshotId } = snapshot.publicData
  writer.send(author.update('document', snapshotId, 0))
  await writer.next('update-saved')
  await reader.next('update')
  writer.send(author.ephemeralMessage('document'))
  await reader.next('ephemeral-message')
  writer.send(author.update('document', snapshotId, 0, 'another'))
  await writer.next('update')
  await writer.next('update-save-failed')
  await server.connect('forbidden', { sessionKey }).closed()
  await server.app.close()
}

t.test('handshakes, messages, commits and relays are published', async (t) => {
  const { events, published } = record(t)
  await write(t)
  const { handshake, message, commit, relay } = events
  t.match(handshake, [
    { documentId: 'document', connectionId: String, requestId: /^req-/, outcome: 'joined' },
    { documentId: 'document', outcome: 'joined' },
    { documentId: 'forbidden', outcome: 'refused', error: { code: 'FST_SECSYNC_UNAUTHORIZED' } }
  ])
  const { connectionId, requestId } = handshake[0]!
  t.match(message, [
    { documentId: 'document', connectionId, requestId, kind: 'snapshot', outcome: 'saved', bytes: Number, waited: Number },
    { connectionId, kind: 'update', outcome: 'saved' },
    { connectionId, kind: 'ephemeralMessage', outcome: 'relayed' },
    { connectionId, kind: 'update', outcome: 'refused', error: { code: 'FST_SECSYNC_UPDATE_CONFLICT' } }
  ])
  t.match(commit, [
    { documentId: 'document', kind: 'snapshot', changes: 1, outcome: 'saved' },
    { documentId: 'document', kind: 'update', changes: 1, outcome: 'saved' }
  ])
  t.match(relay, [
    { documentId: 'document', kind: 'snapshot', clients: 0, outcome: 'relayed' },
    { documentId: 'document', kind: 'update', clients: 1 },
    { documentId: 'document', kind: 'ephemeralMessage', clients: 1 }
  ])
  for (const [event, names] of published) {
    t.strictSame(names, ['start', 'end', ...'error' in event ? ['error'] : [], 'asyncStart', 'asyncEnd'])
  }
  t.notMatch(JSON.stringify(events), sessionKey)
})

t.test('a store that is bound to a channel is active in callbacks', async (t) => {
  const { start } = tracingChannel<MessageEvent>('secsync.message')
  const storage = new AsyncLocalStorage<MessageEvent>()
  start.bindStore(storage, (event) => event as MessageEvent)
  t.teardown(() => start.unbindStore(storage))
  const seen: Array<number | undefined> = []
  await write(t, {
    hasAccess: ({ action, documentId }) => {
      if (action === 'write-snapshot') seen.push(storage.getStore()?.bytes)
      return documentId !== 'forbidden'
    }
  })
  t.match(seen, [Number])
})

t.test('each has a span of OpenTelemetry', async (t) => {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  provider.register()
  t.teardown(async () => {
    await provider.shutdown()
    trace.disable()
  })
  const tracer = provider.getTracer('app')
  const store = memoryStore()
  await write(t, {
    ...store,
    tracer,
    hasAccess: ({ action, documentId }) => tracer.startActiveSpan(`hasAccess ${action}`, (span) => {
      span.end()
      return documentId !== 'forbidden'
    }),
    createUpdate: (params) => tracer.startActiveSpan('INSERT', (span) => {
      span.end()
      return store.createUpdate(params)
    })
  })
  const spans = exporter.getFinishedSpans()
  const find = (name: string, attributes: object = {}): ReadableSpan => {
    const span = spans.find((span) => span.name === name && Object.entries(attributes).every(([key, value]) => span.attributes[`secsync.${key}`] === value))
    if (span === undefined) throw new Error(`There is no span ${name} with ${JSON.stringify(attributes)}`)
    return span
  }
  const idOf = (span: ReadableSpan) => span.spanContext().spanId

  const handshake = find('secsync handshake', { outcome: 'joined' })
  t.equal(find('hasAccess read').parentSpanContext?.spanId, idOf(handshake))
  const message = find('secsync message', { kind: 'update', outcome: 'saved' })
  t.equal(message.parentSpanContext, undefined)
  t.equal(message.attributes['secsync.connectionId'], handshake.attributes['secsync.connectionId'])
  t.equal(find('hasAccess write-update').parentSpanContext?.spanId, idOf(message))
  const commit = find('secsync commit', { kind: 'update', outcome: 'saved', changes: 1 })
  t.equal(commit.parentSpanContext, undefined)
  t.strictSame(commit.links.map(({ context }) => context.spanId), [idOf(message)])
  t.equal(find('INSERT').parentSpanContext?.spanId, idOf(commit))
  const relay = find('secsync relay', { kind: 'update', clients: 1 })
  t.strictSame(relay.links.map(({ context }) => context.spanId), [idOf(message)])
  const refused = find('secsync message', { outcome: 'refused' })
  t.equal(refused.status.code, 0)
  t.match(refused.events, [{ name: 'exception', attributes: { 'exception.type': 'FST_SECSYNC_UPDATE_CONFLICT' } }])
  t.notMatch(JSON.stringify(spans.map(({ attributes, events, name }) => ({ attributes, events, name }))), sessionKey)
})

t.test('what fails has a span with an error', async (t) => {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const server = await startServer(t, {
    ...memoryStore(), tracer: provider.getTracer('app'), hasAccess: () => { throw new Error('away') }, limits: { callbackTimeout: 100 }
  })
  t.equal(await server.connect('document').closed(), 1011)
  t.match(exporter.getFinishedSpans(), [{ name: 'secsync handshake', status: { code: 2 }, attributes: { 'secsync.outcome': 'failed' } }])
})

t.test('log lines have the ids of document and connection', async (t) => {
  const { events } = record(t)
  const log = new Log()
  await write(t, {}, log)
  const line = log.lines.find(({ documentId, err }) => documentId === 'forbidden' && err?.code === 'FST_SECSYNC_UNAUTHORIZED')
  const { connectionId, requestId } = events.handshake[2]!
  t.match(line, { connectionId, reqId: requestId })
  t.notMatch(log.text, sessionKey)
})
