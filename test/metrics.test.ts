import { readFile } from 'node:fs/promises'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import pg from 'pg'
import { Counter, Registry } from 'prom-client'
import t, { type Test } from 'tap'
import secsync, { type SecsyncOptions } from '../lib/index.ts'
import { metrics, prometheusName } from '../lib/telemetry/metrics.ts'
import { prometheusMeter } from '../lib/telemetry/prometheus.ts'
import { ControlledAdapter } from './fixtures/controlled-adapter.ts'
import { ControlledBroker } from './fixtures/controlled-bus.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author, type RawClient } from './fixtures/raw-client.ts'
import { listen, memoryStore, startServer, type TestServer } from './fixtures/server.ts'

const author = new Author()

interface Samples {
  /** The sum of all samples of this name whose labels include these. */
  get (name: string, labels?: Record<string, string>): number
}

async function collect (registry: Registry): Promise<Samples> {
  const values = (await registry.getMetricsAsJSON()).flatMap(({ name, values }) => values.map((value) => ({ name, ...value })))
  return {
    get (name, labels = {}) {
      return values
        .filter((value) => ('metricName' in value ? value.metricName : value.name) === name)
        .filter((value) => Object.entries(labels).every(([label, expected]) => String(value.labels[label as keyof typeof value.labels]) === expected))
        .reduce((sum, { value }) => sum + value, 0)
    }
  }
}

/** Two clients of a document with a snapshot; what the first one writes has reached the second. */
async function write (t: Test, server: TestServer): Promise<{ writer: RawClient, reader: RawClient, snapshotId: string }> {
  const writer = server.connect('document')
  await writer.next('document')
  const snapshot = author.snapshot('document')
  writer.send(snapshot)
  await writer.next('snapshot-saved')
  const reader = server.connect('document')
  await reader.next('document')
  const { snapshotId } = snapshot.publicData
  for (const clock of [0, 1]) writer.send(author.update('document', snapshotId, clock))
  for (const clock of [0, 1]) {
    t.match(await writer.next('update-saved'), { clock })
    await reader.next('update')
  }
  writer.send(author.ephemeralMessage('document'))
  await reader.next('ephemeral-message')
  return { writer, reader, snapshotId }
}

