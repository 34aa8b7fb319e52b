import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Type, Value } from './protocol/typebox.ts'
import { Access } from './document/access.ts'
import type { CreateSnapshot, CreateUpdate, GetDocument, HasAccess, HasBroadcastAccess } from './callbacks.ts'
import type { Connection } from './connection/connection.ts'
import { documentsOf } from './documents/callback-documents.ts'
import type { Documents } from './documents/documents.ts'
import { PrismaDocuments } from './documents/prisma-documents.ts'
import { SqliteDocuments } from './documents/sqlite-documents.ts'
import { purging, retaining } from './documents/background.ts'
import { Failures } from './connection/failures.ts'
import { drain } from './connection/drain.ts'
import { closeCodes } from './protocol/close-codes.ts'
import { AlreadyRegistered, DatabaseEncodingInvalid, DatabaseNotMigrated, DisconnectInvalid } from './errors.ts'
import { Hooks, type Hook, type HookName } from './hooks.ts'
import { HealthCheck, type Health, type HealthOptions } from './health.ts'
import { Nodes, type Disconnect } from './nodes/nodes.ts'
import { createBus } from './nodes/create-bus.ts'
import { foreignOptions, resolveOptions, type SecsyncOptions } from './options.ts'
import { unauthorized } from './protocol/answers.ts'
import { compileChecks, compilerFor, type AdditionalAuthenticationDataValidations, type NoValidations } from './protocol/messages.ts'
import { hash } from './protocol/proof.ts'
import { Quota } from './document/quota.ts'
import { Rooms } from './document/rooms.ts'
import { DocumentIds } from './connection/document-ids.ts'
import { addRoute } from './connection/route.ts'
import { Slots } from './document/slots.ts'
import { measuredBus } from './nodes/measured.ts'
import { measuredStore } from './stores/measured.ts'
import { resolveStore } from './stores/resolve.ts'
import { withinTimeLimit } from './stores/time-limit.ts'
import { Telemetry } from './telemetry/telemetry.ts'
import { Upgrades } from './connection/upgrades.ts'
import { registerWebsocket } from './connection/websocket.ts'

/**
 * The decorator `fastify.secsync`. With schemas of additional public data, ask for its types:
 * `fastify.getDecorator<Secsync<typeof validations>>('secsync')`.
 */
export interface Secsync<A extends AdditionalAuthenticationDataValidations = NoValidations> {
  getDocument: GetDocument<A>
  createSnapshot: CreateSnapshot<A>
  createUpdate: CreateUpdate<A>
  hasAccess: HasAccess
  hasBroadcastAccess: HasBroadcastAccess
  /** Adds a function to a stage of messages and handshakes. Throws `FST_SECSYNC_HOOK_INVALID` for an unknown name. */
  addHook<Name extends HookName> (name: Name, hook: Hook<Name, A>): void
  /**
   * Sends `unauthorized` to the matching connections on all nodes and closes them with 4401. Connections match a document, a session, or both.
   * `sessionKeyHash` is for applications that store no session keys: `hash(websocketSessionKey)`, with `hash` of this package. Throws
   * `FST_SECSYNC_DISCONNECT_INVALID` without a property, and with both for the session.
   */
  disconnect (which: { documentId?: string | undefined, websocketSessionKey?: string | undefined, sessionKeyHash?: string | undefined }): void
  /** Returns the number of open documents and connections on this node. */
  stats (): { documents: number, connections: number }
  /** The stored documents: list, count, delete, restore. */
  documents: Documents
  /** Tells whether this node can serve documents, for health and readiness checks. Asks the database, and never rejects. */
  health (options?: HealthOptions): Promise<Health>
}

/** Time limit for the database check at the start, in milliseconds. Below Fastify's `pluginTimeout` of 10 seconds. */
const checkTimeout = 5000

declare module 'fastify' {
  interface FastifyInstance {
    secsync: Secsync
  }
}

