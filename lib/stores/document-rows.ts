import type { PrismaClientLike } from './prisma.ts'
import { statement } from './statement.ts'

/** A row of secsync_document. Times are in milliseconds. */
export interface DocumentRow {
  documentId: string
  createdAt: number
  changedAt: number
  version: number
  activeSnapshotId: string
  authors: number
  isCounted: boolean
  snapshots: number
  updates: number
  liveBytes: number
  keptBytes: number
}

export interface Range {
  prefix: string
  limit: number
  direction: 'ascending' | 'descending'
}

/** Where a page begins: behind this document. */
export interface Place {
  changedAt: number
  documentId: string
}

/** The greatest code point. No id has more than 1024 bytes, so nothing with a prefix comes behind the prefix and this. */
const last = '\u{10FFFF}'.repeat(256)

const rows = `
  SELECT id AS "documentId", (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt", (extract(epoch FROM changed_at) * 1000)::float8 AS "changedAt",
    version::float8, active_snapshot_id AS "activeSnapshotId", (SELECT count(*)::int FROM jsonb_object_keys(clocks)) AS authors,
    counted_version = version AS "isCounted", snapshot_count::float8 AS snapshots, update_count::float8 AS updates,
    (active_snapshot_bytes + active_update_bytes)::float8 AS "liveBytes", kept_bytes::float8 AS "keptBytes"
  FROM secsync_document WHERE deleted_at IS NULL AND`

/** Exported for a test that looks at their plans. */
export const statements = {
  one: statement(`${rows} id = ?`),
  // By id, in the order of code points, whatever the collation of the database: the operators are those of the index with text_pattern_ops.
  'listById.ascending': statement(`${rows} id ~>=~ ? AND id ~<=~ ? AND id ~>~ ? ORDER BY id USING ~<~ LIMIT ?::int`),
  'listById.descending': statement(`${rows} id ~>=~ ? AND id ~<=~ ? AND id ~<~ ? ORDER BY id USING ~>~ LIMIT ?::int`),
  // By last change. The prefix is a filter: the documents in between are read, too.
  'listByChange.ascending': statement(`${rows} starts_with(id, ?) AND (changed_at, id) > (?::timestamptz, ?) ORDER BY changed_at, id LIMIT ?::int`),
  'listByChange.descending': statement(`${rows} starts_with(id, ?) AND (changed_at, id) < (?::timestamptz, ?) ORDER BY changed_at DESC, id DESC LIMIT ?::int`),
  // The rows of the documents are read, nothing else.
  sum: statement(`
    SELECT count(*)::float8 AS documents, count(*) FILTER (WHERE counted_version <> version)::float8 AS uncounted,
      coalesce(sum(snapshot_count) FILTER (WHERE counted_version = version), 0)::float8 AS snapshots,
      coalesce(sum(update_count) FILTER (WHERE counted_version = version), 0)::float8 AS updates,
      coalesce(sum(active_snapshot_bytes + active_update_bytes) FILTER (WHERE counted_version = version), 0)::float8 AS "liveBytes",
      coalesce(sum(kept_bytes) FILTER (WHERE counted_version = version), 0)::float8 AS "keptBytes",
      (SELECT count(*)::float8 FROM secsync_deletion WHERE purged_at IS NULL AND starts_with(document_id, ?)) AS "deletedDocuments",
      (SELECT coalesce(sum(bytes), 0)::float8 FROM secsync_deletion WHERE purged_at IS NULL AND starts_with(document_id, ?)) AS "deletedBytes"
    FROM secsync_document WHERE id ~>=~ ? AND id ~<=~ ? AND deleted_at IS NULL`)
}

export async function findDocument (db: PrismaClientLike, documentId: string): Promise<DocumentRow | undefined> {
  const [row] = await db.$queryRaw<DocumentRow[]>(statements.one, documentId)
  return row
}

export async function listById (db: PrismaClientLike, { prefix, limit, direction }: Range, after: Place | undefined): Promise<DocumentRow[]> {
  const begin = direction === 'ascending' ? '' : last
  return await db.$queryRaw<DocumentRow[]>(statements[`listById.${direction}`], prefix, prefix + last, after?.documentId ?? begin, limit)
}

export async function listByChange (db: PrismaClientLike, { prefix, limit, direction }: Range, after: Place | undefined): Promise<DocumentRow[]> {
  const begin = direction === 'ascending' ? '-infinity' : 'infinity'
  const changedAt = after === undefined ? begin : new Date(after.changedAt).toISOString()
  return await db.$queryRaw<DocumentRow[]>(statements[`listByChange.${direction}`], prefix, changedAt, after?.documentId ?? '', limit)
}

/** Ids of documents that are not counted, by id. */
export async function findUncounted (db: PrismaClientLike, after: string, limit: number): Promise<string[]> {
  const rows = await db.$queryRaw<Array<{ id: string }>>`
    SELECT id FROM secsync_document WHERE id ~>~ ${after} AND counted_version <> version AND deleted_at IS NULL ORDER BY id USING ~<~ LIMIT ${limit}::int`
  return rows.map(({ id }) => id)
}

export interface UsageRow {
  documents: number
  snapshots: number
  updates: number
  liveBytes: number
  keptBytes: number
  uncounted: number
  deletedDocuments: number
  deletedBytes: number
}

/** Sums over all documents with a prefix. */
export async function sumUsage (db: PrismaClientLike, prefix: string): Promise<UsageRow> {
  const [row] = await db.$queryRaw<[UsageRow]>(statements.sum, prefix, prefix, prefix, prefix + last)
  return row
}
