import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { closest, distance } from 'fastest-levenshtein'
import type { RegisterOptions, RouteShorthandOptions } from 'fastify'
import { Type, TypeGuard, Value, type Static, type TSchema } from './protocol/typebox.ts'
import type { Bus, CreateBus } from './nodes/bus.ts'
import { BusObject } from './nodes/create-bus.ts'
import type { RedisClient } from './nodes/redis-client.ts'
import type { DocumentsCallbacks } from './documents/documents.ts'
import { resolveRetention, retentionNames, type RetentionOptions, type RetentionSettings } from './documents/retention.ts'
import type { CreateSnapshot, CreateUpdate, GetDocument, HasAccess, HasBroadcastAccess, HasQuota } from './callbacks.ts'
import { HasAccessMissing, OptionInvalid, OptionUnknown, PrismaModelsMissing, StoreMissing } from './errors.ts'
import type { AdditionalAuthenticationDataValidations, NoValidations } from './protocol/messages.ts'
import type { PrismaClientLike } from './stores/prisma.ts'
import type { OpenTelemetryMeter, OpenTelemetryTracer } from './telemetry/opentelemetry.ts'
import type { PrometheusRegistry } from './telemetry/metrics.ts'

/** Maximum delay of a timer. Node.js replaces longer ones with 1 ms. */
const maxDelay = 2 ** 31 - 1

export const Limits = Type.Object({
  /** Maximum size of a message in bytes. A larger message closes its connection with 1009. */
  maxMessageSize: Type.Integer({ minimum: 1024, default: 16 * 1024 * 1024 }),
  /** Maximum number of unanswered messages per connection. Reading pauses above it. */
  maxQueuedMessages: Type.Integer({ minimum: 1, default: 256 }),
  /** Maximum number of messages handled per connection and second. 0: unlimited. */
  maxMessagesPerSecond: Type.Integer({ minimum: 0, default: 0 }),
  /** Maximum number of unsent bytes per connection, without its document. The connection is closed with 1013 above it. One message may exceed it. */
  maxBufferedBytes: Type.Integer({ minimum: 1024, default: 8 * 1024 * 1024 }),
  /** Maximum size of the cache of loaded documents in bytes. Only newer updates of a cached document are read from the database. 0: no cache. */
  maxCachedBytes: Type.Integer({ minimum: 0, default: 32 * 1024 * 1024 }),
  /** Maximum number of concurrent update statements of the Prisma store. Keep it below the pool size (10), so that loads get a connection. */
  maxConcurrentWrites: Type.Integer({ minimum: 1, default: 8 }),
  /** Maximum number of connections per document on this node. Further connections are closed with 1013. */
  maxConnectionsPerDocument: Type.Integer({ minimum: 1, default: 10_000 }),
  /**
   * Maximum number of authors with updates on one snapshot. The first update of a further author is answered with `requiresNewSnapshot`. A
   * reconnecting client sends one clock per author in its URL, and Node.js limits headers to 16 KB.
   */
  maxAuthorsPerSnapshot: Type.Integer({ minimum: 1, default: 100 }),
  /**
   * Maximum number of updates on one snapshot, and of their bytes. The next author is then asked for a snapshot with `requiresNewSnapshot`. 0: no
   * limit. Documents with more bytes than `maxMessageSize` are not asked for one.
   */
  maxUpdatesPerSnapshot: Type.Integer({ minimum: 0, default: 10_000 }),
  maxBytesPerSnapshot: Type.Integer({ minimum: 0, default: 8 * 1024 * 1024 }),
  /**
   * Maximum number of stored bytes per document, former snapshots and updates included. Changes above it are refused, and reading goes on. It needs
   * the Prisma store. 0: no limit.
   */
  maxDocumentBytes: Type.Integer({ minimum: 0, default: 0 }),
  /** Maximum number of consecutive invalid messages. The connection is then closed with 1008. */
  maxInvalidMessages: Type.Integer({ minimum: 1, default: 100 }),
  /** Milliseconds between two pings. Connections that miss a pong are terminated. */
  heartbeatInterval: Type.Integer({ minimum: 100, maximum: maxDelay, default: 30_000 }),
  /** With `redis` or `bus`: milliseconds between two checks of the store for missed changes of an open document. */
  checkInterval: Type.Integer({ minimum: 100, maximum: maxDelay, default: 10_000 }),
  /** Time limit in milliseconds for one call of a callback or the database. Default: 10,000, or 1 per 4 KiB of `maxMessageSize` if that is more. */
  callbackTimeout: Type.Integer({ minimum: 1, maximum: maxDelay, default: 10_000 }),
  /** During shutdown: milliseconds within which the connections are closed, and then the time limit for messages in flight. */
  drainTimeout: Type.Integer({ minimum: 1, maximum: maxDelay, default: 5_000 })
}, { additionalProperties: false })
export type Limits = Static<typeof Limits>

