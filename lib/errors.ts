import createError from '@fastify/error'

// Registration. Each message says what to write instead.
export const AlreadyRegistered = createError('FST_SECSYNC_ALREADY_REGISTERED',
  'fastify-secsync is already registered on this Fastify instance. Register it a second time inside a scope of its own: app.register(async (scope) => { await scope.register(secsync, …) })')
export const HasAccessMissing = createError('FST_SECSYNC_HAS_ACCESS_MISSING',
  'The option hasAccess is missing. Pass a function, for instance hasAccess: ({ action, documentId, request }) => canDo(request.user, action, documentId). To allow everything, pass hasAccess: () => true.')
export const StoreMissing = createError('FST_SECSYNC_STORE_MISSING',
  'No document store configured. Pass adapter: new PrismaPg({ connectionString }) from @prisma/adapter-pg, or prisma: your own PrismaClient, or all three of getDocument, createSnapshot and createUpdate. Missing: %s.')
export const OptionInvalid = createError('FST_SECSYNC_OPTION_INVALID', 'The option %s is invalid: %s.')
export const OptionUnknown = createError<[string, string]>('FST_SECSYNC_OPTION_UNKNOWN', 'Unknown option %s. Did you mean %s?')
export const PrismaModelsMissing = createError('FST_SECSYNC_PRISMA_MODELS_MISSING',
  'The PrismaClient of the option prisma has no model %s. Copy the models from fastify-secsync/prisma/schema.prisma into your schema and run prisma generate, or pass adapter instead.')
export const PrismaClientMissing = createError<[string]>('FST_SECSYNC_PRISMA_CLIENT_MISSING',
  'fastify-secsync/prisma-client needs the npm package @prisma/client 7.10 or later. Run npm install @prisma/client@7. Could not load it: %s')
export const HookInvalid = createError('FST_SECSYNC_HOOK_INVALID', '%s. Use addHook(name, fn) with one of the names %s.')

export const DatabaseNotMigrated = createError<[string]>('FST_SECSYNC_DATABASE_NOT_MIGRATED',
  "The database has no tables %s. Run await migrate({ adapter }) from 'fastify-secsync/migrate' before you register the plugin, or prisma migrate deploy with the models and migrations of fastify-secsync/prisma")
export const DatabaseEncodingInvalid = createError<[string]>('FST_SECSYNC_DATABASE_ENCODING_INVALID',
  "The database has the encoding %s, which cannot store every character. Use a database created with CREATE DATABASE … ENCODING 'UTF8'")

// The command line.
export const AdapterMissing = createError<[string]>('FST_SECSYNC_ADAPTER_MISSING',
  'The command line needs the npm package @prisma/adapter-pg. Run npm install @prisma/adapter-pg@7. Could not load it: %s')
export const CommandInvalid = createError<[string]>('FST_SECSYNC_COMMAND_INVALID', '%s')

export const RepairFailed = createError<[string]>('FST_SECSYNC_REPAIR_FAILED', 'A repair was taken back, because something would still be wrong: %s')

// The embedded PostgreSQL.
export const EmbeddedPostgresFailed = createError<[string]>('FST_SECSYNC_EMBEDDED_POSTGRES_FAILED', 'Could not start the embedded PostgreSQL: %s')
export const EmbeddedPostgresInUse = createError<[string]>('FST_SECSYNC_EMBEDDED_POSTGRES_IN_USE',
  'Another process uses the PostgreSQL in %s. Stop that process or use another directory')

// Messages between nodes.
export const PostgresDriverMissing = createError('FST_SECSYNC_POSTGRES_DRIVER_MISSING', 'postgresBus() needs the package pg. Run npm install pg')
export const BusDeaf = createError('FST_SECSYNC_BUS_DEAF',
  'LISTEN has no effect on this address: it leads to a pooler in transaction mode. Pass the address of PostgreSQL itself to postgresBus()', 503)
export const BusUnavailable = createError('FST_SECSYNC_BUS_UNAVAILABLE', 'Could not publish to other nodes: %s', 503)

export const DisconnectInvalid = createError('FST_SECSYNC_DISCONNECT_INVALID',
  'disconnect() needs { documentId }, { websocketSessionKey } or { sessionKeyHash }, or a document and one of the other two, as strings')

