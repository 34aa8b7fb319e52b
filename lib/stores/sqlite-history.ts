import type { VersionRow } from './history.ts'
import type { PrismaClientLike } from './prisma.ts'

/** Numbers of the adapter may be strings. */
interface Row extends Pick<VersionRow, 'snapshotId' | 'parentSnapshotProof' | 'snapshotCiphertextHash'> {
  version: number | string
  createdAt: number | string
  author: string
  bytes: number | string
  isActive: number | string
}

/** The snapshots of a document, the newest first. SQLite keeps the data of all of them. */
export async function listVersions (db: PrismaClientLike, documentId: string, before: number, limit: number): Promise<VersionRow[]> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT snapshot.id AS "snapshotId", snapshot.version, unixepoch(snapshot.created_at) AS "createdAt", parent_snapshot_proof AS "parentSnapshotProof",
      ciphertext_hash AS "snapshotCiphertextHash", author, bytes, snapshot.id = active_snapshot_id AS "isActive"
    FROM secsync_document document JOIN secsync_snapshot snapshot ON document_id = document.id
    WHERE document.id = ${documentId} AND snapshot.version < ${before}
    ORDER BY snapshot.version DESC LIMIT ${limit}`
  return rows.map(({ version, createdAt, bytes, isActive, ...row }) => ({
    ...row, version: Number(version), createdAt: Number(createdAt) * 1000, bytes: Number(bytes), isActive: Number(isActive) === 1, isKept: true
  }))
}

/** The JSON of a snapshot. */
export async function findSnapshot (db: PrismaClientLike, documentId: string, snapshotId: string): Promise<string | undefined> {
  const [row] = await db.$queryRaw<Array<{ data: string }>>`SELECT data FROM secsync_snapshot WHERE document_id = ${documentId} AND id = ${snapshotId}`
  return row?.data
}

export async function documentExists (db: PrismaClientLike, documentId: string): Promise<boolean> {
  const rows = await db.$queryRaw<unknown[]>`SELECT 1 FROM secsync_document WHERE id = ${documentId}`
  return rows.length > 0
}
