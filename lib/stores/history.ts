import type { PrismaClientLike } from './prisma.ts'
import { statement } from './statement.ts'

/** A snapshot of a document without its data. Times are in milliseconds. */
export interface VersionRow {
  snapshotId: string
  version: number
  createdAt: number
  parentSnapshotProof: string
  snapshotCiphertextHash: string
  author: string | null
  /** Null if the data was removed before the size was kept. */
  bytes: number | null
  isActive: boolean
  isKept: boolean
}

// Version 0.1 kept author and size in the data only.
const versions = statement(`
  SELECT snapshot.id AS "snapshotId", snapshot.version::float8, (extract(epoch FROM snapshot.created_at) * 1000)::float8 AS "createdAt",
    parent_snapshot_proof AS "parentSnapshotProof", ciphertext_hash AS "snapshotCiphertextHash",
    CASE WHEN author IS NULL AND data IS NOT NULL THEN data::json -> 'publicData' ->> 'pubKey' ELSE author END AS author,
    coalesce(bytes, octet_length(data))::float8 AS bytes, snapshot.id = active_snapshot_id AS "isActive", data IS NOT NULL AS "isKept"
  FROM secsync_document document JOIN secsync_snapshot snapshot ON document_id = document.id
  WHERE document.id = ? AND deleted_at IS NULL AND snapshot.version > 0 AND snapshot.version < ?::int8
  ORDER BY snapshot.version DESC LIMIT ?::int`)

/** The snapshots of a document, the newest first. */
export async function listVersions (db: PrismaClientLike, documentId: string, before: number, limit: number): Promise<VersionRow[]> {
  return await db.$queryRaw<VersionRow[]>(versions, documentId, before, limit)
}

/** The JSON of a snapshot. `undefined`: there is none, or its data was removed. */
export async function findSnapshot (db: PrismaClientLike, documentId: string, snapshotId: string): Promise<string | undefined> {
  const [row] = await db.$queryRaw<Array<{ data: string | null }>>`
    SELECT data FROM secsync_document document JOIN secsync_snapshot snapshot ON document_id = document.id
    WHERE document.id = ${documentId} AND deleted_at IS NULL AND snapshot.id = ${snapshotId} AND snapshot.version > 0`
  return row?.data ?? undefined
}
