/** A registry of the npm package prom-client 15. Not beside its meter: the types of prom-client may not be installed. */
export interface PrometheusRegistry {
  registerMetric (metric: never): void
  getSingleMetric (name: string): unknown
}

/** A metric, with the name and unit of OpenTelemetry. */
export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  /** `s`: seconds. `By`: bytes. In braces: what is counted. */
  readonly unit: string
  readonly description: string
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

function gauge (name: string, unit: string, description: string) {
  return { type: 'gauge', name, unit, labels: [], description } as const
}

function counter<const Labels extends readonly string[]> (name: string, unit: string, labels: Labels, description: string) {
  return { type: 'counter', name, unit, labels, description } as const
}

function histogram<const Labels extends readonly string[]> (name: string, unit: string, labels: Labels, description: string, buckets = seconds) {
  return { type: 'histogram', name, unit, labels, description, buckets } as const
}

/** All metrics. docs/metrics.md has them in a table that is generated: `npm run docs`. Each label has a limited number of values. */
export const metrics = {
  connections: gauge('secsync.connections', '{connection}', 'Open connections'),
  documents: gauge('secsync.documents', '{document}', 'Open documents'),
  documentsBehind: gauge('secsync.documents.behind', '{document}', 'Open documents whose last look into the store for changes of other nodes failed'),
  messagesQueued: gauge('secsync.messages.queued', '{message}', 'Received messages that are not answered yet'),
  unsent: gauge('secsync.unsent', 'By', 'Bytes that are not sent to connections yet'),
  writesWaiting: gauge('secsync.writes.waiting', '{write}', 'Writes that wait for limits.maxConcurrentWrites'),
  busConnected: gauge('secsync.bus.connected', '{node}', '1 if messages of other nodes arrive, 0 if not or without a bus'),
  handshakes: histogram('secsync.handshake.duration', 's', ['outcome'],
    'From the WebSocket upgrade until the document is sent'),
  closed: counter('secsync.connections.closed', '{connection}', ['code'], 'Closed connections, by close code. Codes that only a client can send are other'),
  messages: histogram('secsync.message.duration', 's', ['kind', 'outcome'],
    'From the reception of a message to its answer'),
  refusals: counter('secsync.refusals', '{refusal}', ['action', 'reason'], 'Refused handshakes (action read) and messages, by error code. Errors of the application are other'),
  commits: histogram('secsync.commit.duration', 's', ['kind', 'outcome'], 'One write at the store'),
  commitChanges: histogram('secsync.commit.changes', '{change}', ['kind'], 'Changes that one write saves: the group size', [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]),
  loads: histogram('secsync.load.duration', 's', ['mode', 'outcome'], 'One load from the store'),
  catchUps: counter('secsync.catch_ups', '{look}', ['outcome'],
    'Looks into the store for changes of other nodes'),
  relays: histogram('secsync.relay.duration', 's', ['kind'],
    'From the reception of a change on this node to its relay to the other connections on this node'),
  relayed: counter('secsync.relayed', '{frame}', ['kind'], 'Relayed messages, one per message and connection'),
  busMessages: counter('secsync.bus.messages', '{message}', ['outcome'], 'Messages to other nodes')
} satisfies Record<string, Metric>

export type Metrics = typeof metrics
type Of<Type extends Metric['type']> = { [Name in keyof Metrics]: Metrics[Name]['type'] extends Type ? Name : never }[keyof Metrics]
export type CounterName = Of<'counter'>
export type HistogramName = Of<'histogram'>
export type GaugeName = Of<'gauge'>
export type LabelsOf<Name extends keyof Metrics> = Record<Metrics[Name]['labels'][number], string>

/** What collects the metrics. */
export interface Meter {
  count<Name extends CounterName> (name: Name, labels: LabelsOf<Name>, by?: number): void
  /** Durations are in seconds. */
  observe<Name extends HistogramName> (name: Name, value: number, labels: LabelsOf<Name>): void
  /** Several registrations may share a meter: its gauges have the sum. Returns a function that takes these out. */
  addGauges (gauges: Gauges): () => void
}

/** Read when metrics are collected. */
export type Gauges = Record<GaugeName, () => number>

/** The gauges of all registrations on one meter. */
export class GaugeSums {
  readonly #all = new Set<Gauges>()

  add (gauges: Gauges): () => void {
    this.#all.add(gauges)
    return () => this.#all.delete(gauges)
  }

  read (name: GaugeName): number {
    let sum = 0
    for (const gauges of this.#all) sum += gauges[name]()
    return sum
  }
}

/** The definitions of one type. */
export function metricsOf<Type extends Metric['type']> (type: Type): Array<[Of<Type>, Metric]> {
  const all: Array<[string, Metric]> = Object.entries(metrics)
  return all.filter(([, metric]) => metric.type === type) as Array<[Of<Type>, Metric]>
}

/** The name in Prometheus, as the exporters of OpenTelemetry build it. */
export function prometheusName ({ name, unit, type }: Metric): string {
  const suffix = { s: '_seconds', By: '_bytes' }[unit] ?? ''
  return `${name.replaceAll('.', '_')}${suffix}${type === 'counter' ? '_total' : ''}`
}
