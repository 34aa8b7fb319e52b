import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { closest, distance } from 'fastest-levenshtein'
import type { RegisterOptions, RouteShorthandOptions } from 'fastify'
import { Type, TypeGuard, Value, type TSchema } from './protocol/typebox.ts'
import type { Bus, CreateBus } from './nodes/bus.ts'
import { BusObject } from './nodes/create-bus.ts'
import type { RedisClient } from './nodes/redis-client.ts'
import type { DocumentsCallbacks } from './documents/documents.ts'
import { resolveRetention, retentionNames, type RetentionOptions, type RetentionSettings } from './documents/retention.ts'
import type { CreateSnapshot, CreateUpdate, GetDocument, HasAccess, HasBroadcastAccess, HasQuota } from './callbacks.ts'
import { limitNames, resolveLimits, type Limits } from './limits.ts'
import { HasAccessMissing, OptionInvalid, OptionUnknown, PrismaModelsMissing, StoreMissing } from './errors.ts'
import type { AdditionalAuthenticationDataValidations, NoValidations } from './protocol/messages.ts'
import type { PrismaClientLike } from './stores/prisma.ts'
import type { OpenTelemetryMeter, OpenTelemetryTracer } from './telemetry/opentelemetry.ts'
import type { PrometheusRegistry } from './telemetry/metrics.ts'

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
  limits: [Type.Optional(Type.Object({})), `must be an object. Its properties are integers: ${limitNames.join(', ')}`]
}

/** Includes the options of Fastify's `register`. */
const knownOptions = [...Object.keys(checks), 'logLevel', 'logSerializers' satisfies keyof RegisterOptions]

// docs/options.md is generated from these comments: `npm run docs`.

/** The option `history`. The hooks run behind those of the WebSocket route. */
export interface HistoryOptions {
  /** Fastify hooks of these routes. @type function or array of functions */
  onRequest?: RouteShorthandOptions['onRequest'] | undefined
  /** The same. @type function or array of functions */
  preValidation?: RouteShorthandOptions['preValidation'] | undefined
  /** The same. @type function or array of functions */
  preHandler?: RouteShorthandOptions['preHandler'] | undefined
  /** The route config of Fastify, for instance for `@fastify/rate-limit`. @type object */
  config?: RouteShorthandOptions['config'] | undefined
}