const fn = Type.Optional(Type.Function([], Type.Unknown()))
const fns = Type.Optional(Type.Union([Type.Function([], Type.Unknown()), Type.Array(Type.Function([], Type.Unknown()))]))

/** The schema of each option, in the order of the checks. The text says what to write instead. */
const checks: Record<string, [TSchema, string]> = {
  prefix: [Type.Optional(Type.String({ pattern: '^$|^/' })), "must be a path that begins with a slash, for instance '/documents'"],
  hasAccess: [fn, 'must be a function that returns true or false'],
  hasQuota: [fn, 'must be a function that returns true or false'],
  hasBroadcastAccess: [fn, 'must be a function that returns an array with true or false for each of websocketSessionKeys'],
  getDocument: [fn, 'must be a function that returns { snapshot, snapshotProofChain, updates }'],
  createSnapshot: [fn, 'must be a function that stores a snapshot and returns it'],
  createUpdate: [fn, 'must be a function that stores an update and returns it'],
  adapter: [Type.Optional(Type.Object({ connect: Type.Function([], Type.Unknown()) })),
    'must be a Prisma driver adapter, for instance new PrismaPg({ connectionString }) from @prisma/adapter-pg'],
  prisma: [Type.Optional(Type.Object({ $queryRaw: Type.Function([], Type.Unknown()) })),
    'must be a PrismaClient'],
  // Not a client of the npm package `redis`: it has no status.
  redis: [Type.Optional(Type.Object({
    publish: Type.Function([], Type.Unknown()),
    duplicate: Type.Function([], Type.Unknown()),
    status: Type.String()
  })), 'must be a Redis or a Cluster of ioredis, for instance new Redis(process.env.REDIS_URL)'],
  bus: [Type.Optional(Type.Union([Type.Function([], Type.Unknown()), BusObject])),
    'must be postgresBus(…), or an object with publish(channel, message), subscribe(channel, subscriber) and close(), or a function that returns one'],
  metrics: [Type.Optional(Type.Union([
    Type.Object({ registerMetric: Type.Function([], Type.Unknown()), getSingleMetric: Type.Function([], Type.Unknown()) }),
    Type.Object({
      createCounter: Type.Function([], Type.Unknown()),
      createHistogram: Type.Function([], Type.Unknown()),
      createObservableGauge: Type.Function([], Type.Unknown())
    })
  ])), "must be a Registry of prom-client, or a meter of OpenTelemetry, for instance metrics.getMeter('app')"],
  tracer: [Type.Optional(Type.Object({ startActiveSpan: Type.Function([], Type.Unknown()) })),
    "must be a tracer of OpenTelemetry, for instance trace.getTracer('app')"],
  onRequest: [fns, 'must be a Fastify hook or an array of them'],
  preValidation: [fns, 'must be a Fastify hook or an array of them'],
  preHandler: [fns, 'must be a Fastify hook or an array of them'],
  additionalAuthenticationDataValidations: [
    Type.Optional(Type.Object({})),
    'must have TypeBox object schemas for snapshot, update or ephemeralMessage, for instance { snapshot: Type.Object({ keyId: Type.String() }) }'],
  documentCallbacks: [Type.Optional(Type.Record(Type.String(), fn)), 'must be an object of functions, for instance { list, get, delete }'],
  history: [Type.Optional(Type.Union([Type.Boolean(), Type.Object({
    onRequest: fns, preValidation: fns, preHandler: fns, config: Type.Optional(Type.Object({}))
  }, { additionalProperties: false })])), 'must be true, or { onRequest, preValidation, preHandler, config } with Fastify hooks and a route config'],
  retention: [Type.Optional(Type.Object({})), 'must be an object that says what is kept, for instance { snapshots: 10, age: 30 * 24 * 3600 * 1000 }'],
  limits: [Type.Optional(Type.Object({})), `must be an object. Its properties are integers: ${Object.keys(Limits.properties).join(', ')}`]
}

/** Includes the options of Fastify's `register`. */
const knownOptions = [...Object.keys(checks), 'logLevel', 'logSerializers' satisfies keyof RegisterOptions]

/** The option `history`. The hooks run behind those of the WebSocket route. */
export interface HistoryOptions extends Pick<RouteShorthandOptions, 'onRequest' | 'preValidation' | 'preHandler' | 'config'> {}

