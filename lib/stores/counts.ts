import { CountsUnavailable } from '../errors.ts'
import type { PrismaClientLike } from './prisma.ts'

/** How much is stored of a document. Bytes are those of the stored messages, as JSON, without what the database adds. */
export interface Counts {
  /** Number of snapshots that can still be read, the active one included, and of updates. */
  snapshots: number
  updates: number
  /** Bytes of all of these. */
  keptBytes: number
  /** Number of updates on the active snapshot, their bytes, and the bytes of the snapshot. A reader loads just these. */
  activeUpdates: number
  activeUpdateBytes: number
  activeSnapshotBytes: number
}

/**
 * Counts what is stored of a document, and corrects the numbers in its row. Every statement that writes also counts, but version 0.1 does not:
 * `counted_version` lags behind `version` from its first write on, and the numbers are right again after this.
 *
 * It reads one state of the database and locks nothing. What is written meanwhile is added by who writes, so this adds the difference to what
 * the row said in the state that was read. After a snapshot, and after a write of version 0.1, it begins anew, up to `maxTries` times.
 *
 * Returns `undefined` if there is no such document. Throws `FST_SECSYNC_COUNTS_UNAVAILABLE` after the last try.
 */
export async function recount (db: PrismaClientLike, documentId: string, maxTries = 10): Promise<Counts | undefined> {
  for (let tries = 1; ; tries++) {
    const [row] = await db.$queryRaw<Array<Counts & { corrected: boolean }>>`
      WITH document AS MATERIALIZED (
        SELECT * FROM secsync_document WHERE id = ${documentId}
      ), snapshots AS MATERIALIZED (
        SELECT count(data) AS number, coalesce(sum(octet_length(data)), 0)::int8 AS bytes, max(created_at) AS last,
          coalesce(sum(octet_length(data)) FILTER (WHERE id = (SELECT active_snapshot_id FROM document)), 0)::int8 AS active_bytes
        FROM secsync_snapshot WHERE document_id = (SELECT id FROM document)
      ), updates AS MATERIALIZED (
        SELECT coalesce(sum(number), 0)::int8 AS number, coalesce(sum(bytes), 0)::int8 AS bytes, max(last) AS last,
          coalesce(sum(number) FILTER (WHERE is_active), 0)::int8 AS active, coalesce(sum(bytes) FILTER (WHERE is_active), 0)::int8 AS active_bytes
        FROM (
          SELECT count(*) AS number, sum(octet_length(data)) AS bytes, max(created_at) AS last,
            snapshot_id = (SELECT active_snapshot_id FROM document) AND author NOT LIKE '% %' AS is_active
          FROM secsync_update WHERE document_id = (SELECT id FROM document) GROUP BY is_active
        ) groups
      ), corrected AS (
        UPDATE secsync_document SET counted_version = secsync_document.version,
          snapshot_count = secsync_document.snapshot_count + snapshots.number - document.snapshot_count,
          update_count = secsync_document.update_count + updates.number - document.update_count,
          kept_bytes = secsync_document.kept_bytes + snapshots.bytes + updates.bytes - document.kept_bytes,
          active_updates = secsync_document.active_updates + updates.active - document.active_updates,
          active_update_bytes = secsync_document.active_update_bytes + updates.active_bytes - document.active_update_bytes,
          active_snapshot_bytes = snapshots.active_bytes,
          changed_at = CASE WHEN secsync_document.version = document.version THEN greatest(snapshots.last, updates.last) ELSE secsync_document.changed_at END
        FROM document, snapshots, updates
        WHERE secsync_document.id = document.id AND secsync_document.active_snapshot_id = document.active_snapshot_id
          AND secsync_document.version - secsync_document.counted_version = document.version - document.counted_version
        RETURNING secsync_document.*
      )
      SELECT corrected.id IS NOT NULL AS corrected, corrected.snapshot_count::float8 AS snapshots, corrected.update_count::float8 AS updates,
        corrected.kept_bytes::float8 AS "keptBytes", corrected.active_updates::float8 AS "activeUpdates",
        corrected.active_update_bytes::float8 AS "activeUpdateBytes", corrected.active_snapshot_bytes::float8 AS "activeSnapshotBytes"
      FROM document LEFT JOIN corrected ON true`
    if (row === undefined) return undefined
    const { corrected, ...counts } = row
    if (corrected) return counts
    if (tries === maxTries) throw new CountsUnavailable()
  }
}
