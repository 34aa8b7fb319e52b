import { parentSnapshotProof, type ProofOfParent } from '../protocol/proof.ts'
import { recount } from './counts.ts'
import type { PrismaClientLike } from './prisma.ts'
import { statement } from './statement.ts'

/** A row of secsync_deletion. Times are in milliseconds. */
export interface DeletionRow {
  documentId: string
  deletedAt: number
  restorableUntil: number
  purgedAt: number | null
  version: number
  activeSnapshotId: string
  chainProof: string
  snapshots: number
  updates: number
  bytes: number
}

/** Rows that one statement removes. A snapshot is bigger than an update. */
const updatesAtOnce = 1000
const snapshotsAtOnce = 20

const head = statement(`
  SELECT snapshot.id AS "snapshotId", parent_snapshot_proof AS "parentSnapshotProof", ciphertext_hash AS "snapshotCiphertextHash"
  FROM secsync_document document JOIN secsync_snapshot snapshot ON document_id = document.id AND snapshot.id = active_snapshot_id
  WHERE document.id = ? AND deleted_at IS NULL`)

// Writers update the same row under the condition that it has their snapshot: what comes later fails, also on nodes of version 0.1.
const tombstone = statement(`
  WITH document AS (
    SELECT * FROM secsync_document WHERE id = ? AND active_snapshot_id = ? AND deleted_at IS NULL FOR UPDATE
  ), buried AS (
    UPDATE secsync_document SET deleted_at = now(), active_snapshot_id = '', clocks = '{}', active_updates = 0, active_update_bytes = 0, active_snapshot_bytes = 0
    FROM document WHERE secsync_document.id = document.id
    RETURNING document.*
  )
  INSERT INTO secsync_deletion
    (document_id, deleted_at, restorable_until, version, active_snapshot_id, clocks, chain_proof, snapshot_count, update_count, bytes)
  SELECT id, now(), now() + make_interval(secs => ?::float8), version, active_snapshot_id, clocks, ?, snapshot_count, update_count, kept_bytes FROM buried
  RETURNING document_id`)

/** The numbers of a document that version 0.1 has written may be wrong. Nobody writes it any more, so they can be counted now. */
async function countDeleted (db: PrismaClientLike, documentId: string): Promise<void> {
  const [document] = await db.$queryRaw<Array<{ isCounted: boolean }>>`
    SELECT counted_version = version AS "isCounted" FROM secsync_document WHERE id = ${documentId} AND deleted_at IS NOT NULL`
  if (document?.isCounted === false) await recount(db, documentId)
}

/** Deletes a document for everybody, in one statement. `undefined`: there is none. What is stored of it stays until `purgeSome` removes it. */
export async function deleteDocument (db: PrismaClientLike, documentId: string, restorableForMs: number): Promise<DeletionRow | undefined> {
  for (;;) {
    const [active] = await db.$queryRaw<ProofOfParent[]>(head, documentId)
    if (active === undefined) return undefined
    const chainProof = parentSnapshotProof(active)
    const [deleted] = await db.$queryRaw<unknown[]>(tombstone, documentId, active.snapshotId, restorableForMs / 1000, chainProof)
    // A snapshot was saved meanwhile, or somebody else has deleted it.
    if (deleted !== undefined) return await findDeletion(db, documentId)
  }
}

export async function findDeletion (db: PrismaClientLike, documentId: string): Promise<DeletionRow | undefined> {
  await countDeleted(db, documentId)
  const [deletion] = await db.$queryRaw<DeletionRow[]>(findOne, documentId)
  return deletion
}

// The row of the document has the numbers until the last of its data is removed.
const findOne = statement(`
  SELECT document_id AS "documentId", (extract(epoch FROM deletion.deleted_at) * 1000)::float8 AS "deletedAt",
    (extract(epoch FROM restorable_until) * 1000)::float8 AS "restorableUntil", (extract(epoch FROM purged_at) * 1000)::float8 AS "purgedAt",
    deletion.version::float8, deletion.active_snapshot_id AS "activeSnapshotId", chain_proof AS "chainProof",
    (CASE WHEN purged_at IS NULL THEN document.snapshot_count ELSE deletion.snapshot_count END)::float8 AS snapshots,
    (CASE WHEN purged_at IS NULL THEN document.update_count ELSE deletion.update_count END)::float8 AS updates,
    (CASE WHEN purged_at IS NULL THEN document.kept_bytes ELSE deletion.bytes END)::float8 AS bytes
  FROM secsync_deletion deletion JOIN secsync_document document ON document.id = document_id WHERE document_id = ?`)

