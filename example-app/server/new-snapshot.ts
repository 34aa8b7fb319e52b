// After the removal of a member a document needs a new key, and the key changes with a snapshot. So the snapshot that was active
// at the removal takes no more updates: the plugin tells clients that send one to make a new snapshot.
import { SecsyncNewSnapshotRequiredError, type Hook, type Update } from 'fastify-secsync'
import type { Pool } from 'pg'

/** Asked for each update, so it is kept in memory: one entry per document in which somebody was removed. */
export class RefusedSnapshots {
  readonly #snapshotOf = new Map<string, string>()

  /** Those from before the server was started. */
  async load (db: Pool): Promise<void> {
    const { rows } = await db.query<{ id: string, snapshotId: string }>(
      `SELECT document.id, active_snapshot_id AS "snapshotId" FROM app_document document
       JOIN secsync_document ON secsync_document.id = document.id AND active_snapshot_id = refused_snapshot_id`)
    for (const { id, snapshotId } of rows) this.refuse(id, snapshotId)
  }

  refuse (documentId: string, snapshotId: string): void {
    this.#snapshotOf.set(documentId, snapshotId)
  }

  /** For `app.secsync.addHook('preHandler', …)`. */
  readonly hook: Hook = ({ action, documentId, message }) => {
    if (action === 'write-update' && (message as Update).publicData.refSnapshotId === this.#snapshotOf.get(documentId)) {
      throw new SecsyncNewSnapshotRequiredError('A member was removed: the document needs a snapshot with a new key')
    }
  }
}

declare module 'fastify' {
  interface FastifyInstance { refusedSnapshots: RefusedSnapshots }
}