/** `A` are the schemas of `additionalAuthenticationDataValidations`: see `secsyncOptions()`. */
export interface SecsyncOptions<A extends AdditionalAuthenticationDataValidations = NoValidations> extends RegisterOptions {
  /** Decides whether a connection may read and whether an author may write or send. @type function @see docs/callbacks.md */
  hasAccess: HasAccess
  /**
   * Decides which connections may receive a relayed message. The default asks `hasAccess` for `read` access, once per session key, and caches answers
   * for 1 second. Your own function is called for every relay. @type function @default asks `hasAccess` @see docs/callbacks.md
   */
  hasBroadcastAccess?: HasBroadcastAccess | undefined
  /**
   * Decides whether there is room for a snapshot or an update, for instance by the usage of its owner. @type function @default there is
   * @see docs/documents.md#full-documents
   */
  hasQuota?: HasQuota | undefined
  /** Path of the route. Clients connect to `{prefix}/{documentId}`. @type string, begins with `/` @default the root */
  prefix?: string
  /**
   * A Prisma driver adapter for PostgreSQL, or for SQLite if one process serves the documents. The plugin closes its connections with the Fastify
   * instance. @type driver adapter @default **required** without `prisma` and own store callbacks @see docs/database.md
   */
  adapter?: SqlDriverAdapterFactory | undefined
  /**
   * Your own PrismaClient with the models of this package, instead of `adapter`. The plugin does not close it. @type PrismaClient
   * @see docs/integrations/prisma.md
   */
  prisma?: PrismaClientLike | undefined
  /** Loads the part of a document that a client does not have. @type function @default the Prisma store's @see docs/stores.md */
  getDocument?: GetDocument<A> | undefined
  /** Stores a snapshot, or throws. @type function @default the Prisma store's @see docs/stores.md */
  createSnapshot?: CreateSnapshot<A> | undefined
  /**
   * Stores an update, or throws. With all three of these callbacks, the plugin needs no database. @type function @default the Prisma store's
   * @see docs/stores.md
   */
  createUpdate?: CreateUpdate<A> | undefined
  /**
   * The functions of `fastify.secsync.documents` for a store of your own. @type object of functions @default those of the Prisma store
   * @see docs/documents.md
   */
  documentCallbacks?: DocumentsCallbacks | undefined
  /**
   * A `Redis`, also with `sentinels`, or a `Cluster` of ioredis, for several nodes on one store. The plugin does not close it. @type ioredis client
   * @see docs/nodes.md#redis
   */
  redis?: RedisClient | undefined
  /**
   * Another message broker for several nodes on one store: `postgresBus(…)` or your own. The plugin closes it with the Fastify instance. @type `Bus`,
   * or a function that returns one @see docs/nodes.md
   */
  bus?: Bus | CreateBus | undefined
  /**
   * Fastify hooks of the route. They run before the WebSocket upgrade and answer in HTTP. The published client treats an HTTP error as a network
   * failure and reconnects. To stop it, return `false` from `hasAccess`. @type function or array of functions
   */
  onRequest?: RouteShorthandOptions['onRequest'] | undefined
  /** The same. @type function or array of functions */
  preValidation?: RouteShorthandOptions['preValidation'] | undefined
  /** The same. The usual place for authentication. @type function or array of functions */
  preHandler?: RouteShorthandOptions['preHandler'] | undefined
  /**
   * TypeBox object schemas for additional public data, by message: `snapshot`, `update`, `ephemeralMessage`. For instance
   * `{ snapshot: Type.Object({ keyId: Type.String() }) }`. The server refuses public data without a schema. The published client can add public data to
   * snapshots only. @type object of schemas @see docs/types.md#additional-public-data
   */
  additionalAuthenticationDataValidations?: A | undefined
  /**
   * Adds the routes `GET {prefix}/{documentId}/snapshots` and `/{snapshotId}` for clients that `hasAccess` allows to read. The hooks of the WebSocket
   * route run for them, too. An object adds further hooks. @type boolean or [object](#history) @default `false` @see docs/documents.md#history-over-http
   */
  history?: boolean | HistoryOptions | undefined
  /**
   * What is kept of replaced snapshots and their updates. The rest is removed in the background, except for the proofs. @type [object](#retention)
   * @default everything is kept @see docs/documents.md#retention
   */
  retention?: RetentionOptions | undefined
  /** A Registry of prom-client 15, or a meter of OpenTelemetry. Several registrations may share it. @type Registry or meter @see docs/metrics.md */
  metrics?: PrometheusRegistry | OpenTelemetryMeter | undefined
  /** A tracer of OpenTelemetry: spans for handshakes, messages, commits and relays. @type tracer @see docs/metrics.md#traces */
  tracer?: OpenTelemetryTracer | undefined
  /** Sizes, numbers and times. @type [object](#limits) */
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
  const { history, retention, documentCallbacks, limits = {} } = options
  if (history && missing.length === 0 && (documentCallbacks?.history === undefined || documentCallbacks.snapshot === undefined)) {
    throw new OptionInvalid('history', 'needs the Prisma store. For a store of your own, pass documentCallbacks: { history, snapshot }')
  }
  if (retention !== undefined) assertKnown(retention, retentionNames, 'retention.')
  assertLimits(limits)
  const canPrune = documentCallbacks?.prune !== undefined || missing.length > 0
  return { ...options, limits: resolveLimits(limits), retention: retention && resolveRetention(retention, canPrune) }
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

/** Throws for names that no limit has. */
function assertLimits (given: object): void {
  assertKnown(given, limitNames, 'limits.')
  const [unknown] = unknownNames(given, limitNames)
  if (unknown !== undefined) throw new OptionInvalid(`limits.${unknown}`, `is unknown. The limits are ${limitNames.join(', ')}`)
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

/** A PrismaClient of another database. */
const ForeignClient = Type.Object({ _activeProvider: Type.Union(['sqlite', 'mysql', 'sqlserver', 'mongodb'].map((name) => Type.Literal(name))) })

/** Throws for a database that is not supported, and for options that need PostgreSQL. */
function assertDialect ({ adapter, prisma, bus, redis, retention }: SecsyncOptions): void {
  if (Value.Check(ForeignClient, prisma)) {
    const advice = prisma._activeProvider === 'sqlite' ? '. Pass adapter instead: new PrismaLibSql({ url })' : ''
    throw new OptionInvalid('prisma', `must be a PrismaClient for PostgreSQL, not for ${prisma._activeProvider}${advice}`)
  }
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
