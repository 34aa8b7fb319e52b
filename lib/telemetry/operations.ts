import { tracingChannel } from 'node:diagnostics_channel'
import type { OpenTelemetrySpan, OpenTelemetryTracer } from './opentelemetry.ts'

/** `SpanStatusCode.ERROR` of @opentelemetry/api. */
const spanError = 2

interface Ended {
  /** How it ended. From `asyncEnd` on. */
  outcome?: string
  /** Why it was refused or failed. */
  error?: unknown
}

/** The handshake of a connection, until its document was sent. Outcome: `joined`, `refused`, `failed`, or `left` if it was closed before. */
export interface HandshakeEvent extends Ended {
  documentId: string
  connectionId: string
  /** `request.id` of the handshake, as `reqId` in the log. */
  requestId: string
}

/** A message of a client, until it is answered. Outcome: `saved`, `relayed`, `refused`, or `dropped` without an answer, because the client sends it again. */
export interface MessageEvent extends Ended {
  documentId: string
  connectionId: string
  requestId: string
  bytes: number
  /** Milliseconds that it has waited for messages before it. */
  waited: number
  /** `snapshot`, `update` or `ephemeralMessage`. Once it was parsed. */
  kind?: string
}

/** One write at the store. Outcome: `saved`, `conflict` or `failed`. */
export interface CommitEvent extends Ended {
  documentId: string
  kind: 'snapshot' | 'update'
  /** How many changes it saves. */
  changes: number
}

/** The relay of one message to the connections of a document on this node. */
export interface RelayEvent extends Ended {
  documentId: string
  kind: 'snapshot' | 'update' | 'ephemeralMessage'
  /** How many connections get it. */
  clients: number
}

export interface Events {
  handshake: HandshakeEvent
  message: MessageEvent
  commit: CommitEvent
  relay: RelayEvent
}

/** One operation that is measured. */
export interface Operation<Event = object> {
  /** As of `performance.now()`. */
  readonly startedAt: number
  readonly span: OpenTelemetrySpan | undefined
  /** Calls a function in the context of the operation. */
  run<T> (fn: () => T): T
  end (ended: Partial<Event>): void
}

/** When nothing is measured. */
export const unmeasured: Operation = { startedAt: 0, span: undefined, run: (fn) => fn(), end () {} }

const channels = {
  handshake: tracingChannel<object>('secsync.handshake'),
  message: tracingChannel<object>('secsync.message'),
  commit: tracingChannel<object>('secsync.commit'),
  relay: tracingChannel<object>('secsync.relay')
}

/** Whether somebody subscribes to a channel of this operation. */
export function isObserved (name: keyof Events): boolean {
  return channels[name].hasSubscribers
}

export interface OperationSettings<Event> {
  tracer: OpenTelemetryTracer | undefined
  /** As of `performance.now()`. Default: now. */
  startedAt?: number | undefined
  /** The messages that a commit saves, or the message that is relayed. */
  causes?: Operation[]
  onEnd (event: Event, startedAt: number): void
}

/** Publishes to the channels `tracing:secsync.…`, and has a span. */
export class MeasuredOperation<Name extends keyof Events> implements Operation<Events[Name]> {
  readonly startedAt: number
  span: OpenTelemetrySpan | undefined
  readonly #name: Name
  readonly #event: Events[Name]
  readonly #settings: OperationSettings<Events[Name]>

  constructor (name: Name, event: Events[Name], settings: OperationSettings<Events[Name]>) {
    this.#name = name
    this.#event = event
    this.#settings = settings
    this.startedAt = settings.startedAt ?? performance.now()
  }

  run<T> (fn: () => T): T {
    const { tracer } = this.#settings
    const traced = tracer === undefined ? fn : () => this.#trace(tracer, fn)
    if (!isObserved(this.#name)) return traced()
    const { start, end } = channels[this.#name]
    try {
      return start.runStores(this.#event, traced)
    } finally {
      end.publish(this.#event)
    }
  }

  /** Messages, commits and relays are traces of their own: they begin long after the request of the handshake. */
  #trace<T> (tracer: OpenTelemetryTracer, fn: () => T): T {
    const { causes = [] } = this.#settings
    const links = causes.flatMap(({ span }) => span === undefined ? [] : [{ context: span.spanContext() }])
    return tracer.startActiveSpan(`secsync ${this.#name}`, { root: this.#name !== 'handshake', links }, (span) => {
      this.span = span
      return fn()
    })
  }

  end (ended: Partial<Events[Name]>): void {
    Object.assign(this.#event, ended)
    this.#settings.onEnd(this.#event, this.startedAt)
    if (isObserved(this.#name)) {
      const { error, asyncStart, asyncEnd } = channels[this.#name]
      if (this.#event.error !== undefined) error.publish(this.#event)
      asyncStart.publish(this.#event)
      asyncEnd.publish(this.#event)
    }
    if (this.span !== undefined) endSpan(this.span, this.#event)
  }
}

function endSpan (span: OpenTelemetrySpan, { error, ...attributes }: Events[keyof Events]): void {
  span.setAttributes(Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`secsync.${name}`, value])))
  if (error instanceof Error) span.recordException(error)
  if (attributes.outcome === 'failed') span.setStatus({ code: spanError })
  span.end()
}
