// After the removal of a member a document needs a new key, and the key changes with a snapshot. So the snapshot that was active
// at the removal takes no more updates: the plugin tells clients that send one to make a new snapshot.
import { SecsyncNewSnapshotRequiredError, type Hook, type Update } from 'fastify-secsync'
import type { Pool } from 'pg'
import { ShortMemory } from './short-memory.ts'

export class RefusedSnapshots {
  readonly #refused: ShortMemory<string | null>

  constructor (db: Pool) {
    this.#refused = new ShortMemory(async (documentId) => {
      const { rows: [row] } = await db.query<{ id: string | null }>('SELECT refused_snapshot_id AS id FROM app_document WHERE id = $1', [documentId])
      return row?.id ?? null
    })
  }

  /** For `app.secsync.addHook('preHandler', …)`. */
  readonly hook: Hook<'preHandler'> = async ({ action, documentId, message }) => {
    if (action !== 'write-update') return
    if ((message as Update).publicData.refSnapshotId === await this.#refused.get(documentId)) {
      throw new SecsyncNewSnapshotRequiredError('A member was removed: the document needs a snapshot with a new key')
    }
  }

  /** After a removal, so that it holds from now on. */
  forget (documentId: string): void {
    this.#refused.forget(documentId)
  }

  close (): void {
    this.#refused.close()
  }
}

declare module 'fastify' {
  interface FastifyInstance { refusedSnapshots: RefusedSnapshots }
}