// A failed handshake.
export const HandshakeInvalid = createError('FST_SECSYNC_HANDSHAKE_INVALID', 'Invalid handshake URL: %s', 400)
export const AccessCheckFailed = createError('FST_SECSYNC_ACCESS_CHECK_FAILED', 'Could not check access: %s', 503)
export const DocumentNotFound = createError('FST_SECSYNC_DOCUMENT_NOT_FOUND', 'Document not found', 404)
export const DocumentRolledBack = createError('FST_SECSYNC_DOCUMENT_ROLLED_BACK', 'The client knows more updates than the database has stored. The database was restored to an earlier state', 409)
export const TooManyConnections = createError('FST_SECSYNC_TOO_MANY_CONNECTIONS', 'The document has reached limits.maxConnectionsPerDocument', 429)

// A refused message. The sender gets the protocol's answer. The log and the onError hooks get the error.
export const MessageTooBig = createError('FST_SECSYNC_MESSAGE_TOO_BIG', 'The message has %s bytes. limits.maxMessageSize is %s', 413)
export const MessageInvalid = createError('FST_SECSYNC_MESSAGE_INVALID', 'Invalid message: %s', 400)
const DocumentIdMismatchError = createError('FST_SECSYNC_DOCUMENT_ID_MISMATCH',
  'The message belongs to document %j, which is not the document of its connection. Percent-encode document ids in URLs. Do not use the ids "." and "..", and do not use "#" in an id', 400)
export class DocumentIdMismatch extends DocumentIdMismatchError {
  readonly #documentId: string

  constructor (documentId: string) {
    super(documentId.slice(0, 64))
    this.#documentId = documentId
  }

  /** The document id of the message. Not an own property: loggers write own properties, and the id may be long. */
  get documentId (): string {
    return this.#documentId
  }
}
export const SignatureInvalid = createError('FST_SECSYNC_SIGNATURE_INVALID', 'Invalid signature', 400)
export const Unauthorized = createError('FST_SECSYNC_UNAUTHORIZED', 'Access denied: %s', 403)
export const SnapshotProofInvalid = createError('FST_SECSYNC_SNAPSHOT_PROOF_INVALID', 'The parentSnapshotProof does not match the parent snapshot', 400)
export const SnapshotIdTaken = createError('FST_SECSYNC_SNAPSHOT_ID_TAKEN', 'The document already has another snapshot with this id', 409)
export const TooManyAuthors = createError('FST_SECSYNC_TOO_MANY_AUTHORS', 'The connection has sent messages of too many authors', 429)
export const DocumentDeleted = createError('FST_SECSYNC_DOCUMENT_DELETED', 'The document was deleted', 410)
export const DocumentFull = createError('FST_SECSYNC_DOCUMENT_FULL', 'The document has no room left: limits.maxDocumentBytes is reached, or hasQuota returned false', 507)
export const UpdateConflict = createError('FST_SECSYNC_UPDATE_CONFLICT', 'The update does not reference the active snapshot, or its clock is not the next clock of its author', 409)
export const SnapshotConflict = createError('FST_SECSYNC_SNAPSHOT_CONFLICT', 'The snapshot does not have %s', 409)

// The HTTP routes of the history.
export const SessionKeyMissing = createError('FST_SECSYNC_SESSION_KEY_MISSING', 'The URL has no session key: add ?sessionKey=…', 401)
export const SnapshotNotFound = createError('FST_SECSYNC_SNAPSHOT_NOT_FOUND', 'The document has no such snapshot, or its data was removed', 404)
export const TooManyDownloads = createError('FST_SECSYNC_TOO_MANY_DOWNLOADS', 'Too many snapshots are being sent. Try again later', 503)
export const HistoryUnavailable = createError('FST_SECSYNC_HISTORY_UNAVAILABLE', 'The history could not be read. Try again later', 503)
export const HistoryPathTooLong = createError('FST_SECSYNC_HISTORY_PATH_TOO_LONG',
  "The document id is longer than Fastify's maxParamLength. Pass Fastify({ routerOptions: { maxParamLength: 1024 } })", 414)

