import type { PrismaClientLike } from '../stores/prisma.ts'
import type { DocumentRow, SnapshotRow, UpdateRow } from '../stores/rows.ts'

/**
 * What became of a document of an archive:
 *
 * - `created`: it was not there.
 * - `extended`: a part of it was there, and the rest was added.
 * - `unchanged`: it was there.
 * - `newer`: it was there, with changes that the archive does not have.
 * - `refused`: nothing was changed. `reason` says why.
 */
export interface ImportReport {
  /** Empty if the archive is damaged outside of its documents. */
  documentId: string
  outcome: 'created' | 'extended' | 'unchanged' | 'newer' | 'refused'
  /** What was added. */
  snapshots: number
  updates: number
  reason?: string
}

/** The document that is there already. */
interface Existing {
  version: number
  isDeleted: boolean
}

/** One document that is being imported, in a transaction that holds the lock of its row. It is verified elsewhere. */
export class ImportedDocument {
  readonly id: string
  readonly #db: PrismaClientLike
  readonly #document: DocumentRow
  #existing: Existing | undefined
  /** Why it cannot be imported. */
  #conflict: string | undefined
  /** Rows of the archive that are stored already, and those that are not, and were added. */
  readonly #same = { snapshots: 0, updates: 0 }
  readonly #added = { snapshots: 0, updates: 0 }
  #bytes = 0
  #activeUpdates = { count: 0, bytes: 0 }
  #activeSnapshotBytes = 0
  #keptSnapshots = 0
  #changedAt: number
  /** Snapshots whose updates the archive may not have, and those whose updates the database may not have. */
  readonly #prunedHere = new Set<string>()
  readonly #prunedThere = new Set<string>()

  constructor (db: PrismaClientLike, document: DocumentRow) {
    this.id = document.id
    this.#db = db
    this.#document = document
    this.#changedAt = document.createdAt
  }

