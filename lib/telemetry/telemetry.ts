import { isConflict, reasonOf } from '../errors.ts'
import type { CounterName, Gauges, HistogramName, LabelsOf, Meter, PrometheusRegistry } from './metrics.ts'
import { openTelemetryMeter, type OpenTelemetryMeter, type OpenTelemetryTracer } from './opentelemetry.ts'
import { isObserved, MeasuredOperation, unmeasured, type CommitEvent, type Events, type HandshakeEvent, type MessageEvent, type Operation, type RelayEvent } from './operations.ts'
import { prometheusMeter } from './prometheus.ts'

export interface TelemetryOptions {
  metrics?: PrometheusRegistry | OpenTelemetryMeter | undefined
  tracer?: OpenTelemetryTracer | undefined
}

/** A connection, as far as it is measured. */
export interface MeasuredConnection {
  readonly id: string
  readonly documentId: string
  readonly request: { readonly id: string }
}

/** A change, as far as it is measured. */
interface MeasuredChange {
  readonly kind: 'snapshot' | 'update'
  /** What was received from a client, if a client of this node has sent it. */
  readonly message: object
}

/** One per registry or meter of the user, which several registrations may share. */
const meters = new WeakMap<object, Promise<Meter>>()

/** Close codes that are counted. A client may send any other. */
const closeCodes = new Set([1000, 1001, 1002, 1005, 1006, 1007, 1008, 1009, 1011, 1013, 4401, 4404, 4500])

/**
 * What this node measures: metrics, diagnostics channels and spans. Each measurement is one function, called in one place. Without `metrics`, `tracer` and
 * subscribers, nothing is measured.
 */
export class Telemetry {
  readonly #meter: Meter | undefined
  readonly #tracer: OpenTelemetryTracer | undefined
  /** By what was received. Its change is saved and relayed later, together with others. */
  readonly #messages = new WeakMap<object, Operation>()
  #removeGauges = () => {}

  constructor (meter?: Meter, tracer?: OpenTelemetryTracer) {
    this.#meter = meter
    this.#tracer = tracer
  }

  static async create ({ metrics, tracer }: TelemetryOptions): Promise<Telemetry> {
    return new Telemetry(metrics && await meterOf(metrics), tracer)
  }

  #isMeasured (name: keyof Events): boolean {
    return this.#meter !== undefined || this.#tracer !== undefined || isObserved(name)
  }

  #count<Name extends CounterName> (name: Name, labels: LabelsOf<Name>, by?: number): void {
    this.#meter?.count(name, labels, by)
  }

  /** `startedAt` as of `performance.now()`. */
  #observe<Name extends HistogramName> (name: Name, startedAt: number, labels: LabelsOf<Name>): void {
    this.#meter?.observe(name, (performance.now() - startedAt) / 1000, labels)
  }

  addGauges (gauges: Gauges): void {
    if (this.#meter !== undefined) this.#removeGauges = this.#meter.addGauges(gauges)
  }

  close (): void {
    this.#removeGauges()
  }

  // Connections

  handshake ({ id: connectionId, documentId, request }: MeasuredConnection): Operation<HandshakeEvent> {
    if (!this.#isMeasured('handshake')) return unmeasured
    return new MeasuredOperation('handshake', { documentId, connectionId, requestId: request.id }, {
      tracer: this.#tracer,
      onEnd: ({ outcome }, startedAt) => this.#observe('handshakes', startedAt, { outcome: outcome ?? '' })
    })
  }

  closed (code: number): void {
    this.#count('closed', { code: closeCodes.has(code) ? String(code) : 'other' })
  }

  /** `receivedAt` as of `performance.now()`. */
  message (connection: MeasuredConnection, receivedAt: number, bytes: number): Operation<MessageEvent> {
    if (!this.#isMeasured('message')) return unmeasured
    const { id: connectionId, documentId, request } = connection
    const waited = performance.now() - receivedAt
    return new MeasuredOperation('message', { documentId, connectionId, requestId: request.id, bytes, waited }, {
      tracer: this.#tracer,
      startedAt: receivedAt,
      onEnd: ({ kind = 'unknown', outcome }, startedAt) => this.#observe('messages', startedAt, { kind, outcome: outcome ?? '' })
    })
  }

  /** Connects what was received with its operation: for `commit` and `relay`. */
  parsed (message: object, operation: Operation): void {
    if (operation !== unmeasured) this.#messages.set(message, operation)
  }

  refused (action: string | undefined, error: unknown): void {
    if (this.#meter !== undefined) this.#count('refusals', { action: action ?? 'unknown', reason: reasonOf(error) })
  }

  // Documents

  async commit (documentId: string, changes: MeasuredChange[], save: () => Promise<number | undefined>): Promise<number | undefined> {
    const kind = changes[0]?.kind
    if (kind === undefined || !this.#isMeasured('commit')) return await save()
    const causes = changes.flatMap(({ message }) => this.#messages.get(message) ?? [])
    const operation: Operation<CommitEvent> = new MeasuredOperation('commit', { documentId, kind, changes: changes.length }, {
      tracer: this.#tracer,
      causes,
      onEnd: ({ outcome }, startedAt) => {
        this.#observe('commits', startedAt, { kind, outcome: outcome ?? '' })
        if (outcome === 'saved') this.#meter?.observe('commitChanges', changes.length, { kind })
      }
    })
    try {
      const version = await operation.run(save)
      operation.end({ outcome: 'saved' })
      return version
    } catch (error) {
      operation.end({ outcome: isConflict(error) ? 'conflict' : 'failed', error })
      throw error
    }
  }

  async load<T> (mode: 'complete' | 'delta', load: () => Promise<T>): Promise<T> {
    if (this.#meter === undefined) return await load()
    const startedAt = performance.now()
    let outcome = 'failed'
    try {
      const document = await load()
      outcome = 'loaded'
      return document
    } finally {
      this.#observe('loads', startedAt, { mode, outcome })
    }
  }

  caughtUp (outcome: 'current' | 'behind' | 'rolledBack' | 'failed'): void {
    this.#count('catchUps', { outcome })
  }

  /** `message`: what was received, if it was received on this node. */
  relay (documentId: string, kind: RelayEvent['kind'], clients: number, message: object | undefined, relay: () => void): void {
    if (!this.#isMeasured('relay')) return relay()
    const cause = message && this.#messages.get(message)
    const operation = new MeasuredOperation('relay', { documentId, kind, clients }, {
      tracer: this.#tracer,
      causes: cause === undefined ? [] : [cause],
      onEnd: () => {
        this.#count('relayed', { kind }, clients)
        if (cause !== undefined) this.#observe('relays', cause.startedAt, { kind })
      }
    })
    operation.run(relay)
    operation.end({ outcome: 'relayed' })
  }

  // Nodes

  published (outcome: 'published' | 'failed'): void {
    this.#count('busMessages', { outcome })
  }
}

function meterOf (metrics: PrometheusRegistry | OpenTelemetryMeter): Promise<Meter> {
  let meter = meters.get(metrics)
  if (meter === undefined) {
    meter = 'registerMetric' in metrics ? prometheusMeter(metrics) : Promise.resolve(openTelemetryMeter(metrics))
    meters.set(metrics, meter)
  }
  return meter
}
