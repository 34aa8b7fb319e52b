import { DatabaseFailed, DatabaseNotMigrated, SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, UpdateConflict } from '../errors.ts'
import type { SnapshotChange, UpdateChange } from '../protocol/changes.ts'
import type { UpdateClocks } from '../protocol/clocks.ts'
import { hash } from '../protocol/proof.ts'
import type { AdapterClient } from './adapter.ts'
import { checkSnapshot, clocksAround, type StoredSnapshot } from './checks.ts'
import type { Known, LoadedDocument, Store } from './store.ts'

const tables = ['secsync_document', 'secsync_snapshot', 'secsync_update']

/**
 * Documents in a file of SQLite, for one process. Every write is a transaction whose first statement updates the document's row under a condition,
 * as in PostgreSQL. SQLite has no statement that writes two tables. Numbers of the adapter may be strings.
 */
export class SqliteStore implements Store {
  readonly groupsUpdates = true
  readonly sharesLoads = true
  readonly #db: AdapterClient

  constructor (db: AdapterClient) {
    this.#db = db
  }

  /** Rejects when the tables are missing; with another error, when the database cannot be asked now. */
  async check (): Promise<void> {
    const rows = await this.#db.$queryRaw<Array<{ name: string }>>`SELECT name FROM sqlite_master WHERE type = 'table'`
    const missing = tables.filter((table) => !rows.some(({ name }) => name === table))
    if (missing.length > 0) throw new DatabaseNotMigrated(missing.join(', '))
  }