async function secsync (fastify: FastifyInstance, options: SecsyncOptions): Promise<void> {
  if (Object.hasOwn(fastify, 'secsync')) throw new AlreadyRegistered()
  const resolved = resolveOptions(options)
  const { limits, prefix = '' } = resolved
  const foreign = foreignOptions(options)
  if (foreign.length > 0) fastify.log.info({ options: foreign }, 'secsync: unknown options are ignored')

  await registerWebsocket(fastify, prefix, limits)
  const telemetry = await Telemetry.create(resolved)
  const { store, callbacks, close, check, db } = resolveStore(resolved, limits.maxCachedBytes, (gap) => {
    fastify.log.error(gap, 'secsync: updates behind a gap were put aside, so that the document can be read')
  }, (answer) => {
    fastify.log.warn(answer, 'secsync: an answer of a callback cannot be right. Clients may fail to open the document')
  })
  const access = new Access(resolved.hasAccess, resolved.hasBroadcastAccess, limits.callbackTimeout, fastify.log)
  const additional = resolved.additionalAuthenticationDataValidations
  const checks = compileChecks(additional, await compilerFor(additional))
  const hooks = new Hooks(limits.callbackTimeout)
  const connections = new Set<Connection>()
  const bus = await createBus(resolved, fastify.log)
  const nodes = bus && new Nodes(measuredBus(bus, telemetry), fastify.prefix + prefix, limits.checkInterval, fastify.log)
  const slots = new Slots(limits.maxConcurrentWrites)
  const rooms = new Rooms({
    store: measuredStore(store, telemetry),
    slots,
    callbackTimeout: limits.callbackTimeout,
    maxAuthors: limits.maxAuthorsPerSnapshot,
    maxBytes: limits.maxDocumentBytes,
    compaction: { maxUpdates: limits.maxUpdatesPerSnapshot, maxBytes: limits.maxBytesPerSnapshot, maxMessageSize: limits.maxMessageSize },
    access,
    nodes,
    telemetry,
    log: fastify.log
  })
  const sumOf = (read: (connection: Connection) => number) => [...connections].reduce((sum, connection) => sum + read(connection), 0)
  telemetry.addGauges({
    connections: () => connections.size,
    documents: () => rooms.size,
    documentsBehind: () => rooms.behind,
    messagesQueued: () => sumOf(({ inbox }) => inbox.unanswered),
    unsent: () => sumOf(({ unsent }) => unsent),
    writesWaiting: () => slots.waiting,
    busConnected: () => nodes?.isConnected ? 1 : 0
  })
  const health = new HealthCheck({ check, nodes, rooms })
  const disconnect = ({ documentId, sessionKeyHash }: Disconnect): void => {
    for (const connection of connections) {
      if (documentId !== undefined && documentId !== connection.documentId) continue
      if (sessionKeyHash !== undefined && sessionKeyHash !== hash(connection.websocketSessionKey)) continue
      connection.close(closeCodes.unauthorized, 'unauthorized', unauthorized)
    }
  }
  nodes?.onDisconnect(disconnect)

  const defaults = db && (db.dialect === 'sqlite' ? new SqliteDocuments(db.client) : new PrismaDocuments(db.client))
  const purger = defaults instanceof PrismaDocuments ? purging(defaults, fastify.log) : undefined
  const documents = documentsOf({
    callbacks: resolved.documentCallbacks ?? {},
    defaults,
    getDocument: callbacks.getDocument,
    onDeleted (documentId) {
      rooms.catchUp(documentId)
      nodes?.publishChanged(documentId)
      purger?.run()
    }
  })
  const readSnapshot = async (documentId: string, snapshotId: string): Promise<string | undefined> => {
    if (defaults !== undefined && resolved.documentCallbacks?.snapshot === undefined) return await defaults.snapshotText(documentId, snapshotId)
    const snapshot = await documents.snapshot(documentId, snapshotId)
    return snapshot && JSON.stringify(snapshot)
  }
  const pruner = resolved.retention && retaining(documents, resolved.retention, fastify.log)
  const tasks = [purger, pruner].filter((task) => task !== undefined)

  fastify.decorate('secsync', {
    ...callbacks,
    documents,
    hasAccess: access.hasAccess,
    hasBroadcastAccess: access.hasBroadcastAccess,
    addHook: (name, hook) => hooks.add(name, hook),
    disconnect (given) {
      const which = checkDisconnect(given)
      disconnect(which)
      nodes?.disconnect(which)
    },
    stats: () => ({ documents: rooms.size, connections: connections.size }),
    health: (options) => health.run(options)
  })

  // Fastify ignores `prefix` for plugins that are not encapsulated, so the route is in a plugin of its own.
  const documentIds = new DocumentIds()
  const failures = new Failures(hooks, telemetry)
  const quota = resolved.hasQuota && new Quota(resolved.hasQuota, limits.callbackTimeout)
  const settings = { access, checks, connections, documentIds, failures, history: { documents, readSnapshot }, hooks, limits, quota, rooms, telemetry }
  fastify.register(async (scope) => addRoute(scope, resolved, settings), { prefix })

  fastify.addHook('onReady', async () => {
    try {
      if (check !== undefined) await withinTimeLimit('The database', checkTimeout, check)
    } catch (err) {
      if (err instanceof DatabaseNotMigrated || err instanceof DatabaseEncodingInvalid) throw err
      // The outage may be short, and clients reconnect until it is over. Failing here would end the process.
      fastify.log.warn({ err }, 'secsync: the database is unreachable. Clients reconnect until it is available')
    }
  })

  const heartbeat = setInterval(() => {
    for (const connection of connections) connection.heartbeat()
  }, limits.heartbeatInterval).unref()

  fastify.addHook('preClose', async () => {
    health.isDraining = true
    Upgrades.of(fastify).close()
    await drain(connections, limits.drainTimeout)
    clearInterval(heartbeat)
    await rooms.end(limits.drainTimeout)
    await withinTimeLimit('Stopping the work on the database', limits.drainTimeout, async () => { await Promise.all(tasks.map((task) => task.stop())) })
      .catch((err: unknown) => fastify.log.warn({ err }, 'secsync: the work in the background did not stop'))
  })
  fastify.addHook('onReady', async () => { for (const task of tasks) task.start() })
  // A statement that hangs keeps its connection, and the pool waits for it.
  fastify.addHook('onClose', () => withinTimeLimit('Closing the database', limits.drainTimeout, close).catch((err: unknown) => {
    fastify.log.warn({ err }, 'secsync: the store did not close')
  }))
  fastify.addHook('onClose', async () => {
    telemetry.close()
    await nodes?.close()
  })
}