  async begin (): Promise<void> {
    const { id, activeSnapshotId, clocks, version, createdAt } = this.#document
    const created = await this.#db.$queryRaw<unknown[]>`
      INSERT INTO secsync_document (id, active_snapshot_id, clocks, version, created_at, counted_version)
      VALUES (${id}, ${activeSnapshotId}, ${clocks}::jsonb, ${version}::bigint, to_timestamp(${createdAt}::float8 / 1000), -1)
      ON CONFLICT (id) DO NOTHING RETURNING true`
    if (created.length > 0) return
    const [existing] = await this.#db.$queryRaw<Existing[]>`
      SELECT version::float8, deleted_at IS NOT NULL AS "isDeleted" FROM secsync_document WHERE id = ${id} FOR UPDATE`
    this.#existing = existing
    if (existing === undefined) this.#conflict = 'the document is being deleted'
    else if (existing.isDeleted) this.#conflict = 'the document was deleted in this database, and a deleted document does not come back by an import'
  }

  async addSnapshots (rows: SnapshotRow[]): Promise<void> {
    if (this.#conflict !== undefined) return
    for (const { id, isPruned, data, createdAt, bytes } of rows) {
      if (isPruned) this.#prunedHere.add(id)
      this.#changedAt = Math.max(this.#changedAt, createdAt)
      if (data === null) continue
      this.#keptSnapshots++
      this.#bytes += bytes ?? 0
      this.#activeSnapshotBytes = bytes ?? 0
    }
    const missing = this.#existing === undefined ? rows : await this.#missingSnapshots(rows, this.#existing)
    if (this.#conflict !== undefined) return
    this.#added.snapshots += missing.length
    // One by one, for each may have some megabytes.
    for (const { id, version, parentSnapshotProof, ciphertextHash, createdAt, data, signature, author, bytes, isPruned } of missing) {
      const inserted = await this.#db.$queryRaw<unknown[]>`
        INSERT INTO secsync_snapshot
          (document_id, id, version, parent_snapshot_proof, ciphertext_hash, created_at, data, signature, author, bytes, pruned_at)
        VALUES (${this.id}, ${id}, ${version}::bigint, ${parentSnapshotProof}, ${ciphertextHash}, to_timestamp(${createdAt}::float8 / 1000),
          ${data}, ${signature}, ${author}, ${bytes}::bigint, CASE WHEN ${isPruned} THEN now() END)
        ON CONFLICT DO NOTHING RETURNING true`
      if (inserted.length === 0) this.#refuse(`it has another snapshot with version ${version}`)
    }
  }

  async #missingSnapshots (rows: SnapshotRow[], existing: Existing): Promise<SnapshotRow[]> {
    const stored = await this.#db.$queryRaw<Array<Pick<SnapshotRow, 'id' | 'version' | 'parentSnapshotProof' | 'ciphertextHash' | 'data' | 'isPruned'>>>`
      SELECT id, version::float8, parent_snapshot_proof AS "parentSnapshotProof", ciphertext_hash AS "ciphertextHash", data, pruned_at IS NOT NULL AS "isPruned"
      FROM secsync_snapshot WHERE document_id = ${this.id} AND id = ANY(${rows.map(({ id }) => id)}::text[])`
    const byId = new Map(stored.map((row) => [row.id, row]))
    return rows.filter((row) => {
      const { id, version } = row
      const other = byId.get(id)
      if (other === undefined) {
        if (version <= existing.version) this.#refuse(`it has no snapshot ${id}`)
        return true
      }
      const isSame = other.version === version && other.parentSnapshotProof === row.parentSnapshotProof && other.ciphertextHash === row.ciphertextHash &&
        (row.data === null || other.data === null || row.data === other.data)
      if (!isSame) this.#refuse(`it has another snapshot ${id}`)
      if (other.isPruned) this.#prunedThere.add(id)
      this.#same.snapshots++
      return false
    })
  }

  async addUpdates (rows: UpdateRow[]): Promise<void> {
    if (this.#conflict !== undefined) return
    for (const { snapshotId, createdAt, data } of rows) {
      const bytes = Buffer.byteLength(data)
      this.#changedAt = Math.max(this.#changedAt, createdAt)
      this.#bytes += bytes
      if (snapshotId !== this.#document.activeSnapshotId) continue
      this.#activeUpdates.count++
      this.#activeUpdates.bytes += bytes
    }
    const missing = this.#existing === undefined ? rows : await this.#missingUpdates(rows, this.#existing)
    if (missing.length === 0 || this.#conflict !== undefined) return
    this.#added.updates += missing.length
    const [inserted] = await this.#db.$queryRaw<Array<{ count: number }>>`
      WITH inserted AS (
        INSERT INTO secsync_update (document_id, snapshot_id, author, clock, version, created_at, data)
        SELECT ${this.id}, u.snapshot_id, u.author, u.clock, u.version, to_timestamp(u.created_at / 1000), u.data
        FROM unnest(${missing.map(({ snapshotId }) => snapshotId)}::text[], ${missing.map(({ author }) => author)}::text[],
          ${missing.map(({ clock }) => clock)}::bigint[], ${missing.map(({ version }) => version)}::bigint[],
          ${missing.map(({ createdAt }) => createdAt)}::float8[], string_to_array(${missing.map(({ data }) => data).join('\n')}, chr(10))
        ) AS u(snapshot_id, author, clock, version, created_at, data)
        ON CONFLICT DO NOTHING RETURNING 1
      ) SELECT count(*)::int FROM inserted`
    // The archive has one twice, for those that were stored before are not among them.
    if (inserted?.count !== missing.length) this.#conflict ??= 'two updates of the archive have one place'
  }

  async #missingUpdates (rows: UpdateRow[], existing: Existing): Promise<UpdateRow[]> {
    const stored = await this.#db.$queryRaw<Array<{ position: number, version: number, data: string }>>`
      SELECT u.position::int, stored.version::float8, stored.data
      FROM unnest(${rows.map(({ snapshotId }) => snapshotId)}::text[], ${rows.map(({ author }) => author)}::text[],
        ${rows.map(({ clock }) => clock)}::bigint[]) WITH ORDINALITY AS u(snapshot_id, author, clock, position)
      JOIN secsync_update stored ON stored.document_id = ${this.id} AND stored.snapshot_id = u.snapshot_id AND stored.author = u.author
        AND stored.clock = u.clock`
    const byPosition = new Map(stored.map((row) => [row.position, row]))
    return rows.filter(({ snapshotId, author, clock, version, data }, index) => {
      const other = byPosition.get(index + 1)
      if (other === undefined) {
        // What was pruned stays so.
        if (this.#prunedThere.has(snapshotId)) return false
        if (version <= existing.version) this.#refuse(`it has no update ${clock} of author ${author} on snapshot ${snapshotId}`)
        return true
      }
      if (other.version !== version || other.data !== data) this.#refuse(`it has another update ${clock} of author ${author} on snapshot ${snapshotId}`)
      if (!this.#prunedHere.has(snapshotId)) this.#same.updates++
      return false
    })
  }

  #refuse (reason: string): void {
    this.#conflict ??= `the database has the document with other changes: ${reason}. Delete that document, or import into another database`
  }

  /** Compares what was stored before with the archive, and completes the row of the document. */
  async finish (): Promise<ImportReport> {
    const report = { documentId: this.id, ...this.#added }
    if (this.#existing === undefined && this.#conflict === undefined) {
      await this.#count()
      return { ...report, outcome: 'created' }
    }
    const more = this.#existing === undefined ? 0 : await this.#othersOf()
    if (this.#conflict !== undefined) return { documentId: this.id, snapshots: 0, updates: 0, outcome: 'refused', reason: this.#conflict }
    if (this.#added.snapshots + this.#added.updates === 0) return { ...report, outcome: more === 0 ? 'unchanged' : 'newer' }
    await this.#extend()
    return { ...report, outcome: 'extended' }
  }

  /** How many changes the database has that the archive does not. */
  async #othersOf (): Promise<number> {
    const { version } = this.#document
    const [stored = { snapshots: 0, updates: 0, newer: 0 }] = await this.#db.$queryRaw<Array<Record<'snapshots' | 'updates' | 'newer', number>>>`
      WITH stored AS (
        SELECT 'snapshot' AS kind, version FROM secsync_snapshot WHERE document_id = ${this.id} AND id NOT LIKE '% %'
        UNION ALL
        SELECT 'update', version FROM secsync_update
        WHERE document_id = ${this.id} AND author NOT LIKE '% %' AND snapshot_id NOT LIKE '% %' AND NOT snapshot_id = ANY(${[...this.#prunedHere]}::text[])
      )
      SELECT count(*) FILTER (WHERE kind = 'snapshot' AND version <= ${version}::bigint)::float8 AS snapshots,
        count(*) FILTER (WHERE kind = 'update' AND version <= ${version}::bigint)::float8 AS updates,
        count(*) FILTER (WHERE version > ${version}::bigint)::float8 AS newer
      FROM stored`
    const added = this.#added.snapshots + this.#added.updates
    const others = stored.snapshots + stored.updates - added - this.#same.snapshots - this.#same.updates
    if (others > 0 || (stored.newer > 0 && added > 0)) this.#refuse(`it has ${others + stored.newer} that the archive does not have`)
    return stored.newer
  }

  /** Of a document that is new, everything is known. */
  async #count (): Promise<void> {
    await this.#db.$queryRaw`
      UPDATE secsync_document SET counted_version = version, snapshot_count = ${this.#keptSnapshots}, update_count = ${this.#added.updates},
        kept_bytes = ${this.#bytes}, active_updates = ${this.#activeUpdates.count}, active_update_bytes = ${this.#activeUpdates.bytes},
        active_snapshot_bytes = ${this.#activeSnapshotBytes}, changed_at = to_timestamp(${this.#changedAt}::float8 / 1000)
      WHERE id = ${this.id}`
  }

  async #extend (): Promise<void> {
    const { activeSnapshotId, clocks, version } = this.#document
    await this.#db.$queryRaw`
      UPDATE secsync_document SET active_snapshot_id = ${activeSnapshotId}, clocks = ${clocks}::jsonb, version = ${version}::bigint, counted_version = -1,
        changed_at = now()
      WHERE id = ${this.id}`
  }
}