  /** One query, so that it reads one state of the database. */
  async load (documentId: string, { mode, knownSnapshotId: known = '', knownSnapshotUpdateClocks: clocks = {} }: Known): Promise<LoadedDocument> {
    const [row] = await this.#ask(async () => await this.#db.$queryRaw<DocumentRow[]>`
      SELECT active_snapshot_id AS "snapshotId", clocks, version, kept_bytes AS kept, active_snapshot_bytes AS "activeSnapshot",
        active_update_bytes AS "activeUpdates",
        CASE WHEN NOT continues THEN (
          SELECT data FROM secsync_snapshot WHERE document_id = document.id AND id = active_snapshot_id
        ) END AS snapshot,
        CASE WHEN NOT continues THEN (
          SELECT json_group_array(json_object('snapshotId', id, 'parentSnapshotProof', parent_snapshot_proof,
            'snapshotCiphertextHash', ciphertext_hash) ORDER BY version)
          FROM secsync_snapshot WHERE document_id = document.id
            AND version > (SELECT version FROM secsync_snapshot WHERE document_id = document.id AND id = ${known})
        ) END AS "snapshotProofChain",
        (
          SELECT group_concat(data, ',' ORDER BY version) FROM secsync_update stored
          WHERE document_id = document.id AND snapshot_id = active_snapshot_id
            AND (NOT continues OR clock > coalesce((SELECT value FROM json_each(${JSON.stringify(clocks)}) WHERE key = stored.author), -1))
        ) AS updates
      FROM (
        SELECT *, ${mode === 'delta' ? 1 : 0} AND active_snapshot_id = ${known} AS continues FROM secsync_document WHERE id = ${documentId}
      ) document`)
    if (row === undefined) return { updates: '', cursor: { snapshotId: '', clocks: {}, version: 0 }, bytes: { kept: 0, activeSnapshot: 0, activeUpdates: 0 } }
    return {
      snapshot: row.snapshot ?? undefined,
      snapshotProofChain: row.snapshotProofChain ?? undefined,
      updates: row.updates ?? '',
      cursor: { snapshotId: row.snapshotId, clocks: JSON.parse(row.clocks) as UpdateClocks, version: Number(row.version) },
      bytes: { kept: Number(row.kept), activeSnapshot: Number(row.activeSnapshot), activeUpdates: Number(row.activeUpdates) }
    }
  }

  async saveUpdates (documentId: string, updates: UpdateChange[]): Promise<number> {
    const { snapshotId } = updates[0]!
    const { before, after } = clocksAround(updates)
    const bytes = updates.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
    return await this.#db.transaction('SERIALIZABLE', async (db) => {
      const [saved] = await db.$queryRaw<Saved[]>`
        UPDATE secsync_document
        SET clocks = json_patch(clocks, ${JSON.stringify(after)}), version = version + ${updates.length}, update_count = update_count + ${updates.length},
          active_updates = active_updates + ${updates.length}, active_update_bytes = active_update_bytes + ${bytes}, kept_bytes = kept_bytes + ${bytes},
          changed_at = CURRENT_TIMESTAMP
        WHERE id = ${documentId} AND active_snapshot_id = ${snapshotId} AND NOT EXISTS (
          SELECT 1 FROM json_each(${JSON.stringify(before)}) expected LEFT JOIN json_each(clocks) stored ON stored.key = expected.key
          WHERE coalesce(stored.value, -1) <> expected.value
        )
        RETURNING version`
      if (saved === undefined) throw new UpdateConflict()
      const version = Number(saved.version)
      const rows = JSON.stringify(updates.map(({ author, clock, text }, index) => [author, clock, version - updates.length + index + 1, text]))
      await db.$queryRaw`
        INSERT INTO secsync_update (document_id, snapshot_id, author, clock, version, data)
        SELECT ${documentId}, ${snapshotId}, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(${rows})`
      return version
    })
  }

  async saveSnapshot (documentId: string, snapshot: SnapshotChange): Promise<number> {
    const { snapshotId, parentSnapshotId, parentClocks, message, text } = snapshot
    const { signature, ciphertext, publicData: { pubKey, parentSnapshotProof: proof } } = message
    // What is read of both rows never changes once they are there, so that they can be read ahead of the write.
    const rows = await this.#db.$queryRaw<Array<Omit<StoredSnapshot, 'same'> & { signature: string }>>`
      SELECT id AS "snapshotId", parent_snapshot_proof AS "parentSnapshotProof", ciphertext_hash AS "snapshotCiphertextHash", version, signature
      FROM secsync_snapshot WHERE document_id = ${documentId} AND id IN (${snapshotId}, ${parentSnapshotId})`
    const stored = checkSnapshot(snapshot, rows.map((row) => ({ ...row, version: Number(row.version), same: row.signature === signature })))
    if (stored !== undefined) return stored

    const bytes = Buffer.byteLength(text)
    const clocks = JSON.stringify(parentClocks)
    const version = await this.#db.transaction('SERIALIZABLE', async (db) => {
      const [saved] = parentSnapshotId === ''
        ? await db.$queryRaw<Saved[]>`
          INSERT INTO secsync_document (id, active_snapshot_id, clocks, version, snapshot_count, update_count, kept_bytes, active_updates,
            active_update_bytes, active_snapshot_bytes)
          VALUES (${documentId}, ${snapshotId}, '{}', 1, 1, 0, ${bytes}, 0, 0, ${bytes})
          ON CONFLICT DO NOTHING
          RETURNING version`
        : await db.$queryRaw<Saved[]>`
          UPDATE secsync_document SET active_snapshot_id = ${snapshotId}, clocks = '{}', version = version + 1, snapshot_count = snapshot_count + 1,
            active_updates = 0, active_update_bytes = 0, active_snapshot_bytes = ${bytes}, kept_bytes = kept_bytes + ${bytes},
            changed_at = CURRENT_TIMESTAMP
          WHERE id = ${documentId} AND active_snapshot_id = ${parentSnapshotId}
            AND (SELECT count(*) FROM json_each(clocks)) = (SELECT count(*) FROM json_each(${clocks}))
            AND NOT EXISTS (
              SELECT 1 FROM json_each(${clocks}) expected LEFT JOIN json_each(clocks) stored ON stored.key = expected.key
              WHERE stored.value IS NOT expected.value
            )
          RETURNING version`
      if (saved === undefined) return undefined
      await db.$queryRaw`
        INSERT INTO secsync_snapshot (document_id, id, version, parent_snapshot_proof, ciphertext_hash, data, signature, author, bytes)
        VALUES (${documentId}, ${snapshotId}, ${Number(saved.version)}, ${proof}, ${hash(ciphertext)}, ${text}, ${signature}, ${pubKey}, ${bytes})`
      return Number(saved.version)
    })
    if (version !== undefined) return version
    const { cursor } = await this.load(documentId, { mode: 'delta', knownSnapshotId: parentSnapshotId, knownSnapshotUpdateClocks: parentClocks })
    if (cursor.snapshotId !== parentSnapshotId) throw new SecsyncSnapshotBasedOnOutdatedSnapshotError('The parent is not the active snapshot')
    throw new SecsyncSnapshotMissesUpdatesError('The clocks are not those of the active snapshot')
  }

  async #ask<T> (query: () => Promise<T>): Promise<T> {
    try {
      return await query()
    } catch (cause) {
      throw Object.assign(new DatabaseFailed((cause as Error).message), { cause })
    }
  }
}

interface Saved {
  version: number | string
}

interface DocumentRow extends Saved {
  snapshotId: string
  clocks: string
  snapshot: string | null
  snapshotProofChain: string | null
  updates: string | null
  kept: number | string
  activeSnapshot: number | string
  activeUpdates: number | string
}