/** Brings a document back as it was. False: it was not deleted, or the time to restore it is over. */
export async function restoreDocument (db: PrismaClientLike, documentId: string): Promise<boolean> {
  const restored = await db.$queryRaw<unknown[]>`
    WITH deletion AS (
      DELETE FROM secsync_deletion WHERE document_id = ${documentId} AND purge_started_at IS NULL AND restorable_until > now() RETURNING *
    ), active AS (
      SELECT count(*) AS updates, coalesce(sum(octet_length(data)), 0)::int8 AS bytes FROM secsync_update, deletion
      WHERE secsync_update.document_id = deletion.document_id AND snapshot_id = active_snapshot_id AND author NOT LIKE '% %'
    )
    UPDATE secsync_document SET deleted_at = NULL, active_snapshot_id = deletion.active_snapshot_id, clocks = deletion.clocks, changed_at = now(),
      active_updates = active.updates, active_update_bytes = active.bytes, active_snapshot_bytes = (
        SELECT octet_length(data) FROM secsync_snapshot snapshot WHERE snapshot.document_id = deletion.document_id AND snapshot.id = deletion.active_snapshot_id
      )
    FROM deletion, active WHERE secsync_document.id = deletion.document_id
    RETURNING 1`
  return restored.length > 0
}

/** The deleted document whose time to be restored ended first, if there is one that has data. */
export async function nextToPurge (db: PrismaClientLike): Promise<string | undefined> {
  const [next] = await db.$queryRaw<Array<{ id: string }>>`
    SELECT document_id AS id FROM secsync_deletion WHERE purged_at IS NULL AND restorable_until <= now() ORDER BY restorable_until LIMIT 1`
  return next?.id
}

/**
 * Removes some rows of a deleted document that can no longer be restored. Returns whether more may be left. Several nodes may do it at once: each
 * takes other rows.
 */
export async function purgeSome (db: PrismaClientLike, documentId: string): Promise<boolean> {
  await countDeleted(db, documentId)
  const started = await db.$queryRaw<unknown[]>`
    UPDATE secsync_deletion SET purge_started_at = coalesce(purge_started_at, now()),
      snapshot_count = document.snapshot_count, update_count = document.update_count, bytes = document.kept_bytes
    FROM secsync_document document WHERE document.id = ${documentId} AND document_id = document.id AND purged_at IS NULL AND restorable_until <= now()
    RETURNING 1`
  if (started.length === 0) return false
  const [removed] = await db.$queryRaw<Array<{ updates: number, snapshots: number }>>`
    WITH updates AS (
      DELETE FROM secsync_update WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM secsync_update WHERE document_id = ${documentId} LIMIT ${updatesAtOnce}::int FOR UPDATE SKIP LOCKED
      )) RETURNING 1
    ), snapshots AS (
      DELETE FROM secsync_snapshot WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM secsync_snapshot WHERE document_id = ${documentId} AND NOT EXISTS (SELECT FROM secsync_update WHERE document_id = ${documentId})
        LIMIT ${snapshotsAtOnce}::int FOR UPDATE SKIP LOCKED
      )) RETURNING 1
    )
    SELECT (SELECT count(*)::int FROM updates) AS updates, (SELECT count(*)::int FROM snapshots) AS snapshots`
  if (removed !== undefined && removed.updates + removed.snapshots > 0) return true
  // Rows that another node is removing are still there for this statement.
  const ended = await db.$queryRaw<unknown[]>`
    WITH ended AS (
      UPDATE secsync_deletion SET purged_at = now() WHERE document_id = ${documentId} AND purged_at IS NULL
        AND NOT EXISTS (SELECT FROM secsync_update WHERE document_id = ${documentId})
        AND NOT EXISTS (SELECT FROM secsync_snapshot WHERE document_id = ${documentId})
      RETURNING document_id
    )
    UPDATE secsync_document SET snapshot_count = 0, update_count = 0, kept_bytes = 0 FROM ended WHERE id = ended.document_id RETURNING 1`
  return ended.length === 0
}