t.test('what a server does can be read from a registry of prom-client', async (t) => {
  const registry = new Registry()
  const broker = new ControlledBroker()
  const { connectionString } = await createDatabase(t)
  const server = await startServer(t, { adapter: new PrismaPg({ connectionString }), metrics: registry, bus: broker.bus() })
  broker.connect()
  const { writer, snapshotId } = await write(t, server)
  // A clock that is taken, no JSON, and a signature of something else.
  writer.send(author.update('document', snapshotId, 0, 'another'))
  t.match(await writer.next('update'), { publicData: { clock: 0 } })
  await writer.next('update-save-failed')
  writer.send('{')
  writer.send({ ...author.ephemeralMessage('document'), ciphertext: 'bm8' })
  writer.socket.ping()
  await new Promise((resolve) => writer.socket.once('pong', resolve))

  const { get } = await collect(registry)
  t.equal(get('secsync_connections'), 2)
  t.equal(get('secsync_documents'), 1)
  t.equal(get('secsync_documents_behind'), 0)
  t.equal(get('secsync_messages_queued'), 0)
  t.equal(get('secsync_unsent_bytes'), 0)
  t.equal(get('secsync_writes_waiting'), 0)
  t.equal(get('secsync_bus_connected'), 1)
  t.equal(get('secsync_handshake_duration_seconds_count', { outcome: 'joined' }), 2)
  t.equal(get('secsync_message_duration_seconds_count', { kind: 'snapshot', outcome: 'saved' }), 1)
  t.equal(get('secsync_message_duration_seconds_count', { kind: 'update', outcome: 'saved' }), 2)
  t.equal(get('secsync_message_duration_seconds_count', { kind: 'update', outcome: 'refused' }), 1)
  t.equal(get('secsync_message_duration_seconds_count', { kind: 'ephemeralMessage', outcome: 'relayed' }), 1)
  t.equal(get('secsync_message_duration_seconds_count', { kind: 'ephemeralMessage', outcome: 'refused' }), 1)
  t.equal(get('secsync_message_duration_seconds_count', { kind: 'unknown', outcome: 'refused' }), 1)
  t.ok(get('secsync_message_duration_seconds_sum', { kind: 'update', outcome: 'saved' }) > 0)
  t.equal(get('secsync_refusals_total', { action: 'write-update', reason: 'FST_SECSYNC_UPDATE_CONFLICT' }), 1)
  t.equal(get('secsync_refusals_total', { action: 'unknown', reason: 'FST_SECSYNC_MESSAGE_INVALID' }), 1)
  t.equal(get('secsync_refusals_total', { action: 'send-ephemeral-message', reason: 'FST_SECSYNC_SIGNATURE_INVALID' }), 1)
  t.equal(get('secsync_commit_changes_sum', { kind: 'update' }), 2)
  t.ok(get('secsync_commit_duration_seconds_count', { kind: 'update', outcome: 'saved' }) <= 2)
  t.equal(get('secsync_commit_duration_seconds_count', { kind: 'snapshot', outcome: 'saved' }), 1)
  t.ok(get('secsync_load_duration_seconds_count', { mode: 'complete', outcome: 'loaded' }) >= 2)
  t.equal(get('secsync_relayed_total', { kind: 'update' }), 2)
  t.equal(get('secsync_relayed_total', { kind: 'ephemeralMessage' }), 1)
  t.equal(get('secsync_relay_duration_seconds_count', { kind: 'update' }), 2)
  t.ok(get('secsync_relay_duration_seconds_sum', { kind: 'update' }) > 0)
  t.ok(get('secsync_bus_messages_total', { outcome: 'published' }) >= 3)

  broker.leave()
  writer.send(author.ephemeralMessage('document'))
  await writer.close()
  await server.app.close()
  const after = await collect(registry)
  t.equal(after.get('secsync_bus_messages_total', { outcome: 'failed' }), 1)
  t.equal(after.get('secsync_connections'), 0)
  t.equal(after.get('secsync_bus_connected'), 0)
  t.equal(after.get('secsync_connections_closed_total', { code: '1005' }), 1)
  t.equal(after.get('secsync_connections_closed_total', { code: '1001' }), 1)
})

t.test('what goes wrong is counted by its reason', async (t) => {
  const registry = new Registry()
  const store = memoryStore()
  const failures: Error[] = []
  const server = await startServer(t, {
    ...store,
    metrics: registry,
    hasAccess: ({ documentId }) => documentId !== 'forbidden',
    getDocument: (params) => {
      if (params.documentId === 'broken') throw new Error('away')
      return store.getDocument(params)
    },
    createUpdate: (params) => {
      if (failures[0] !== undefined) throw failures[0]
      return store.createUpdate(params)
    }
  })
  t.equal(await server.connect('forbidden').closed(), 4401)
  t.equal(await server.connect('broken').closed(), 4500)
  const { writer, snapshotId } = await write(t, server)
  failures.push(Object.assign(new Error('A secret'), { code: 'OF_THE_APPLICATION' }))
  writer.send(author.update('document', snapshotId, 2))
  await writer.next('update-save-failed')
  writer.socket.close(4999)
  await writer.closed()
  // The server hears of it no later than of this one.
  await server.connect('document').next('document')

  const { get } = await collect(registry)
  t.equal(get('secsync_handshake_duration_seconds_count', { outcome: 'refused' }), 1)
  t.equal(get('secsync_handshake_duration_seconds_count', { outcome: 'failed' }), 1)
  t.equal(get('secsync_refusals_total', { action: 'read', reason: 'FST_SECSYNC_UNAUTHORIZED' }), 1)
  t.equal(get('secsync_refusals_total', { action: 'read', reason: 'other' }), 1)
  t.equal(get('secsync_refusals_total', { action: 'write-update', reason: 'other' }), 1)
  t.ok(get('secsync_commit_duration_seconds_count', { kind: 'update', outcome: 'failed' }) >= 1)
  t.ok(get('secsync_catch_ups_total', { outcome: 'current' }) >= 1)
  t.ok(get('secsync_load_duration_seconds_count', { outcome: 'failed' }) >= 1)
  t.equal(get('secsync_connections_closed_total', { code: 'other' }), 1)
  t.equal(get('secsync_connections_closed_total', { code: '4401' }), 1)
  t.notMatch(await registry.metrics(), /secret|OF_THE_APPLICATION/i)
})

