import createError from '@fastify/error'

// Registration: what is wrong, and what to write instead.
export const AlreadyRegistered = createError('FST_SECSYNC_ALREADY_REGISTERED',
  'fastify-secsync is registered on this Fastify instance already. Register it a second time inside a scope of its own: app.register(async (scope) => { await scope.register(secsync, …) })')
export const HasAccessMissing = createError('FST_SECSYNC_HAS_ACCESS_MISSING',
  'The option hasAccess is missing: without it nobody may read or write. Pass a function, for instance hasAccess: ({ action, documentId, request }) => canDo(request.user, action, documentId), or hasAccess: () => true if everybody may do everything.')
export const StoreMissing = createError('FST_SECSYNC_STORE_MISSING',
  'Where shall documents be stored? Pass adapter: new PrismaPg({ connectionString }) (from @prisma/adapter-pg), or prisma: your own PrismaClient, or all three of getDocument, createSnapshot and createUpdate. Missing: %s.')
export const OptionInvalid = createError('FST_SECSYNC_OPTION_INVALID', 'The option %s is invalid: %s.')
export const OptionUnknown = createError<[string, string]>('FST_SECSYNC_OPTION_UNKNOWN', 'There is no option %s. Did you mean %s?')
export const PrismaModelsMissing = createError('FST_SECSYNC_PRISMA_MODELS_MISSING',
  'The PrismaClient in the option prisma has no %s model. Copy the three models from fastify-secsync/prisma/schema.prisma into your schema and run prisma generate, or pass adapter instead.')
export const HookInvalid = createError('FST_SECSYNC_HOOK_INVALID', '%s. Use addHook(name, fn) with one of the names %s.')

export const DatabaseNotMigrated = createError<[string]>('FST_SECSYNC_DATABASE_NOT_MIGRATED',
  "The database has no tables %s. Run await migrate({ adapter }) from 'fastify-secsync/migrate' before you register the plugin, or prisma migrate deploy with the models and migrations of fastify-secsync/prisma")
export const DatabaseEncodingInvalid = createError<[string]>('FST_SECSYNC_DATABASE_ENCODING_INVALID',
  "The database has the encoding %s, which cannot hold every text. Use one that was made with CREATE DATABASE … ENCODING 'UTF8'")

// The embedded PostgreSQL.
export const EmbeddedPostgresFailed = createError<[string]>('FST_SECSYNC_EMBEDDED_POSTGRES_FAILED', 'The embedded PostgreSQL cannot be used: %s')
export const EmbeddedPostgresInUse = createError<[string]>('FST_SECSYNC_EMBEDDED_POSTGRES_IN_USE',
  'Another process uses the PostgreSQL in %s. Stop it, or use another directory')

// Between nodes.
export const BusUnavailable = createError('FST_SECSYNC_BUS_UNAVAILABLE', 'Other nodes cannot be told: %s', 503)

export const DisconnectInvalid = createError('FST_SECSYNC_DISCONNECT_INVALID',
  'disconnect() needs { documentId }, { websocketSessionKey } or both, as texts. Without either, everybody would lose access for good')

// A handshake: why it ended without the document.
export const HandshakeInvalid = createError('FST_SECSYNC_HANDSHAKE_INVALID', 'The URL of the handshake has %s', 400)
export const AccessCheckFailed = createError('FST_SECSYNC_ACCESS_CHECK_FAILED', 'It is not known whether the document may be read: %s', 503)
export const DocumentNotFound = createError('FST_SECSYNC_DOCUMENT_NOT_FOUND', 'There is no such document', 404)
export const DocumentRolledBack = createError('FST_SECSYNC_DOCUMENT_ROLLED_BACK', 'The client knows more of the document than is stored: the database was set back', 409)
export const TooManyConnections = createError('FST_SECSYNC_TOO_MANY_CONNECTIONS', 'The document has as many connections as it may have', 429)

// A message: why it was refused. Its sender gets the protocol's answer, the log gets these.
export const MessageTooBig = createError('FST_SECSYNC_MESSAGE_TOO_BIG', 'The message has %s bytes, the limit is %s', 413)
export const MessageInvalid = createError('FST_SECSYNC_MESSAGE_INVALID', 'The message is not valid: %s', 400)
const DocumentIdMismatchError = createError('FST_SECSYNC_DOCUMENT_ID_MISMATCH',
  'The message is for the document %j, not for the one of its connection. Percent-encode ids in URLs, and do not use "..", "." or "#" in them', 400)
