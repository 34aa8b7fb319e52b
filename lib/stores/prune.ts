import { Type, type Static } from '../protocol/typebox.ts'
import { Pace } from './pace.ts'
import type { PrismaClientLike } from './prisma.ts'

// docs/options.md is generated from the comments of these schemas: `npm run docs`.
export const Retention = Type.Object({
  /** Number of snapshots of each document that keep their text, the active one included. @default no limit */
  snapshots: Type.Optional(Type.Integer({ minimum: 1, description: 'Number of snapshots of each document that keep their text, the active one included.' })),
  /**
   * Milliseconds for which a snapshot keeps its text after another has replaced it. With `snapshots`, either is reason enough to keep it. @unit ms
   * @default no limit
   */
  age: Type.Optional(Type.Number({
    minimum: 0,
    maximum: 1e13,
    description: 'Milliseconds for which a snapshot keeps its text after another has replaced it. With `snapshots`, either is reason enough to keep it.'
  })),
  /**
   * Number of snapshots that keep their updates, the active one included. A snapshot that loses its text loses its updates, too.
   * @default as long as the snapshot
   */
  updates: Type.Optional(Type.Integer({
    minimum: 1,
    description: 'Number of snapshots that keep their updates, the active one included. A snapshot that loses its text loses its updates, too.'
  }))
}, { additionalProperties: false })

/** What is kept of a document. Its active snapshot, the updates on it, and the proofs of all snapshots are always kept. */
export type Retention = { [Name in keyof Static<typeof Retention>]?: Static<typeof Retention>[Name] | undefined }

export interface PruneOptions {
  /** The share of its time that pruning may keep the database busy with, from 0 to 1. @default 0.2 */
  share?: number | undefined
  signal?: AbortSignal | undefined
  /** When somebody else prunes the same database: take turns, or leave it to them. @default 'wait' */
  ifBusy?: 'wait' | 'end' | undefined
  /** Called after each snapshot that lost something. */
  onPruned?: ((pruned: Pruned & { documentId: string }) => void) | undefined
}

export interface Pruned {
  snapshots: number
  updates: number
}

interface Doomed {
  documentId: string
  snapshotId: string
  losesText: boolean
}

/** Of PostgreSQL: whoever removes something of snapshots that were replaced has it until the end of the transaction. */
export const pruningLock = 72707370

const maxDocuments = 500
/** Updates that one statement removes. It takes some milliseconds, and holds the lock of the document's row for as long. */
const maxUpdates = 1000

/**
 * Removes the text of old snapshots, and updates of replaced ones. The rows of snapshots stay with their proofs: clients that know an old one come
 * back by them. Each statement removes a little, so that it can be stopped at any time, and run again. Several may run at the same time: one statement
 * runs after the other, whoever sends it.
 */
export async function prune (
  db: PrismaClientLike, retention: Retention, { share = 0.2, signal, ifBusy = 'wait', onPruned }: PruneOptions = {}
): Promise<Pruned> {
  const total = { snapshots: 0, updates: 0 }
  const pace = new Pace(share, signal)
  let after: string | undefined = ''
  while (after !== undefined) {
    const start: string = after
    const [page] = await pace.run(async () => await documentsAfter(db, start, retention))
    if (page?.isTurn !== true) {
      if (ifBusy === 'end') return total
      continue
    }
    for (const doomed of JSON.parse(page.doomed ?? '[]') as Doomed[]) {
      const pruned = { snapshots: 0, updates: 0 }
      try {
        await pace.run(async () => await mark(db, doomed))
        for (;;) {
          const removed = await pace.run(async () => await removeUpdates(db, doomed))
          if (removed === undefined && ifBusy === 'end') return total
          if (removed === undefined) continue
          pruned.updates += removed
          if (removed < maxUpdates) break
        }
        if (doomed.losesText) pruned.snapshots += await pace.run(async () => await removeText(db, doomed))
      } finally {
        total.snapshots += pruned.snapshots
        total.updates += pruned.updates
        if (pruned.snapshots + pruned.updates > 0) onPruned?.({ documentId: doomed.documentId, ...pruned })
      }
    }
    after = page.last ?? undefined
  }
  return total
}

