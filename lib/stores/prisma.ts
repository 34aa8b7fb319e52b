import { DatabaseFailed, DocumentDeleted, SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, UpdateConflict } from '../errors.ts'
import type { SnapshotChange, UpdateChange } from '../protocol/changes.ts'
import type { UpdateClocks } from '../protocol/clocks.ts'
import { hash } from '../protocol/proof.ts'
import { checkSnapshot, clocksAround, type StoredSnapshot } from './checks.ts'
import { hasGap, putAsideBehindGaps, type Gap } from './gaps.ts'
import type { Known, LoadedDocument, Store } from './store.ts'

/** What we use of a PrismaClient: the user's, generated from a schema with our models, or ours on a driver adapter. */
export interface PrismaClientLike {
  $queryRaw<T> (query: TemplateStringsArray, ...values: unknown[]): Promise<T>
}

/**
 * Documents in PostgreSQL. Every write is one statement that first updates the document's row under a condition: there all
 * processes that write a document queue up, and whoever comes second sees the condition fail instead of a write conflict.
 */
export class PrismaStore implements Store {
  readonly groupsUpdates = true
  readonly sharesLoads = true
  readonly #db: PrismaClientLike
  readonly #onGap: (gap: Gap) => void

  /** `onGap` is called when updates were found that no client can read, and have been put aside. */
  constructor (db: PrismaClientLike, onGap: (gap: Gap) => void = () => {}) {
    this.#db = db
    this.#onGap = onGap
  }

