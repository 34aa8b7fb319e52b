import { Type, TypeGuard, type Static, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { closest, distance } from 'fastest-levenshtein'
import type { RegisterOptions, RouteShorthandOptions } from 'fastify'
import type { Bus } from './nodes/bus.ts'
import type { RedisClient } from './nodes/redis.ts'
import type { CreateSnapshot, CreateUpdate, GetDocument, HasAccess, HasBroadcastAccess } from './callbacks.ts'
import { HasAccessMissing, OptionInvalid, OptionUnknown, PrismaModelsMissing, StoreMissing } from './errors.ts'
import type { AdditionalAuthenticationDataValidations } from './protocol/messages.ts'
import type { PrismaClientLike } from './stores/prisma.ts'

/** Of a timer: for a longer one Node.js takes 1 ms. */
const maxDelay = 2 ** 31 - 1

const Limits = Type.Object({
  /** Bytes of one message. A bigger one closes its connection with 1009. */
  maxMessageSize: Type.Integer({ minimum: 1024, default: 16 * 1024 * 1024 }),
  /** Messages of one connection that are not answered yet, before it is no longer read. */
  maxQueuedMessages: Type.Integer({ minimum: 1, default: 256 }),
  /** Messages that are read from one connection in a second. 0: as many as come. */
  maxMessagesPerSecond: Type.Integer({ minimum: 0, default: 0 }),
  /** Bytes that wait to be read by one connection, beside its document, before it is closed with 1013. One message more may wait. */
  maxBufferedBytes: Type.Integer({ minimum: 1024, default: 8 * 1024 * 1024 }),
  /** Bytes of documents that were loaded from the Prisma store and are kept, so that of those only what is new is read. 0: none. */
  maxCachedBytes: Type.Integer({ minimum: 0, default: 32 * 1024 * 1024 }),
  /** Groups of updates that are at the Prisma store at once: fewer than its pool has connections (10), so that loads find one. */
  maxConcurrentWrites: Type.Integer({ minimum: 1, default: 8 }),
  /** Connections of one document on this node. One more is closed with 1013. */
  maxConnectionsPerDocument: Type.Integer({ minimum: 1, default: 10_000 }),
  /**
   * Authors with updates on one snapshot. The update of one more is answered with `requiresNewSnapshot`: a client that comes back has the clock of each
   * in its URL, and Node.js takes headers of 16 KB.
   */
  maxAuthorsPerSnapshot: Type.Integer({ minimum: 1, default: 100 }),
  /** Messages in a row that are no messages of the protocol, before the connection is closed with 1008. */
  maxInvalidMessages: Type.Integer({ minimum: 1, default: 100 }),
  /** Milliseconds between two pings. A connection that has not answered one by the next is ended. */
  heartbeatInterval: Type.Integer({ minimum: 100, maximum: maxDelay, default: 30_000 }),
  /** With `redis` or `bus`: milliseconds after which a node makes sure that it has missed nothing of an open document. */
  checkInterval: Type.Integer({ minimum: 100, maximum: maxDelay, default: 10_000 }),
  /** Milliseconds for one call of a callback or of the database. Default: at least 10,000, and 1 for each 4 KiB of `maxMessageSize`. */
  callbackTimeout: Type.Integer({ minimum: 1, maximum: maxDelay, default: 10_000 }),
  /** Milliseconds for messages in flight when the server shuts down. */
  drainTimeout: Type.Integer({ minimum: 1, maximum: maxDelay, default: 5_000 })
}, { additionalProperties: false })
export type Limits = Static<typeof Limits>

const fn = Type.Optional(Type.Function([], Type.Unknown()))
const fns = Type.Optional(Type.Union([Type.Function([], Type.Unknown()), Type.Array(Type.Function([], Type.Unknown()))]))

/** What each option must be, in the order in which they are checked; the text says what to write instead. */
const checks: Record<string, [TSchema, string]> = {
  prefix: [Type.Optional(Type.String({ pattern: '^$|^/' })), "must be a path that begins with a slash, for instance '/documents'"],
  hasAccess: [fn, 'must be a function that returns true or false'],
  hasBroadcastAccess: [fn, 'must be a function that returns an array with true or false for each of websocketSessionKeys'],
  getDocument: [fn, 'must be a function that returns { snapshot, snapshotProofChain, updates }'],
  createSnapshot: [fn, 'must be a function that stores a snapshot and returns it'],
  createUpdate: [fn, 'must be a function that stores an update and returns it'],
  adapter: [Type.Optional(Type.Object({ connect: Type.Function([], Type.Unknown()) })),
    'must be a Prisma driver adapter, for instance new PrismaPg({ connectionString }) from @prisma/adapter-pg'],
  prisma: [Type.Optional(Type.Object({ $queryRaw: Type.Function([], Type.Unknown()) })),
    'must be a PrismaClient'],
  // Not a Cluster, whose own connection for subscriptions tells nobody when it is lost, and not a client of the package `redis`.
  redis: [Type.Optional(Type.Object({
    publish: Type.Function([], Type.Unknown()),
    duplicate: Type.Function([], Type.Unknown()),
    status: Type.String(),
    isCluster: Type.Optional(Type.Literal(false))
  })), 'must be a client of ioredis for one server, for instance new Redis(process.env.REDIS_URL)'],
  bus: [Type.Optional(Type.Object({
    publish: Type.Function([], Type.Unknown()), subscribe: Type.Function([], Type.Unknown()), close: Type.Function([], Type.Unknown())
  })), 'must be an object with publish(channel, message), subscribe(channel, subscriber) and close()'],
  onRequest: [fns, 'must be a Fastify hook or an array of them'],
  preValidation: [fns, 'must be a Fastify hook or an array of them'],
  preHandler: [fns, 'must be a Fastify hook or an array of them'],
  additionalAuthenticationDataValidations: [
    Type.Optional(Type.Object({})),
    'must have TypeBox object schemas for snapshot, update or ephemeralMessage, for instance { snapshot: Type.Object({ keyId: Type.String() }) }'],
  limits: [Type.Optional(Type.Object({})), `must be an object with some of the whole numbers ${Object.keys(Limits.properties).join(', ')}`]
}

/** With those of Fastify's `register`. */
const knownOptions = [...Object.keys(checks), 'logLevel', 'logSerializers' satisfies keyof RegisterOptions]

export interface SecsyncOptions extends RegisterOptions {
  /** Where the route is: clients connect to `{prefix}/{documentId}`. Default: at the root. */
  prefix?: string
  /** May this connection read, or may this author write or send? Required: there is no access that nobody decided on. */
  hasAccess: HasAccess
  /** Who may receive what is relayed now? Default: who has `read` access, asked once per session key and second. */
  hasBroadcastAccess?: HasBroadcastAccess | undefined
  /** The part of a document that its reader is missing. Default: the Prisma store's. */
  getDocument?: GetDocument | undefined
  /** Stores a snapshot, or throws. Default: the Prisma store's. */
  createSnapshot?: CreateSnapshot | undefined
  /** Stores an update, or throws. Default: the Prisma store's. */
  createUpdate?: CreateUpdate | undefined
  /** A Prisma driver adapter for PostgreSQL. The client that is made with it is closed with the instance. */
  adapter?: SqlDriverAdapterFactory | undefined
  /** Your own PrismaClient, whose schema has the three models of this package. It is left open. */
  prisma?: PrismaClientLike | undefined
  /** A client of ioredis, for more than one node on one store. It is left open. */
  redis?: RedisClient | undefined
  /** Another broker than Redis between the nodes. It is closed with the instance. */
  bus?: Bus | undefined
  /** Authentication before the upgrade, answered in HTTP. */
  onRequest?: RouteShorthandOptions['onRequest'] | undefined
  preValidation?: RouteShorthandOptions['preValidation'] | undefined
  preHandler?: RouteShorthandOptions['preHandler'] | undefined
  /** Schemas for public data of the application's; without one, additional public data is refused. */
  additionalAuthenticationDataValidations?: AdditionalAuthenticationDataValidations | undefined
  limits?: { [Name in keyof Limits]?: number | undefined } | undefined
}

export interface ResolvedOptions extends Omit<SecsyncOptions, 'limits'> {
  limits: Limits
}

/** Names that are none of ours, and are left aside. */
export function foreignOptions (options: SecsyncOptions): string[] {
  return unknownNames(options, knownOptions)
}

/** Throws an `FST_SECSYNC_*` error that says what to write instead. */
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
  for (const model of ['secsyncDocument', 'secsyncSnapshot', 'secsyncUpdate']) {
    if (options.prisma !== undefined && !(model in options.prisma)) throw new PrismaModelsMissing(model)
  }
  assertSchemaInUse(options.adapter)
  assertSchemas(options.additionalAuthenticationDataValidations)
  return { ...options, limits: resolveLimits(options.limits) }
}