/** `A` are the schemas of `additionalAuthenticationDataValidations`: see `secsyncOptions()`. */
export interface SecsyncOptions<A extends AdditionalAuthenticationDataValidations = NoValidations> extends RegisterOptions {
  /** Path of the route. Clients connect to `{prefix}/{documentId}`. Default: the root. */
  prefix?: string
  /** Decides whether a connection may read and whether an author may write or send. Required. */
  hasAccess: HasAccess
  /** Decides which connections may receive a relayed message. Default: those with `read` access, checked once per session key and second. */
  hasBroadcastAccess?: HasBroadcastAccess | undefined
  /** Decides whether there is room for a snapshot or an update, for instance by the usage of its owner. Default: there is. */
  hasQuota?: HasQuota | undefined
  /** Loads the part of a document that a client does not have. Default: the Prisma store's. */
  getDocument?: GetDocument<A> | undefined
  /** Stores a snapshot, or throws. Default: the Prisma store's. */
  createSnapshot?: CreateSnapshot<A> | undefined
  /** Stores an update, or throws. Default: the Prisma store's. */
  createUpdate?: CreateUpdate<A> | undefined
  /** A Prisma driver adapter for PostgreSQL, or for SQLite if one process serves the documents. It is closed with the Fastify instance. */
  adapter?: SqlDriverAdapterFactory | undefined
  /** Your own PrismaClient. Its schema needs the models of this package. The plugin does not close it. */
  prisma?: PrismaClientLike | undefined
  /** A `Redis`, also with `sentinels`, or a `Cluster` of ioredis, for several nodes on one store. The plugin does not close it. */
  redis?: RedisClient | undefined
  /** Another message broker for several nodes on one store: `postgresBus(…)` or your own. It is closed with the Fastify instance. */
  bus?: Bus | CreateBus | undefined
  /** Collects the metrics of docs/metrics.md: a Registry of prom-client 15, or a meter of OpenTelemetry. Several registrations may share it. */
  metrics?: PrometheusRegistry | OpenTelemetryMeter | undefined
  /** A tracer of OpenTelemetry: spans for handshakes, messages, commits and relays. */
  tracer?: OpenTelemetryTracer | undefined
  /** Fastify hooks of the route. They run before the WebSocket upgrade and answer in HTTP. */
  onRequest?: RouteShorthandOptions['onRequest'] | undefined
  preValidation?: RouteShorthandOptions['preValidation'] | undefined
  preHandler?: RouteShorthandOptions['preHandler'] | undefined
  /** TypeBox object schemas for additional public data. Public data without a schema is refused. */
  additionalAuthenticationDataValidations?: A | undefined
  /** The functions of `fastify.secsync.documents` for a store of your own. Default: those of the Prisma store. */
  documentCallbacks?: DocumentsCallbacks | undefined
  /**
   * Adds the routes `GET {prefix}/{documentId}/snapshots` and `/{snapshotId}` for clients that `hasAccess` allows to read. The hooks of the route run
   * for them, too, and behind these the hooks given here. Default: no such routes.
   */
  history?: boolean | HistoryOptions | undefined
  /** What is kept of replaced snapshots and their updates. The rest is removed in the background, except for the proofs. Default: everything is kept. */
  retention?: RetentionOptions | undefined
  limits?: { [Name in keyof Limits]?: number | undefined } | undefined
}

export interface ResolvedOptions extends Omit<SecsyncOptions, 'limits' | 'retention'> {
  limits: Limits
  retention: RetentionSettings | undefined
}

/**
 * Returns the options unchanged. In its argument, the callbacks know the types of your additional public data:
 *
 *     secsyncOptions({
 *       additionalAuthenticationDataValidations: { snapshot: Type.Object({ keyId: Type.String() }) },
 *       createSnapshot: async ({ snapshot }) => { snapshot.publicData.keyId … }
 *     })
 */
export function secsyncOptions<A extends AdditionalAuthenticationDataValidations = NoValidations> (
  options: SecsyncOptions<NoInfer<A>> & { additionalAuthenticationDataValidations?: A | undefined }
): SecsyncOptions {
  // The plugin passes only messages that match the schemas.
  return options as unknown as SecsyncOptions
}

/** Returns the unknown names. They are ignored. */
export function foreignOptions (options: SecsyncOptions): string[] {
  return unknownNames(options, knownOptions)
}

