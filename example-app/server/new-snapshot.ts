// After the removal of a member a document needs a new key, and the key changes with a snapshot. So the snapshot that was active
// at the removal takes no more updates: the plugin tells clients that send one to make a new snapshot.
import { SecsyncNewSnapshotRequiredError, type Hook, type Update } from 'fastify-secsync'
import type { PrismaClient } from './prisma-client/client.ts'
import { ShortMemory } from './short-memory.ts'

export class RefusedSnapshots {
  readonly #refused: ShortMemory<string | null>

  constructor (prisma: PrismaClient) {
    this.#refused = new ShortMemory(async (documentId) => {
      const document = await prisma.appDocument.findUnique({ where: { id: documentId }, select: { refusedSnapshotId: true } })
      return document?.refusedSnapshotId ?? null
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
