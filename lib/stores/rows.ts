import { RowsUnordered } from '../errors.ts'
import type { AdapterClient } from './adapter.ts'
import type { PrismaClientLike } from './prisma.ts'

/** A row of `secsync_document`. Times are in milliseconds since 1970. */
export interface DocumentRow {
  id: string
  activeSnapshotId: string
  /** JSON: the last clock of each author on the active snapshot. */
  clocks: string
  version: number
  createdAt: number
}

export interface SnapshotRow {
  documentId: string
  id: string
  version: number
  parentSnapshotProof: string
  ciphertextHash: string
  createdAt: number
  data: string
}

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

export interface Selection {
  /** Only these documents. */
  documentIds?: string[] | undefined
  /** Only documents whose id begins with this. */
  prefix?: string | undefined
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
export async function * readDocuments (client: AdapterClient, { documentIds, prefix = '' }: Selection = {}): AsyncGenerator<Section> {
  const wanted = documentIds === undefined ? undefined : [...new Set(documentIds)]
  if (wanted?.length === 0) return
  let after: string | undefined
  do {
    const transaction = await client.begin('REPEATABLE READ')
    let isRead = false
    try {
      after = yield * readBatch(transaction, after, prefix, wanted?.shift())
      isRead = true
    } finally {
      await (isRead ? transaction.commit() : transaction.rollback())
    }
  } while (wanted === undefined ? after !== undefined : wanted.length > 0)
}

/** Returns the id of the last document that was read, or `undefined` if there was none. */
async function * readBatch (
  db: PrismaClientLike, after: string | undefined, prefix: string, id: string | undefined
): AsyncGenerator<Section, string | undefined> {
  const documents = id === undefined
    ? await db.$queryRaw<DocumentRow[]>`
      SELECT id, active_snapshot_id AS "activeSnapshotId", clocks::text, version::float8, (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt"
      FROM secsync_document WHERE id > ${after ?? ''} AND starts_with(id, ${prefix}) ORDER BY id LIMIT ${maxDocuments}::int`
    : await db.$queryRaw<DocumentRow[]>`
      SELECT id, active_snapshot_id AS "activeSnapshotId", clocks::text, version::float8, (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt"
      FROM secsync_document WHERE id = ${id}`
  const [first, last] = [documents[0]?.id, documents.at(-1)?.id]
  if (first === undefined || last === undefined) return undefined
  const snapshots = new Pages<SnapshotRow>(async (row) => await snapshotPage(db, row ?? { documentId: first, version: minVersion }, last, prefix))
  const start = { documentId: first, snapshotId: '', author: '', clock: -1 }
  const updates = new Pages<UpdateRow>(async (row) => await updatePage(db, row ?? start, last, prefix))
  let rows = 0
  for (const document of documents) {
    yield { kind: 'document', document }
    for await (const page of snapshots.of(document.id)) {
      rows += page.length
      yield { kind: 'snapshots', snapshots: page }
    }
    for await (const page of updates.of(document.id)) {
      rows += page.length
      yield { kind: 'updates', updates: page }
    }
    yield { kind: 'end' }
    if (rows >= maxRows) return document.id
  }
  const left = snapshots.left ?? updates.left
  if (left !== undefined) throw new RowsUnordered(left.documentId)
  return last
}

/** Snapshots that were put aside have negative versions. */
const minVersion = -Number.MAX_SAFE_INTEGER

async function snapshotPage (
  db: PrismaClientLike, { documentId, version }: Pick<SnapshotRow, 'documentId' | 'version'>, last: string, prefix: string
): Promise<SnapshotRow[]> {
  return await db.$queryRaw`
    SELECT document_id AS "documentId", id, version::float8, parent_snapshot_proof AS "parentSnapshotProof", ciphertext_hash AS "ciphertextHash",
      (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt", data
    FROM (
      SELECT *, sum(octet_length(data)) OVER (ORDER BY document_id, version) - octet_length(data) AS bytes_before FROM (
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