/** Most documents have nothing to remove. Those that are counted say so in their row. */
async function documentsAfter (
  db: PrismaClientLike, after: string, { snapshots, age, updates }: Retention
): Promise<Array<{ isTurn: boolean, last: string | null, doomed: string | null }>> {
  const keepsAll = snapshots === undefined && age === undefined
  return await db.$queryRaw`
    WITH turn AS MATERIALIZED (
      SELECT pg_try_advisory_xact_lock(${pruningLock}::bigint) AS is_turn
    ), documents AS MATERIALIZED (
      SELECT * FROM secsync_document WHERE id > ${after} AND (SELECT is_turn FROM turn) ORDER BY id LIMIT ${maxDocuments}::int
    ), placed AS (
      SELECT documents.id AS document_id, stored.* FROM documents CROSS JOIN LATERAL (
        SELECT id, data IS NOT NULL AS has_text, row_number() OVER (ORDER BY version DESC) AS place, lag(created_at) OVER (ORDER BY version DESC) AS replaced_at
        FROM secsync_snapshot WHERE document_id = documents.id AND version > 0
      ) stored
      WHERE deleted_at IS NULL AND stored.id <> active_snapshot_id AND place > 1
        AND NOT (counted_version = version AND snapshot_count <= 1 AND update_count <= active_updates)
    ), doomed AS (
      SELECT *, NOT (${keepsAll} OR place <= ${snapshots ?? 1}::int OR replaced_at > now() - ${age ?? 0}::float8 * interval '1 millisecond') AS goes FROM placed
    ), found AS (
      SELECT document_id, id, goes AND has_text AS loses_text FROM doomed
      WHERE (goes AND has_text) OR ((goes OR place > ${updates ?? Number.MAX_SAFE_INTEGER}::bigint) AND EXISTS (
        SELECT 1 FROM secsync_update WHERE document_id = doomed.document_id AND snapshot_id = doomed.id
      ))
    )
    SELECT (SELECT is_turn FROM turn) AS "isTurn", (SELECT max(id) FROM documents) AS last,
      (SELECT json_agg(json_build_object('documentId', document_id, 'snapshotId', id, 'losesText', loses_text))::text FROM found) AS doomed`
}

/**
 * From now on, nobody takes missing updates for lost ones, and the snapshot is known without its text. Version 0.1 stored neither signature nor
 * author.
 */
async function mark (db: PrismaClientLike, { documentId, snapshotId }: Doomed): Promise<void> {
  await db.$queryRaw`
    UPDATE secsync_snapshot SET pruned_at = coalesce(pruned_at, now()), signature = coalesce(signature, left(right(data, 88), 86)),
      author = coalesce(author, substring(data FROM '"pubKey":"([A-Za-z0-9_-]{43})"')), bytes = coalesce(bytes, octet_length(data))
    WHERE document_id = ${documentId} AND id = ${snapshotId}`
}

/** `undefined` if another process removes at this moment. */
async function removeUpdates (db: PrismaClientLike, { documentId, snapshotId }: Doomed): Promise<number | undefined> {
  const [row] = await db.$queryRaw<Array<{ isTurn: boolean, removed: number }>>`
    WITH turn AS MATERIALIZED (
      SELECT pg_try_advisory_xact_lock(${pruningLock}::bigint) AS is_turn
    ), doomed AS MATERIALIZED (
      SELECT author, clock FROM secsync_update
      WHERE document_id = ${documentId} AND snapshot_id = ${snapshotId} AND (SELECT is_turn FROM turn)
        AND EXISTS (SELECT 1 FROM secsync_document WHERE id = ${documentId} AND active_snapshot_id <> ${snapshotId} AND deleted_at IS NULL)
      LIMIT ${maxUpdates}::int
    ), removed AS (
      DELETE FROM secsync_update stored USING doomed
      WHERE stored.document_id = ${documentId} AND stored.snapshot_id = ${snapshotId} AND stored.author = doomed.author AND stored.clock = doomed.clock
      RETURNING octet_length(data) AS bytes
    ), counted AS (
      UPDATE secsync_document SET update_count = update_count - sums.number, kept_bytes = kept_bytes - sums.bytes
      FROM (SELECT count(*) AS number, coalesce(sum(bytes), 0) AS bytes FROM removed) sums
      WHERE id = ${documentId} AND sums.number > 0
    )
    SELECT (SELECT is_turn FROM turn) AS "isTurn", (SELECT count(*)::int FROM removed) AS removed`
  return row?.isTurn === true ? row.removed : undefined
}

async function removeText (db: PrismaClientLike, { documentId, snapshotId }: Doomed): Promise<number> {
  const removed = await db.$queryRaw<unknown[]>`
    WITH old AS MATERIALIZED (
      SELECT octet_length(data) AS bytes FROM secsync_snapshot
      WHERE document_id = ${documentId} AND id = ${snapshotId} AND data IS NOT NULL AND pruned_at IS NOT NULL
        AND EXISTS (SELECT 1 FROM secsync_document WHERE id = ${documentId} AND active_snapshot_id <> ${snapshotId} AND deleted_at IS NULL)
      FOR UPDATE
    ), removed AS (
      UPDATE secsync_snapshot SET data = NULL FROM old WHERE document_id = ${documentId} AND id = ${snapshotId}
      RETURNING old.bytes
    ), counted AS (
      UPDATE secsync_document SET snapshot_count = snapshot_count - 1, kept_bytes = kept_bytes - removed.bytes FROM removed WHERE id = ${documentId}
    )
    SELECT bytes FROM removed`
  return removed.length
}
