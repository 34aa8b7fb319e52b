import { OptionInvalid } from './errors.ts'
import { Type, Value, type Static } from './protocol/typebox.ts'

/** Maximum delay of a timer. Node.js replaces longer ones with 1 ms. */
const maxDelay = 2 ** 31 - 1

// docs/options.md is generated from these schemas and comments: `npm run docs`.
export const Limits = Type.Object({
  /** Maximum size of a message. A larger message closes its connection with 1009. @unit bytes */
  maxMessageSize: Type.Integer({ minimum: 1024, default: 16 * 1024 * 1024 }),
  /** Maximum number of unanswered messages per connection. Reading pauses above it. */
  maxQueuedMessages: Type.Integer({ minimum: 1, default: 256 }),
  /** Maximum number of messages handled per connection and second. 0: no limit. */
  maxMessagesPerSecond: Type.Integer({ minimum: 0, default: 0 }),
  /**
   * Maximum size of unsent data per connection, without its document. The connection is closed with 1013 above it. One message may exceed it.
   * Ephemeral messages are dropped above a quarter of it. @unit bytes
   */
  maxBufferedBytes: Type.Integer({ minimum: 1024, default: 8 * 1024 * 1024 }),
  /** Maximum size of the cache of loaded documents. Only newer updates of a cached document are read from the database. 0: no cache. @unit bytes */
  maxCachedBytes: Type.Integer({ minimum: 0, default: 32 * 1024 * 1024 }),
  /** Maximum number of concurrent update statements of the Prisma store. Keep it below the pool size (10), so that loads get a connection. */
  maxConcurrentWrites: Type.Integer({ minimum: 1, default: 8 }),
  /** Maximum number of connections per document and node. Further connections are closed with 1013. */
  maxConnectionsPerDocument: Type.Integer({ minimum: 1, default: 10_000 }),
  /**
   * Maximum number of authors with updates on one snapshot. The first update of a further author is answered with `requiresNewSnapshot`. A
   * reconnecting client sends one clock per author in its URL, and Node.js limits headers to 16 KB. @see docs/options.md#long-urls
   */
  maxAuthorsPerSnapshot: Type.Integer({ minimum: 1, default: 100 }),
  /** Maximum number of updates on one snapshot. The next author is then asked for a snapshot. 0: no limit. @see docs/documents.md#when-a-snapshot-is-due */
  maxUpdatesPerSnapshot: Type.Integer({ minimum: 0, default: 10_000 }),
  /** Maximum size of all updates on one snapshot. The next author is then asked for a snapshot. 0: no limit. @unit bytes */
  maxBytesPerSnapshot: Type.Integer({ minimum: 0, default: 8 * 1024 * 1024 }),
  /**
   * Maximum size of what is stored of a document, former snapshots and updates included. Changes above it are refused, and reading goes on. It needs
   * the Prisma store. 0: no limit. @unit bytes @see docs/documents.md#full-documents
   */
  maxDocumentBytes: Type.Integer({ minimum: 0, default: 0 }),
  /** Maximum number of consecutive invalid messages: wrong shape, document id or signature. The connection is then closed with 1008. */
  maxInvalidMessages: Type.Integer({ minimum: 1, default: 100 }),
  /** Time between two pings. Connections that miss a pong are terminated. @unit ms */
  heartbeatInterval: Type.Integer({ minimum: 100, maximum: maxDelay, default: 30_000 }),
  /** With `redis` or `bus`: time between two checks of the store for missed changes of an open document. @unit ms */
  checkInterval: Type.Integer({ minimum: 100, maximum: maxDelay, default: 10_000 }),
  /**
   * Time limit for one call of a callback, a hook or the database, and for a pending handshake. The default is 1 ms per 4 KiB of `maxMessageSize` if
   * that is longer. @unit ms
   */
  callbackTimeout: Type.Integer({ minimum: 1, maximum: maxDelay, default: 10_000 }),
  /**
   * During shutdown, connections are closed one after the other (5 ms per connection), within this time. Then it is the time limit for messages in
   * flight, and again for pending writes. At any time it is the time limit for what a client sent before it closed its connection.
   * @unit ms @see docs/deployment.md#shutdown
   */
  drainTimeout: Type.Integer({ minimum: 1, maximum: maxDelay, default: 5_000 })
}, { additionalProperties: false })
export type Limits = Static<typeof Limits>

export const limitNames = Object.keys(Limits.properties)

/** Checks values whose names are known, and adds the defaults. */
export function resolveLimits (given: { [Name in keyof Limits]?: number | undefined }): Limits {
  const limits = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  for (const [name, value] of Object.entries(limits)) {
    const { minimum = 0, maximum } = Limits.properties[name as keyof Limits]
    const range = maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`
    if (!Value.Check(Limits.properties[name as keyof Limits], value)) throw new OptionInvalid(`limits.${name}`, `must be an integer ${range}`)
  }
  const resolved = Value.Default(Limits, { ...limits }) as Limits
  return { ...resolved, callbackTimeout: limits.callbackTimeout ?? Math.max(resolved.callbackTimeout, timeFor(resolved.maxMessageSize)) }
}

/** Milliseconds to store or load this number of bytes. */
function timeFor (bytes: number): number {
  return Math.min(Math.ceil(bytes / 4096), maxDelay)
}