export const ConnectionClosed = createError('FST_SECSYNC_CONNECTION_CLOSED', 'The connection was closed before the message was handled', 400)

// `fastify.secsync.documents`.
export const DocumentsQueryInvalid = createError<[string, string]>('FST_SECSYNC_DOCUMENTS_QUERY_INVALID', 'documents.%s(): %s', 400)
export const DocumentsUnsupported = createError<[string]>('FST_SECSYNC_DOCUMENTS_UNSUPPORTED',
  'documents.%s() is not supported by this store. Pass this function in documentCallbacks, or store documents in PostgreSQL', 501)

// The database and the user's callbacks.
export const StatementNamesUnusable = createError<[string]>('FST_SECSYNC_STATEMENT_NAMES_UNUSABLE',
  "%s. A pooler in transaction mode does not support prepared statements. Remove statementNameGenerator from the adapter's options", 503)
export const DatabaseFailed = createError('FST_SECSYNC_DATABASE_FAILED', 'The database failed: %s', 503)
export const CountsUnavailable = createError('FST_SECSYNC_COUNTS_UNAVAILABLE',
  'The document was written so often that it could not be counted. Try again', 503)
const CallbackTimeoutError = createError('FST_SECSYNC_CALLBACK_TIMEOUT', '%s timed out after %s ms')
export class CallbackTimeout extends CallbackTimeoutError {
  /** Resolves when the call settles after its time limit. */
  readonly settled: Promise<void>

  constructor (name: string, ms: number, settled: Promise<void>) {
    super(name, ms)
    this.settled = settled
  }
}
export const RowsUnordered = createError('FST_SECSYNC_ROWS_UNORDERED',
  'The database has rows of document %j, but not the document, or returns rows in another order than documents. Rebuild its indexes with REINDEX DATABASE', 500)
export const StoreUnavailable = createError('FST_SECSYNC_STORE_UNAVAILABLE', 'Could not load the document from the store', 503)
export const StoreBusy = createError('FST_SECSYNC_STORE_BUSY', 'Too many pending calls of %s for this document', 503)
export const CallbackResultInvalid = createError('FST_SECSYNC_CALLBACK_RESULT_INVALID', '%s %s')

/** Thrown by `createSnapshot` if the parent is not the active snapshot. This includes a second initial snapshot. */
export class SecsyncSnapshotBasedOnOutdatedSnapshotError extends Error {
  override name = 'SecsyncSnapshotBasedOnOutdatedSnapshotError'
}

/** Thrown by `createSnapshot` if the snapshot does not include all updates of its parent. */
export class SecsyncSnapshotMissesUpdatesError extends Error {
  override name = 'SecsyncSnapshotMissesUpdatesError'
}

/** Thrown by `createUpdate` or a hook if the client must send a snapshot before its next update, for instance after a key rotation. */
export class SecsyncNewSnapshotRequiredError extends Error {
  override name = 'SecsyncNewSnapshotRequiredError'
}

const conflicts = [SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, SecsyncNewSnapshotRequiredError]

/** Whether another client saved a change first. The sender gets a failure and retries. */
export function isConflict (error: unknown): boolean {
  return error instanceof UpdateConflict || error instanceof SnapshotConflict || error instanceof DocumentDeleted ||
    conflicts.some((conflict) => isError(error, conflict))
}

/** Whether no correct client sends such a message. */
export function isGarbage (error: unknown): boolean {
  return error instanceof MessageInvalid || error instanceof DocumentIdMismatch || error instanceof SignatureInvalid
}

/** The code of an error of this package, or the name of a conflict. All else is `other`: a metric needs a limited number of labels. */
export function reasonOf (error: unknown): string {
  if (!(error instanceof Error)) return 'other'
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && code.startsWith('FST_SECSYNC_')) return code
  return conflicts.find((conflict) => isError(error, conflict))?.name ?? 'other'
}

/** Compares names, not classes: stores written for `secsync-server` throw the classes of the npm package `secsync`. */
export function isError (error: unknown, type: { new (message?: string): Error, name: string }): boolean {
  return error instanceof Error && error.name === type.name
}