const text = Type.Optional(Type.Union([Type.String(), Type.Undefined()]))
const Which = Type.Object({ documentId: text, websocketSessionKey: text, sessionKeyHash: text }, { additionalProperties: false })

/** Throws without any property and for unknown names: an empty condition would disconnect every client. */
function checkDisconnect (which: unknown): Disconnect {
  if (!Value.Check(Which, which) || Object.values(which).every((value) => value === undefined)) throw new DisconnectInvalid()
  const { documentId, websocketSessionKey, sessionKeyHash = websocketSessionKey === undefined ? undefined : hash(websocketSessionKey) } = which
  if (websocketSessionKey !== undefined && which.sessionKeyHash !== undefined) throw new DisconnectInvalid()
  return { ...documentId !== undefined && { documentId }, ...sessionKeyHash !== undefined && { sessionKeyHash } }
}

const plugin = fp(secsync, { fastify: '5.x', name: 'fastify-secsync' })
export default plugin
export { plugin as secsync }

export { statementNames } from './stores/statement-names.ts'
export { createPrismaStore, type StoreCallbacks } from './stores/resolve.ts'
export {
  SecsyncNewSnapshotRequiredError, SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError
} from './errors.ts'
export { postgresBus, type PostgresPool } from './nodes/postgres.ts'
export type { Bus, CreateBus, Subscriber } from './nodes/bus.ts'
export type { RedisClient } from './nodes/redis-client.ts'
export { redisBus } from './nodes/redis.ts'
export type * from './callbacks.ts'
export type * from './documents/schemas.ts'
export type { Documents, DocumentsCallbacks } from './documents/documents.ts'
export type { RetentionOptions } from './documents/retention.ts'
export type { Hook, HookContext, HookName } from './hooks.ts'
export type { Health, HealthOptions } from './health.ts'
export { secsyncOptions } from './options.ts'
export type { Limits } from './limits.ts'
export type { HistoryOptions, SecsyncOptions } from './options.ts'
export type { OpenTelemetryMeter, OpenTelemetryTracer } from './telemetry/opentelemetry.ts'
export type { CommitEvent, HandshakeEvent, MessageEvent, RelayEvent } from './telemetry/operations.ts'
export type { PrometheusRegistry } from './telemetry/metrics.ts'
export type { PrismaClientLike } from './stores/prisma.ts'
export type { ServerMessage } from './protocol/answers.ts'
export type { UpdateClocks } from './protocol/clocks.ts'
export type { AdditionalAuthenticationDataValidations, ClientMessage, EphemeralMessage, Snapshot, SnapshotMessage, Update } from './protocol/messages.ts'
export { hash } from './protocol/proof.ts'
export type { SnapshotProofChainEntry } from './protocol/proof.ts'
