import { RowsUnordered } from '../errors.ts'
import type { AdapterClient } from './adapter.ts'
import type { Counts } from './counts.ts'
import type { PrismaClientLike } from './prisma.ts'

/** A row of `secsync_document`. Times are in milliseconds since 1970. */
export interface DocumentRow {
  id: string
  activeSnapshotId: string
  /** JSON: the last clock of each author on the active snapshot. */
  clocks: string
  version: number
  createdAt: number
  /** `undefined` if the row does not say that they are right. */
  counts?: Counts | undefined
}

export interface SnapshotRow {
  documentId: string
  id: string
  version: number
  parentSnapshotProof: string
  ciphertextHash: string
  createdAt: number
  /** `null` if it was pruned. */
  data: string | null
  /** Of `data`, also when it was pruned. `null` in rows of version 0.1. */
  signature: string | null
  author: string | null
  bytes: number | null
  /** Whether updates of it may have been removed. */
  isPruned: boolean
}

/** What a row of a snapshot must say, by its message, which was signed for this row. */
export type SignedColumns = Pick<SnapshotRow, 'parentSnapshotProof' | 'ciphertextHash' | 'signature' | 'author' | 'bytes'>

export interface UpdateRow {
  documentId: string
  snapshotId: string
  author: string
  clock: number
  version: number
  createdAt: number
  data: string
}

/** The parts of stored documents in the order in which they are read: a document, its snapshots by version, its updates by snapshot, author and clock. */
export type Section =
  | { kind: 'document', document: DocumentRow }
  | { kind: 'snapshots', snapshots: SnapshotRow[] }
  | { kind: 'updates', updates: UpdateRow[] }
  | { kind: 'end' }
  // Of an archive: the rest of the document cannot be read.
  | { kind: 'broken', documentId: string | undefined, reason: string }

export interface Selection {
  /** Only these documents. */
  documentIds?: string[] | undefined
  /** Only documents whose id begins with this. */
  prefix?: string | undefined
  /** Only documents after this one, in the order of the database. To go on after an interruption. */
  after?: string | undefined
}

/** Documents that are read in one transaction. Few, so that it does not keep PostgreSQL from removing old rows for long. */
const maxDocuments = 500
/** After so many rows the next document begins another transaction. */
const maxRows = 100_000
/** Bytes of messages in one page. One message may exceed it. */
const maxPageBytes = 4 * 1024 * 1024

/**
 * Reads whole documents, also while others write them: each document is read in one snapshot of the database (REPEATABLE READ). Memory does not
 * grow with the size of a document. Yields nothing for ids that do not exist.
 */
export async function * readDocuments (client: AdapterClient, { documentIds, prefix = '', after: start }: Selection = {}): AsyncGenerator<Section> {
  const wanted = documentIds === undefined ? undefined : [...new Set(documentIds)]
  if (wanted?.length === 0) return
  let after = start
  do {
    const transaction = await client.begin('REPEATABLE READ')
    let isRead = false
    try {
      const last = yield * readBatch(transaction, after, prefix, wanted?.shift())
      if (wanted === undefined) after = last
      isRead = true
    } finally {
      await (isRead ? transaction.commit() : transaction.rollback())
    }
  } while (wanted === undefined ? after !== undefined : wanted.length > 0)
}

/** Reads one document in a transaction of the caller's. */
export async function * readDocument (db: PrismaClientLike, id: string): AsyncGenerator<Section> {
  yield * readBatch(db, undefined, '', id)
}

/** Returns the id of the last document that was read, or `undefined` if there was none. */
async function * readBatch (
  db: PrismaClientLike, after: string | undefined, prefix: string, id: string | undefined
): AsyncGenerator<Section, string | undefined> {
  const documents = await documentPage(db, after, prefix, id)
  const [first, last] = [documents[0]?.id, documents.at(-1)?.id]
  if (first === undefined || last === undefined) return undefined
  const snapshots = new Pages<SnapshotRow>(async (row) => await snapshotPage(db, row ?? { documentId: first, version: minVersion }, last, prefix))
  const start = { documentId: first, snapshotId: '', author: '', clock: -1 }
  const updates = new Pages<UpdateRow>(async (row) => await updatePage(db, row ?? start, last, prefix))
  let rows = 0
  for (const { isDeleted, ...document } of documents) {
    // The rows of a deleted document stay for some time. They are passed over.
    if (!isDeleted) yield { kind: 'document', document: documentRow(document) }
    for await (const page of snapshots.of(document.id)) {
      rows += page.length
      if (!isDeleted) yield { kind: 'snapshots', snapshots: page }
    }
    for await (const page of updates.of(document.id)) {
      rows += page.length
      if (!isDeleted) yield { kind: 'updates', updates: page }
    }
    if (!isDeleted) yield { kind: 'end' }
    if (rows >= maxRows) return document.id
  }
  const left = snapshots.left ?? updates.left
  if (left !== undefined) throw new RowsUnordered(left.documentId)
  return last
}