/** Checks the options and adds defaults. Throws an `FST_SECSYNC_*` error for a missing or invalid option. */
export function resolveOptions (options: SecsyncOptions): ResolvedOptions {
  assertKnown(options, knownOptions)
  for (const [name, [schema, advice]] of Object.entries(checks)) {
    const value = options[name as keyof SecsyncOptions]
    if (value !== undefined && !Value.Check(schema, value)) throw new OptionInvalid(name, advice)
  }
  if (options.hasAccess === undefined) throw new HasAccessMissing()

  const missing = (['getDocument', 'createSnapshot', 'createUpdate'] as const).filter((name) => options[name] === undefined)
  if (missing.length > 0 && options.adapter === undefined && options.prisma === undefined) {
    throw new StoreMissing(['adapter or prisma, or', missing.join(' and ')].join(' '))
  }
  if (options.adapter !== undefined && options.prisma !== undefined) {
    throw new OptionInvalid('prisma', 'cannot go together with adapter: pass one of the two')
  }
  if (options.redis !== undefined && options.bus !== undefined) {
    throw new OptionInvalid('bus', 'cannot go together with redis: pass one of the two')
  }
  assertDialect(options)
  for (const model of ['secsyncDocument', 'secsyncSnapshot', 'secsyncUpdate', 'secsyncDeletion']) {
    if (options.prisma !== undefined && !(model in options.prisma)) throw new PrismaModelsMissing(model)
  }
  assertSchemaInUse(options.adapter)
  assertSchemas(options.additionalAuthenticationDataValidations)
  const { history, retention, documentCallbacks } = options
  if (history && missing.length === 0 && (documentCallbacks?.history === undefined || documentCallbacks.snapshot === undefined)) {
    throw new OptionInvalid('history', 'needs the Prisma store. For a store of your own, pass documentCallbacks: { history, snapshot }')
  }
  if (retention !== undefined) assertKnown(retention, retentionNames, 'retention.')
  const canPrune = documentCallbacks?.prune !== undefined || missing.length > 0
  return { ...options, limits: resolveLimits(options.limits), retention: retention && resolveRetention(retention, canPrune) }
}

/**
 * Throws for a name that resembles an option: it is probably misspelt, and the option would have no effect. Other unknown names are
 * allowed, because the object may also hold options of other plugins, for instance with autoload.
 */
function assertKnown (options: object, names: string[], path = ''): void {
  for (const name of unknownNames(options, names)) {
    const meant = names.find((known) => known.length >= 5 && name.toLowerCase().includes(known.toLowerCase())) ?? closest(name, names)
    if (resembles(name, meant)) throw new OptionUnknown(path + name, path + meant)
  }
}

function resembles (name: string, meant: string): boolean {
  return name.toLowerCase().includes(meant.toLowerCase()) || distance(name.toLowerCase(), meant.toLowerCase()) <= Math.max(2, meant.length / 4)
}

function unknownNames (options: object, names: string[]): string[] {
  return Object.keys(options).filter((name) => !names.includes(name))
}

function resolveLimits (given: SecsyncOptions['limits'] = {}): Limits {
  const names = Object.keys(Limits.properties)
  assertKnown(given, names, 'limits.')
  const [unknown] = unknownNames(given, names)
  if (unknown !== undefined) throw new OptionInvalid(`limits.${unknown}`, `is unknown. The limits are ${names.join(', ')}`)
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

/** Throws for schemas of other libraries, such as `typebox` 1.x. They look similar but do not compile. */
function assertSchemas (validations: AdditionalAuthenticationDataValidations = {}): void {
  const option = 'additionalAuthenticationDataValidations'
  const names = ['snapshot', 'update', 'ephemeralMessage']
  assertKnown(validations, names, `${option}.`)
  for (const [name, schema] of Object.entries(validations)) {
    if (!names.includes(name)) throw new OptionInvalid(`${option}.${name}`, `is unknown. The names are ${names.join(', ')}`)
    if (schema !== undefined && !TypeGuard.IsObject(schema)) {
      throw new OptionInvalid(`${option}.${name}`,
        'must be an object schema of the npm package @sinclair/typebox 0.34, for instance Type.Object({ keyId: Type.String() }); schemas of typebox 1.x are not supported')
    }
  }
}

/** Throws for a database that is not supported, and for options that need PostgreSQL. */
function assertDialect ({ adapter, bus, redis, retention }: SecsyncOptions): void {
  if (adapter === undefined || adapter.provider === 'postgres') return
  if (adapter.provider !== 'sqlite') throw new OptionInvalid('adapter', `must be a Prisma driver adapter for PostgreSQL or SQLite, not for ${adapter.provider}`)
  const [unsupported] = Object.entries({ redis, bus, retention }).filter(([, value]) => value !== undefined)
  if (unsupported !== undefined) throw new OptionInvalid(unsupported[0], 'is not supported on SQLite. Use PostgreSQL: new PrismaPg({ connectionString })')
}

/** Throws for `?schema=…` in the connection string. Prisma's own engines use it, but driver adapters ignore it. */
function assertSchemaInUse (adapter: SqlDriverAdapterFactory | undefined): void {
  const { config, options } = (adapter ?? {}) as { config?: { connectionString?: unknown }, options?: { schema?: string } }
  const [, schema] = /[?&]schema=([^&]+)/.exec(String(config?.connectionString)) ?? []
  if (schema !== undefined && schema !== 'public' && options?.schema === undefined) {
    throw new OptionInvalid('adapter', `ignores ?schema=${schema} in its connection string. Write new PrismaPg({ connectionString }, { schema: '${schema}' })`)
  }
}
