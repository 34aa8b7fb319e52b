import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import type { FastifyPluginOptions, RouteShorthandOptions } from 'fastify'
import type { Bus } from './nodes/bus.ts'
import type { RedisClient } from './nodes/redis.ts'
import type { CreateSnapshot, CreateUpdate, GetDocument, HasAccess, HasBroadcastAccess } from './callbacks.ts'
import { HasAccessMissing, OptionInvalid, PrismaModelsMissing, StoreMissing } from './errors.ts'
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
  /** Milliseconds for one call of a callback or of the database. */
  callbackTimeout: Type.Integer({ minimum: 1, maximum: maxDelay, default: 10_000 }),
  /** Milliseconds for messages in flight when the server shuts down. */
  drainTimeout: Type.Integer({ minimum: 1, maximum: maxDelay, default: 5_000 })
}, { additionalProperties: false })
export type Limits = Static<typeof Limits>

const fn = Type.Optional(Type.Function([], Type.Unknown()))
const fns = Type.Optional(Type.Union([Type.Function([], Type.Unknown()), Type.Array(Type.Function([], Type.Unknown()))]))
const schema = Type.Optional(Type.Object({ type: Type.Literal('object'), properties: Type.Object({}) }))

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
    Type.Optional(Type.Object({ snapshot: schema, update: schema, ephemeralMessage: schema }, { additionalProperties: false })),
    'must have TypeBox object schemas for snapshot, update or ephemeralMessage, for instance { update: Type.Object({ keyId: Type.String() }) }'],
  limits: [Type.Optional(Type.Partial(Limits)), `must be an object with some of the whole numbers ${Object.keys(Limits.properties).join(', ')}`]
}

export interface SecsyncOptions extends FastifyPluginOptions {
  /** Where the route is: clients connect to `{prefix}/{documentId}`. Default: at the root. */
  prefix?: string
  /** May this connection read, or may this author write or send? Required: there is no access that nobody decided on. */
  hasAccess: HasAccess
  /** Who may receive what is relayed now? Default: who has `read` access, asked once per session key and second. */
  hasBroadcastAccess?: HasBroadcastAccess
  /** The part of a document that its reader is missing. Default: the Prisma store's. */
  getDocument?: GetDocument
  /** Stores a snapshot, or throws. Default: the Prisma store's. */
  createSnapshot?: CreateSnapshot
  /** Stores an update, or throws. Default: the Prisma store's. */
  createUpdate?: CreateUpdate
  /** A Prisma driver adapter for PostgreSQL. The client that is made with it is closed with the instance. */
  adapter?: SqlDriverAdapterFactory
  /** Your own PrismaClient, whose schema has the three models of this package. It is left open. */
  prisma?: PrismaClientLike
  /** A client of ioredis, for more than one node on one store. It is left open. */
  redis?: RedisClient
  /** Another broker than Redis between the nodes. It is closed with the instance. */
  bus?: Bus
  /** Authentication before the upgrade, answered in HTTP. */
  onRequest?: RouteShorthandOptions['onRequest']
  preValidation?: RouteShorthandOptions['preValidation']
  preHandler?: RouteShorthandOptions['preHandler']
  /** Schemas for public data of the application's; without one, additional public data is refused. */
  additionalAuthenticationDataValidations?: AdditionalAuthenticationDataValidations
  limits?: Partial<Limits>
}

export interface ResolvedOptions extends SecsyncOptions {
  limits: Limits
}

/** Throws an `FST_SECSYNC_*` error that says what to write instead. */
export function resolveOptions (options: SecsyncOptions): ResolvedOptions {
  for (const [name, [schema, advice]] of Object.entries(checks)) {
    if (options[name] === undefined) continue
    if (!Value.Check(schema, options[name])) throw new OptionInvalid(name, advice)
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
  return { ...options, limits: Value.Default(Limits, { ...options.limits }) as Limits }
}