interface StoredDocument extends Omit<DocumentRow, 'counts'>, Omit<Counts, 'snapshots' | 'updates'> {
  snapshotCount: number
  updateCount: number
  isDeleted: boolean
  isCounted: boolean
}

function documentRow (
  { isCounted, snapshotCount, updateCount, keptBytes, activeUpdates, activeUpdateBytes, activeSnapshotBytes, ...document }: Omit<StoredDocument, 'isDeleted'>
): DocumentRow {
  if (!isCounted) return document
  return { ...document, counts: { snapshots: snapshotCount, updates: updateCount, keptBytes, activeUpdates, activeUpdateBytes, activeSnapshotBytes } }
}

async function documentPage (db: PrismaClientLike, after: string | undefined, prefix: string, id: string | undefined): Promise<StoredDocument[]> {
  return await db.$queryRaw`
    SELECT id, active_snapshot_id AS "activeSnapshotId", clocks::text, version::float8, (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt",
      deleted_at IS NOT NULL AS "isDeleted", counted_version = version AS "isCounted", snapshot_count::float8 AS "snapshotCount",
      update_count::float8 AS "updateCount", kept_bytes::float8 AS "keptBytes", active_updates::float8 AS "activeUpdates",
      active_update_bytes::float8 AS "activeUpdateBytes", active_snapshot_bytes::float8 AS "activeSnapshotBytes"
    FROM secsync_document
    WHERE id > ${after ?? ''} AND starts_with(id, ${prefix}) AND (${id ?? null}::text IS NULL OR id = ${id ?? null})
    ORDER BY id LIMIT ${maxDocuments}::int`
}

/** Snapshots that were put aside have negative versions. */
const minVersion = -Number.MAX_SAFE_INTEGER

async function snapshotPage (
  db: PrismaClientLike, { documentId, version }: Pick<SnapshotRow, 'documentId' | 'version'>, last: string, prefix: string
): Promise<SnapshotRow[]> {
  return await db.$queryRaw`
    SELECT document_id AS "documentId", id, version::float8, parent_snapshot_proof AS "parentSnapshotProof", ciphertext_hash AS "ciphertextHash",
      (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt", data, signature, author, bytes::float8, pruned_at IS NOT NULL AS "isPruned"
    FROM (
      SELECT *, sum(coalesce(octet_length(data), 0)) OVER (ORDER BY document_id, version) - coalesce(octet_length(data), 0) AS bytes_before FROM (
        SELECT * FROM secsync_snapshot
        WHERE (document_id, version) > (${documentId}, ${version}::bigint) AND document_id <= ${last} AND starts_with(document_id, ${prefix})
        ORDER BY document_id, version LIMIT 1000
      ) rows
    ) page WHERE bytes_before < ${maxPageBytes}::int ORDER BY document_id, version`
}

async function updatePage (
  db: PrismaClientLike, after: Pick<UpdateRow, 'documentId' | 'snapshotId' | 'author' | 'clock'>, last: string, prefix: string
): Promise<UpdateRow[]> {
  return await db.$queryRaw`
    SELECT document_id AS "documentId", snapshot_id AS "snapshotId", author, clock::float8, version::float8,
      (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt", data
    FROM (
      SELECT *, sum(octet_length(data)) OVER (ORDER BY document_id, snapshot_id, author, clock) - octet_length(data) AS bytes_before FROM (
        SELECT * FROM secsync_update
        WHERE (document_id, snapshot_id, author, clock) > (${after.documentId}, ${after.snapshotId}, ${after.author}, ${after.clock}::bigint)
          AND document_id <= ${last} AND starts_with(document_id, ${prefix})
        ORDER BY document_id, snapshot_id, author, clock LIMIT 1000
      ) rows
    ) page WHERE bytes_before < ${maxPageBytes}::int ORDER BY document_id, snapshot_id, author, clock`
}

/** Rows of several documents, page by page. The next page is fetched while the last one is used. */
class Pages<Row extends { documentId: string }> {
  readonly #fetch: (after: Row | undefined) => Promise<Row[]>
  #page: Row[] = []
  #start = 0
  #next: Promise<Row[]> | undefined

  constructor (fetch: (after: Row | undefined) => Promise<Row[]>) {
    this.#fetch = fetch
  }

  /** The first row that nobody has taken. */
  get left (): Row | undefined {
    return this.#page[this.#start]
  }

  /** Takes the rows of the next document. */
  async * of (documentId: string): AsyncGenerator<Row[]> {
    for (;;) {
      if (this.#start === this.#page.length) await this.#turn()
      const start = this.#start
      while (this.#page[this.#start]?.documentId === documentId) this.#start++
      if (this.#start > start) yield this.#page.slice(start, this.#start)
      if (this.#start < this.#page.length || this.#page.length === 0) return
    }
  }

  async #turn (): Promise<void> {
    if (this.#next === undefined) this.#next = this.#fetch(undefined)
    else if (this.#page.length === 0) return
    this.#page = await this.#next
    this.#start = 0
    const last = this.#page.at(-1)
    if (last === undefined) return
    this.#next = this.#fetch(last)
    // Who reads no further does not learn of it.
    this.#next.catch(() => {})
  }
}