t.test('looks into the store, by what they found', async (t) => {
  const registry = new Registry()
  const { connectionString } = await createDatabase(t)
  const adapter = new ControlledAdapter(connectionString)
  const server = await startServer(t, { adapter, metrics: registry })
  const { writer, reader, snapshotId } = await write(t, server)
  const counted = async (outcome: string) => (await collect(registry)).get('secsync_catch_ups_total', { outcome })
  /** Makes the server look into the store: something must be missing before this update. */
  const look = (): void => writer.send(new Author().update('document', snapshotId, 9))

  const elsewhere = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  const other = elsewhere.connect('document')
  await other.next('document')
  other.send(author.update('document', snapshotId, 2))
  await other.next('update-saved')
  look()
  await writer.next('update')
  await writer.next('update-save-failed')
  t.equal(await counted('behind'), 1)

  adapter.fails = (kind) => kind === 'read'
  look()
  await writer.next('update-save-failed')
  t.equal(await counted('failed'), 1)
  adapter.fails = () => false

  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query("UPDATE secsync_document SET version = 1, clocks = '{}'")
  await client.query('DELETE FROM secsync_update')
  await client.end()
  look()
  t.equal(await writer.closed(), 1013)
  t.equal(await counted('rolledBack'), 1)
  await reader.closed()
})

t.test('several registrations and servers may share a registry', async (t) => {
  const registry = new Registry()
  const app = Fastify()
  t.teardown(() => app.close())
  const options: SecsyncOptions = { ...memoryStore(), hasAccess: () => true, metrics: registry }
  await app.register(secsync, { ...options, prefix: '/documents' })
  await app.register(async (scope) => { await scope.register(secsync, { ...options, prefix: '/others' }) })
  const one = await listen(t, app)
  const other = await startServer(t, options)
  for (const { connect } of [one, other]) await connect('document').next('document')
  t.equal((await collect(registry)).get('secsync_connections'), 2)
  await other.app.close()
  t.equal((await collect(registry)).get('secsync_connections'), 1)
})

t.test('what a server does can be read from a meter of OpenTelemetry, under the names of prom-client', async (t) => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
  const provider = new MeterProvider({ readers: [reader] })
  t.teardown(() => provider.shutdown())
  const server = await startServer(t, { ...memoryStore(), metrics: provider.getMeter('app') })
  await write(t, server)
  await reader.forceFlush()
  const exported = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  const find = (name: string, labels: object) => exported.find(({ descriptor }) => descriptor.name === name)
    ?.dataPoints.find(({ attributes }) => JSON.stringify(attributes) === JSON.stringify(labels))?.value
  t.equal(find('secsync.connections', {}), 2)
  t.equal(find('secsync.relayed', { kind: 'update' }), 2)
  t.match(find('secsync.message.duration', { kind: 'update', outcome: 'saved' }), { count: 2, buckets: { boundaries: [0.001, 0.0025] } })
  for (const { descriptor } of exported) t.ok(Object.values(metrics).some(({ name, unit }) => name === descriptor.name && unit === descriptor.unit))
})

t.test('a registry without prom-client beside it, or with our names taken', async (t) => {
  const registry = new Registry()
  t.ok(new Counter({ name: 'secsync_refusals_total', help: 'of somebody else', registers: [registry] }))
  await t.rejects(startServer(t, { ...memoryStore(), metrics: registry }), /already been registered/)
  await t.rejects(prometheusMeter(new Registry(), async () => { throw new Error('Cannot find package') }), {
    code: 'FST_SECSYNC_OPTION_INVALID', message: 'The option metrics is invalid: needs the npm package prom-client. Install it.'
  })
})

t.test('the documentation has each metric', async (t) => {
  const text = await readFile('docs/metrics.md', 'utf8')
  for (const metric of Object.values(metrics)) {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${prometheusName(metric)}\``))
    t.ok(row, prometheusName(metric))
    t.match(row, `| ${metric.labels.length === 0 ? '' : metric.labels.map((label) => `\`${label}\``).join(', ')}`)
  }
})