export class DocumentIdMismatch extends DocumentIdMismatchError {
  readonly #documentId: string

  constructor (documentId: string) {
    super(documentId.slice(0, 64))
    this.#documentId = documentId
  }

  /** The one that the message is for; not an own property, since it may be long and loggers write those. */
  get documentId (): string {
    return this.#documentId
  }
}
export const SignatureInvalid = createError('FST_SECSYNC_SIGNATURE_INVALID', 'The signature of the message is not valid', 400)
export const Unauthorized = createError('FST_SECSYNC_UNAUTHORIZED', 'No access: %s', 403)
export const SnapshotProofInvalid = createError('FST_SECSYNC_SNAPSHOT_PROOF_INVALID', 'The parentSnapshotProof of the snapshot is not that of its parent', 400)
export const SnapshotIdTaken = createError('FST_SECSYNC_SNAPSHOT_ID_TAKEN', 'The document has another snapshot with this id', 409)
export const TooManyAuthors = createError('FST_SECSYNC_TOO_MANY_AUTHORS', 'The connection has sent messages of too many authors', 429)
export const UpdateConflict = createError('FST_SECSYNC_UPDATE_CONFLICT', 'The update is not on the active snapshot, or its clock does not follow on the last one of its author', 409)
export const SnapshotConflict = createError('FST_SECSYNC_SNAPSHOT_CONFLICT', 'The snapshot was made without %s', 409)

export const ConnectionClosed = createError('FST_SECSYNC_CONNECTION_CLOSED', 'The connection was closed before the message was handled', 400)

// The database, and a callback of the user's.
export const StatementNamesUnusable = createError<[string]>('FST_SECSYNC_STATEMENT_NAMES_UNUSABLE',
  "%s. A pooler in transaction mode does not keep prepared statements. Leave the adapter's statementNameGenerator out", 503)
export const DatabaseFailed = createError('FST_SECSYNC_DATABASE_FAILED', 'The database failed: %s', 503)
const CallbackTimeoutError = createError('FST_SECSYNC_CALLBACK_TIMEOUT', '%s did not settle within %s ms')
export class CallbackTimeout extends CallbackTimeoutError {
  /** Resolves when the call settles after all. */
  readonly settled: Promise<void>

  constructor (name: string, ms: number, settled: Promise<void>) {
    super(name, ms)
    this.settled = settled
  }
}
export const StoreUnavailable = createError('FST_SECSYNC_STORE_UNAVAILABLE', 'The store could not be asked what it has', 503)
export const StoreBusy = createError('FST_SECSYNC_STORE_BUSY', 'An earlier call of %s for this document has not settled yet', 503)
export const CallbackResultInvalid = createError('FST_SECSYNC_CALLBACK_RESULT_INVALID', '%s gave %s')

/** Thrown by `createSnapshot`: the parent of the snapshot is not the active one (also for a second initial snapshot). */
export class SecsyncSnapshotBasedOnOutdatedSnapshotError extends Error {
  override name = 'SecsyncSnapshotBasedOnOutdatedSnapshotError'
}

/** Thrown by `createSnapshot`: the snapshot was made without all the updates of its parent. */
export class SecsyncSnapshotMissesUpdatesError extends Error {
  override name = 'SecsyncSnapshotMissesUpdatesError'
}

/** Thrown by `createUpdate` or a hook: the client must send a snapshot before any other update (after a change of keys, say). */
export class SecsyncNewSnapshotRequiredError extends Error {
  override name = 'SecsyncNewSnapshotRequiredError'
}

const conflicts = [SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, SecsyncNewSnapshotRequiredError]

/** Somebody else was faster: the sender is told, and comes again. */
export function isConflict (error: unknown): boolean {
  return error instanceof UpdateConflict || error instanceof SnapshotConflict || conflicts.some((conflict) => isError(error, conflict))
}

/** What no client of the protocol ever sends. */
export function isGarbage (error: unknown): boolean {
  return error instanceof MessageInvalid || error instanceof DocumentIdMismatch || error instanceof SignatureInvalid
}

/** By name, not by class: stores that move over from `secsync-server` throw the classes of the npm package `secsync`. */
export function isError (error: unknown, type: { new (message?: string): Error, name: string }): boolean {
  return error instanceof Error && error.name === type.name
}
