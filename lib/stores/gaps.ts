import type { UpdateClocks } from '../protocol/clocks.ts'

interface Database {
  $queryRaw<T> (query: TemplateStringsArray, ...values: unknown[]): Promise<T>
}

/** Updates of one author that were put aside: no client could read the document with them. */
export interface Gap {
  documentId: string
  snapshotId: string
  author: string
  /** The first clock that is missing. */
  clock: number
  /** How many updates were stored behind it. */
  updates: number
}

/** Whether the rows hold fewer updates, or more, than the clocks of the document say. Version 0.1 could store a gap. */
export function hasGap (
  { clocks, continues }: { clocks: string, continues: boolean | null }, chunks: Array<{ count: number }>, known: UpdateClocks = {}
): boolean {
  const stored = JSON.parse(clocks) as UpdateClocks
  const expected = Object.entries(stored).reduce((sum, [author, clock]) => sum + Math.max(0, clock - (continues ? known[author] ?? -1 : -1)), 0)
  return chunks.reduce((sum, { count }) => sum + count, 0) !== expected
}

/**
 * Puts aside the updates of the active snapshot that are behind a gap, and sets the clocks of their authors to what is before it. Nothing is
 * deleted: the author of a row that was put aside ends with ` put aside` and the time, which no public key does. One statement, so that all see all of it.
 */
export async function putAsideBehindGaps (db: Database, documentId: string, snapshotId: string): Promise<Gap[]> {
  return await db.$queryRaw<Gap[]>`
    WITH document AS (
      SELECT id, active_snapshot_id FROM secsync_document WHERE id = ${documentId} AND active_snapshot_id = ${snapshotId} FOR UPDATE
    ), numbered AS (
      SELECT stored.author, stored.clock, row_number() OVER (PARTITION BY stored.author ORDER BY stored.clock) - 1 AS place
      FROM document JOIN secsync_update stored ON stored.document_id = document.id AND stored.snapshot_id = document.active_snapshot_id
      WHERE stored.author NOT LIKE '% %'
    ), good AS (
      SELECT author, count(*) FILTER (WHERE clock = place) AS next, count(*) FILTER (WHERE clock <> place) AS behind FROM numbered GROUP BY author
    ), aside AS (
      UPDATE secsync_update SET author = secsync_update.author || ' put aside ' || (extract(epoch FROM now()) * 1000)::bigint FROM document, good
      WHERE document_id = document.id AND snapshot_id = document.active_snapshot_id AND secsync_update.author = good.author
        AND secsync_update.clock >= good.next
      RETURNING 1
    ), corrected AS (
      UPDATE secsync_document SET clocks = coalesce((SELECT jsonb_object_agg(author, next - 1) FROM good WHERE next > 0), '{}'),
        version = version + 1, counted_version = -1
      FROM document WHERE secsync_document.id = document.id
      RETURNING 1
    )
    SELECT ${documentId}::text AS "documentId", ${snapshotId}::text AS "snapshotId", author, next::float8 AS clock, behind::float8 AS updates
    FROM good WHERE behind > 0`
}