  async load (documentId: string, known: Known): Promise<LoadedDocument | undefined> {
    let [document, ...chunks] = await this.#query(documentId, known)
    if (document !== undefined && hasGap(document, chunks, known.knownSnapshotUpdateClocks)) {
      for (const gap of await putAsideBehindGaps(this.#db, documentId, document.snapshotId)) this.#onGap(gap);
      [document, ...chunks] = await this.#query(documentId, known)
    }
    // A document is stored with its first snapshot: until then every id is a new document. Who may open it is for hasAccess to say.
    if (document === undefined) return { updates: '', cursor: { snapshotId: '', clocks: {}, version: 0 }, bytes: { kept: 0, activeSnapshot: 0, activeUpdates: 0 } }
    const { isDeleted, snapshotId, clocks, version, snapshot, snapshotProofChain, kept, activeSnapshot, activeUpdates } = document
    if (isDeleted) return undefined
    return {
      snapshot: snapshot ?? undefined,
      snapshotProofChain: snapshot === null ? undefined : snapshotProofChain ?? '[]',
      updates: chunks.map(({ updates }) => updates).join(),
      cursor: { snapshotId, clocks: JSON.parse(clocks) as UpdateClocks, version },
      ...kept !== null && { bytes: { kept, activeSnapshot, activeUpdates } }
    }
  }

  /**
   * One query, one snapshot of the database: a row for the document, then rows with 64 updates each. In a single one, PostgreSQL would
   * spend as much time on getting the memory for it as on reading. The updates of the document, or of each author, are looked up by
   * themselves (OFFSET 0): else the planner, which cannot know how few there are, reads all to find those that are missing. It expects
   * ten authors from an array, a hundred from JSON.
   */
  async #query (documentId: string, { mode, knownSnapshotId: known = '', knownSnapshotUpdateClocks: clocks = {} }: Known): Promise<DocumentRow[]> {
    try {
      const rows = await this.#db.$queryRaw<DocumentRow[]>`
        WITH document AS MATERIALIZED (
          SELECT *, ${mode === 'delta'} AND active_snapshot_id = ${known} AS continues FROM secsync_document WHERE id = ${documentId}
        ), missing AS (
          SELECT stored.version, stored.data FROM document CROSS JOIN LATERAL (
            SELECT version, data FROM secsync_update
            WHERE document_id = document.id AND snapshot_id = document.active_snapshot_id AND NOT document.continues AND author NOT LIKE '% %'
            OFFSET 0
          ) stored
          UNION ALL
          SELECT stored.version, stored.data FROM document
          CROSS JOIN LATERAL unnest(ARRAY(SELECT jsonb_object_keys(document.clocks) WHERE document.continues)) author(key)
          CROSS JOIN LATERAL (
            SELECT version, data FROM secsync_update
            WHERE document_id = document.id AND snapshot_id = document.active_snapshot_id AND author = author.key
              AND clock > coalesce((${JSON.stringify(clocks)}::jsonb ->> author.key)::bigint, -1)
            OFFSET 0
          ) stored
        )
        SELECT -1 AS position, active_snapshot_id AS "snapshotId", clocks::text, version::float8,
          CASE WHEN NOT continues THEN (
            SELECT data FROM secsync_snapshot WHERE document_id = document.id AND id = active_snapshot_id
          ) END AS "snapshot",
          CASE WHEN NOT continues THEN (
            SELECT json_agg(json_build_object('snapshotId', id, 'parentSnapshotProof', parent_snapshot_proof,
              'snapshotCiphertextHash', ciphertext_hash) ORDER BY version)::text
            FROM secsync_snapshot WHERE document_id = document.id
              AND version > (SELECT version FROM secsync_snapshot WHERE document_id = document.id AND id = ${known} AND version > 0)
          ) END AS "snapshotProofChain",
          NULL AS "updates", continues, 0 AS count, deleted_at IS NOT NULL AS "isDeleted",
          CASE WHEN counted_version = version THEN kept_bytes::float8 END AS kept, active_snapshot_bytes::float8 AS "activeSnapshot",
          active_update_bytes::float8 AS "activeUpdates"
        FROM document
        UNION ALL
        SELECT (version / 64)::int, NULL, NULL, NULL, NULL, NULL, string_agg(data, ',' ORDER BY version), NULL, count(*)::int, NULL, NULL, NULL, NULL FROM missing GROUP BY version / 64`
      return rows.sort((a, b) => a.position - b.position)
    } catch (cause) {
      throw Object.assign(new DatabaseFailed((cause as Error).message), { cause })
    }
  }

  /** The texts are one text, a line each, for JSON has no line breaks: an array of them takes both sides longer, quote by quote. */
  async saveUpdates (documentId: string, updates: UpdateChange[]): Promise<number> {
    const { snapshotId } = updates[0]!
    const { before, after } = clocksAround(updates)
    const previous = Object.fromEntries(Object.entries(before).filter(([, clock]) => clock >= 0))
    const newAuthors = Object.keys(before).filter((author) => before[author] === -1)
    const texts = updates.map(({ text }) => text).join('\n')
    const bytes = Buffer.byteLength(texts) - (updates.length - 1)
    const [saved] = await this.#db.$queryRaw<Saved[]>`
      WITH document AS (
        UPDATE secsync_document
        SET clocks = clocks || ${JSON.stringify(after)}::jsonb, version = version + added.updates, counted_version = counted_version + added.updates,
          update_count = update_count + added.updates, active_updates = active_updates + added.updates,
          active_update_bytes = active_update_bytes + added.bytes, kept_bytes = kept_bytes + added.bytes,
          changed_at = CASE WHEN changed_at > now() - interval '1 minute' THEN changed_at ELSE now() END
        FROM (SELECT ${updates.length}::int AS updates, ${bytes}::int8 AS bytes) added
        WHERE id = ${documentId} AND active_snapshot_id = ${snapshotId}
          AND clocks @> ${JSON.stringify(previous)}::jsonb AND NOT clocks ?| ${newAuthors}::text[]
        RETURNING id, active_snapshot_id, version
      ), saved AS (
        INSERT INTO secsync_update (document_id, snapshot_id, author, clock, version, data)
        SELECT document.id, document.active_snapshot_id, u.author, u.clock, document.version - ${updates.length}::int + u.position, u.data
        FROM document, unnest(${updates.map(({ author }) => author)}::text[], ${updates.map(({ clock }) => clock)}::bigint[],
          string_to_array(${texts}, chr(10))) WITH ORDINALITY AS u(author, clock, data, position)
      )
      SELECT version::float8 FROM document`
    if (saved === undefined) throw new UpdateConflict()
    return saved.version
  }

  async saveSnapshot (documentId: string, snapshot: SnapshotChange): Promise<number> {
    const { snapshotId, parentSnapshotId, parentClocks, message, text } = snapshot
    const { signature, ciphertext, publicData: { pubKey, parentSnapshotProof: proof } } = message
    // What is read of both rows never changes once they are there, so that they can be read ahead of the write. Version 0.1 stored a signature
    // in `data` only, at its end. `data` may have been removed since, but not without setting the signature.
    const rows = await this.#db.$queryRaw<Array<StoredSnapshot & { isDeleted: boolean }>>`
      SELECT snapshot.id AS "snapshotId", parent_snapshot_proof AS "parentSnapshotProof", ciphertext_hash AS "snapshotCiphertextHash",
        snapshot.version::float8, coalesce(signature, left(right(data, 88), 86)) = ${signature} AS same, deleted_at IS NOT NULL AS "isDeleted"
      FROM secsync_document document LEFT JOIN secsync_snapshot snapshot ON document_id = document.id AND snapshot.id IN (${snapshotId}, ${parentSnapshotId})
      WHERE document.id = ${documentId}`
    if (rows[0]?.isDeleted) throw new DocumentDeleted()
    const stored = checkSnapshot(snapshot, rows)
    if (stored !== undefined) return stored

    const ciphertextHash = hash(ciphertext)
    const bytes = Buffer.byteLength(text)
    const [saved] = parentSnapshotId === ''
      ? await this.#db.$queryRaw<Saved[]>`
        WITH document AS (
          INSERT INTO secsync_document (id, active_snapshot_id, clocks, version, counted_version, snapshot_count, kept_bytes, active_snapshot_bytes)
          VALUES (${documentId}, ${snapshotId}, '{}', 1, 1, 1, ${bytes}, ${bytes})
          ON CONFLICT (id) DO NOTHING
          RETURNING id, version
        )
        INSERT INTO secsync_snapshot (document_id, id, version, parent_snapshot_proof, ciphertext_hash, data, signature, author, bytes)
        SELECT id, ${snapshotId}, version, ${proof}, ${ciphertextHash}, ${text}, ${signature}, ${pubKey}, ${bytes}::int8 FROM document
        RETURNING version::float8`
      : await this.#db.$queryRaw<Saved[]>`
        WITH document AS (
          UPDATE secsync_document SET active_snapshot_id = ${snapshotId}, clocks = '{}', version = version + 1,
            counted_version = counted_version + 1, snapshot_count = snapshot_count + 1, active_updates = 0, active_update_bytes = 0,
            active_snapshot_bytes = ${bytes}::int8, kept_bytes = kept_bytes + ${bytes}::int8,
            changed_at = CASE WHEN changed_at > now() - interval '1 minute' THEN changed_at ELSE now() END
          WHERE id = ${documentId} AND active_snapshot_id = ${parentSnapshotId} AND clocks = ${JSON.stringify(parentClocks)}::jsonb
          RETURNING id, version
        )
        INSERT INTO secsync_snapshot (document_id, id, version, parent_snapshot_proof, ciphertext_hash, data, signature, author, bytes)
        SELECT id, ${snapshotId}, version, ${proof}, ${ciphertextHash}, ${text}, ${signature}, ${pubKey}, ${bytes}::int8 FROM document
        RETURNING version::float8`
    if (saved !== undefined) return saved.version
    const document = await this.load(documentId, { mode: 'delta', knownSnapshotId: parentSnapshotId, knownSnapshotUpdateClocks: parentClocks })
    if (document === undefined) throw new DocumentDeleted()
    if (document.cursor.snapshotId !== parentSnapshotId) throw new SecsyncSnapshotBasedOnOutdatedSnapshotError('The parent is not the active snapshot')
    throw new SecsyncSnapshotMissesUpdatesError('The clocks are not those of the active snapshot')
  }
}

interface Saved {
  version: number
}

interface DocumentRow {
  /** -1: the document, which has all but updates. From 0 on: updates. */
  position: number
  snapshotId: string
  clocks: string
  version: number
  snapshot: string | null
  snapshotProofChain: string | null
  updates: string | null
  /** Whether the rows hold the updates behind the known clocks only. */
  continues: boolean | null
  /** Updates in this row. */
  count: number
  isDeleted: boolean | null
  /** Null if the document is not counted. */
  kept: number | null
  activeSnapshot: number
  activeUpdates: number
}
