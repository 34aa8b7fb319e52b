import type { UpdateClocks } from '../protocol/clocks.ts'
import { recount } from './counts.ts'
import type { PrismaClientLike } from './prisma.ts'
import { pruningLock } from './prune.ts'
import type { SignedColumns } from './rows.ts'

/** Updates of one author on one snapshot, by clock. */
export interface UpdateRange {
  snapshotId: string
  author: string
  first: number
  last: number
}

/** What is put aside of a document, and what is corrected. Snapshots are named by their ids. */
export interface Quarantine {
  documentId: string
  /** Columns that contradict the message. */
  columns: Array<{ snapshotId: string } & SignedColumns>
  /** With their updates. */
  snapshots: string[]
  /** Only their messages: their proofs are right. */
  texts: string[]
  /** Rows are made for these, so that it is known that they are missing. */
  lost: string[]
  /** Of these, updates are stored. */
  withoutSnapshot: string[]
  updates: UpdateRange[]
  /** Updates of these are missing. */
  incomplete: string[]
  /** All changes are numbered anew, in this order of snapshots. */
  order: string[] | undefined
  activeSnapshotId: string
  clocks: UpdateClocks
  /** Whether those who read the document see a difference. */
  isSeen: boolean
}

/** An update that is put aside. */
export interface AsideUpdate {
  snapshotId: string
  author: string
  clock: number
}

/**
 * Takes the lock that everybody takes who writes the document, until the transaction ends. Nothing is pruned meanwhile. False: there is no such
 * document, or it was deleted.
 */
export async function lockDocument (db: PrismaClientLike, documentId: string): Promise<boolean> {
  await db.$queryRaw`SELECT pg_advisory_xact_lock(${pruningLock}::bigint)::text`
  const rows = await db.$queryRaw<unknown[]>`SELECT 1 FROM secsync_document WHERE id = ${documentId} AND deleted_at IS NULL FOR UPDATE`
  return rows.length > 0
}

export async function findUpdates (db: PrismaClientLike, { documentId, updates }: Quarantine): Promise<AsideUpdate[]> {
  if (updates.length === 0) return []
  return await db.$queryRaw<AsideUpdate[]>`
    SELECT DISTINCT snapshot_id AS "snapshotId", stored.author, clock::float8
    FROM unnest(${updates.map(({ snapshotId }) => snapshotId)}::text[], ${updates.map(({ author }) => author)}::text[],
      ${updates.map(({ first }) => first)}::bigint[], ${updates.map(({ last }) => last)}::bigint[]) range(snapshot, author, first, last)
    JOIN secsync_update stored ON document_id = ${documentId} AND snapshot_id = range.snapshot AND stored.author = range.author AND clock BETWEEN first AND last
    ORDER BY 1, 2, 3`
}

/** How many updates each of these snapshots has. */
export async function countUpdates (db: PrismaClientLike, documentId: string, snapshotIds: string[]): Promise<Map<string, number>> {
  const rows = await db.$queryRaw<Array<{ snapshotId: string, updates: number }>>`
    SELECT snapshot_id AS "snapshotId", count(*)::float8 AS updates FROM secsync_update
    WHERE document_id = ${documentId} AND snapshot_id = ANY(${snapshotIds}::text[]) GROUP BY snapshot_id`
  return new Map(rows.map(({ snapshotId, updates }) => [snapshotId, updates]))
}

/**
 * Puts messages aside, and corrects the row of the document. Nothing is deleted: what was put aside has a space in its author or id, which no public key
 * and no id of a client has, and a negative version. To be called in a transaction that holds the lock.
 */
export async function quarantine (db: PrismaClientLike, plan: Quarantine): Promise<void> {
  const { documentId, activeSnapshotId, clocks, isSeen } = plan
  const [row] = await db.$queryRaw<[{ suffix: string, lowest: number }]>`
    SELECT ' put aside ' || (extract(epoch FROM now()) * 1000)::bigint AS suffix, least(min(version), 0)::float8 AS lowest
    FROM secsync_snapshot WHERE document_id = ${documentId}`
  const { suffix } = row
  let free = row.lowest
  await correctColumns(db, plan)
  await putUpdatesAside(db, plan, suffix)
  for (const id of plan.texts) await putTextAside(db, documentId, id, suffix, --free)
  // The updates follow by their foreign key.
  for (const id of plan.snapshots) {
    await db.$queryRaw`
      UPDATE secsync_snapshot SET id = id || ${suffix}, version = ${--free}::bigint WHERE document_id = ${documentId} AND id = ${id}`
  }
  for (const id of plan.lost) {
    await db.$queryRaw`
      INSERT INTO secsync_snapshot (document_id, id, version, parent_snapshot_proof, ciphertext_hash, pruned_at)
      VALUES (${documentId}, ${id} || ${suffix}, ${--free}::bigint, '', '', now())`
  }
  for (const id of plan.withoutSnapshot) {
    await db.$queryRaw`UPDATE secsync_update SET snapshot_id = snapshot_id || ${suffix} WHERE document_id = ${documentId} AND snapshot_id = ${id}`
  }
  await db.$queryRaw`
    UPDATE secsync_snapshot SET pruned_at = CASE WHEN id = ${activeSnapshotId} THEN NULL ELSE coalesce(pruned_at, now()) END
    WHERE document_id = ${documentId} AND id = ANY(${[...plan.incomplete, activeSnapshotId]}::text[])`
  if (plan.order !== undefined) await renumber(db, documentId, plan.order, free)
  await db.$queryRaw`
    UPDATE secsync_document SET active_snapshot_id = ${activeSnapshotId}, clocks = ${JSON.stringify(clocks)}::jsonb, counted_version = -1,
      version = ${isSeen ? 1 : 0}::int + greatest(version, (SELECT max(version) FROM secsync_snapshot WHERE document_id = ${documentId}),
        (SELECT max(version) FROM secsync_update WHERE document_id = ${documentId} AND snapshot_id NOT LIKE '% %' AND author NOT LIKE '% %'))
    WHERE id = ${documentId}`
  await recount(db, documentId)
  if (isSeen) await db.$queryRaw`UPDATE secsync_document SET changed_at = now() WHERE id = ${documentId}`
}