/**
 * A name that resembles one of ours is a mistake: what it was meant for would not be in force. Others may come from an object that was made
 * for something else, too, as with autoload.
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
  if (unknown !== undefined) throw new OptionInvalid(`limits.${unknown}`, `is none of ${names.join(', ')}`)
  const limits = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  for (const [name, value] of Object.entries(limits)) {
    const { minimum = 0, maximum } = Limits.properties[name as keyof Limits]
    const range = maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`
    if (!Value.Check(Limits.properties[name as keyof Limits], value)) throw new OptionInvalid(`limits.${name}`, `must be a whole number ${range}`)
  }
  const resolved = Value.Default(Limits, { ...limits }) as Limits
  return { ...resolved, callbackTimeout: limits.callbackTimeout ?? Math.max(resolved.callbackTimeout, timeFor(resolved.maxMessageSize)) }
}

/** Milliseconds to store so many bytes, or to load them. */
function timeFor (bytes: number): number {
  return Math.min(Math.ceil(bytes / 4096), maxDelay)
}

/** Schemas of other libraries, such as the package `typebox`, look alike and cannot be read. */
function assertSchemas (validations: AdditionalAuthenticationDataValidations = {}): void {
  const option = 'additionalAuthenticationDataValidations'
  const names = ['snapshot', 'update', 'ephemeralMessage']
  assertKnown(validations, names, `${option}.`)
  for (const [name, schema] of Object.entries(validations)) {
    if (!names.includes(name)) throw new OptionInvalid(`${option}.${name}`, `is none of ${names.join(', ')}`)
    if (schema !== undefined && !TypeGuard.IsObject(schema)) {
      throw new OptionInvalid(`${option}.${name}`,
        'must be an object schema of the npm package @sinclair/typebox 0.34, for instance Type.Object({ keyId: Type.String() }); those of typebox 1.x are not understood')
    }
  }
}

/** `?schema=…` in connection strings is for Prisma's own engines: a driver adapter leaves it aside. */
function assertSchemaInUse (adapter: SqlDriverAdapterFactory | undefined): void {
  const { config, options } = (adapter ?? {}) as { config?: { connectionString?: unknown }, options?: { schema?: string } }
  const [, schema] = /[?&]schema=([^&]+)/.exec(String(config?.connectionString)) ?? []
  if (schema !== undefined && schema !== 'public' && options?.schema === undefined) {
    throw new OptionInvalid('adapter', `ignores ?schema=${schema} in its connection string. Write new PrismaPg({ connectionString }, { schema: '${schema}' })`)
  }
}