async function correctColumns (db: PrismaClientLike, { documentId, columns }: Quarantine): Promise<void> {
  for (const { snapshotId, parentSnapshotProof, ciphertextHash, signature, author, bytes } of columns) {
    await db.$queryRaw`
      UPDATE secsync_snapshot SET parent_snapshot_proof = ${parentSnapshotProof}, ciphertext_hash = ${ciphertextHash}, signature = ${signature},
        author = ${author}, bytes = ${bytes}::bigint
      WHERE document_id = ${documentId} AND id = ${snapshotId}`
  }
}

async function putUpdatesAside (db: PrismaClientLike, { documentId, updates }: Quarantine, suffix: string): Promise<void> {
  if (updates.length === 0) return
  await db.$queryRaw`
    UPDATE secsync_update stored SET author = stored.author || ${suffix}
    FROM unnest(${updates.map(({ snapshotId }) => snapshotId)}::text[], ${updates.map(({ author }) => author)}::text[],
      ${updates.map(({ first }) => first)}::bigint[], ${updates.map(({ last }) => last)}::bigint[]) range(snapshot, author, first, last)
    WHERE document_id = ${documentId} AND snapshot_id = range.snapshot AND stored.author = range.author AND clock BETWEEN first AND last`
}

/** The row stays as that of a snapshot that was pruned, because the next one proves it. */
async function putTextAside (db: PrismaClientLike, documentId: string, id: string, suffix: string, version: number): Promise<void> {
  await db.$queryRaw`
    WITH copied AS (
      INSERT INTO secsync_snapshot (document_id, id, version, parent_snapshot_proof, ciphertext_hash, data, signature, author, bytes, created_at, pruned_at)
      SELECT document_id, id || ${suffix}, ${version}::bigint, parent_snapshot_proof, ciphertext_hash, data, signature, author, bytes, created_at, now()
      FROM secsync_snapshot WHERE document_id = ${documentId} AND id = ${id}
      RETURNING 1
    )
    UPDATE secsync_snapshot SET data = NULL, pruned_at = coalesce(pruned_at, now()) FROM copied WHERE document_id = ${documentId} AND id = ${id}`
}

/**
 * Numbers the snapshots and updates anew, each author's updates by clock and those of different authors by the versions that they have. First below all
 * others, because no two snapshots may have one version at any time.
 */
async function renumber (db: PrismaClientLike, documentId: string, order: string[], lowest: number): Promise<void> {
  await db.$queryRaw`
    UPDATE secsync_snapshot SET version = ${lowest}::bigint - place.position FROM unnest(${order}::text[]) WITH ORDINALITY place(id, position)
    WHERE document_id = ${documentId} AND secsync_snapshot.id = place.id`
  await db.$queryRaw`
    WITH placed AS MATERIALIZED (
      SELECT snapshot_id, author, clock, position, max(stored.version) OVER (PARTITION BY snapshot_id, author ORDER BY clock) AS last
      FROM unnest(${order}::text[]) WITH ORDINALITY place(id, position)
      JOIN secsync_update stored ON document_id = ${documentId} AND snapshot_id = place.id AND author NOT LIKE '% %'
    ), numbered AS MATERIALIZED (
      SELECT *, row_number() OVER (ORDER BY position, last, author, clock) + position AS version FROM placed
    ), updated AS (
      UPDATE secsync_update stored SET version = numbered.version FROM numbered
      WHERE document_id = ${documentId} AND stored.snapshot_id = numbered.snapshot_id AND stored.author = numbered.author AND stored.clock = numbered.clock
    )
    UPDATE secsync_snapshot SET version = place.position + (SELECT count(*) FROM placed WHERE placed.position < place.position)
    FROM unnest(${order}::text[]) WITH ORDINALITY place(id, position)
    WHERE document_id = ${documentId} AND secsync_snapshot.id = place.id`
}
