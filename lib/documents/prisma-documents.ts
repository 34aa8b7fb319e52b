import { recount } from '../stores/counts.ts'
import { findDocument, findUncounted, listByChange, listById, sumUsage, type DocumentRow, type Place } from '../stores/document-rows.ts'
import { findSnapshot, listVersions } from '../stores/history.ts'
import type { PrismaClientLike } from '../stores/prisma.ts'
import { Pace } from '../stores/pace.ts'
import { prune, type PruneOptions } from '../stores/prune.ts'
import { deleteDocument, findDeletion, nextToPurge, purgeSome, restoreDocument, type DeletionRow } from '../stores/deletion.ts'
import { askDatabase } from './ask-database.ts'
import { cursorOf, placeOf } from './cursor.ts'
import type { Documents } from './documents.ts'
import { DocumentHistory } from './history.ts'
import { checkDocumentId, checkQuery } from './queries.ts'
import {
  DeleteOptions, ListQuery, Retention, UsageQuery, type DocumentInfo, type DocumentPage, type Pruned, type Receipt, type Usage
} from './schemas.ts'

const countedAtOnce = 100

/** The documents of the Prisma store. */
export class PrismaDocuments extends DocumentHistory implements Documents {
  readonly #db: PrismaClientLike

  constructor (db: PrismaClientLike) {
    super({ list: async (...args) => await listVersions(db, ...args), find: async (...args) => await findSnapshot(db, ...args) })
    this.#db = db
  }

  async list (query: ListQuery = {}): Promise<DocumentPage> {
    const { prefix = '', orderBy = 'documentId', descending = false, limit = 100, cursor } = checkQuery('list', ListQuery, query)
    const direction = descending ? 'descending' : 'ascending'
    const after = cursor === undefined ? undefined : placeOf(cursor, orderBy, direction)
    const list = orderBy === 'documentId' ? listById : listByChange
    // One more than asked for tells whether there is another page.
    const rows = await askDatabase(() => list(this.#db, { prefix, limit: limit + 1, direction }, after))
    const page = rows.slice(0, limit)
    const last: Place | undefined = page.at(-1)
    return {
      documents: page.map(infoOf),
      ...rows.length > limit && last && { cursor: cursorOf(last, orderBy, direction) }
    }
  }

  async get (documentId: string): Promise<DocumentInfo | undefined> {
    if (!checkDocumentId('get', documentId)) return undefined
    return await askDatabase(async () => {
      let row = await findDocument(this.#db, documentId)
      if (row?.isCounted === false) {
        await recount(this.#db, documentId)
        row = await findDocument(this.#db, documentId)
      }
      return row && infoOf(row)
    })
  }

  async exists (documentId: string): Promise<boolean> {
    if (!checkDocumentId('exists', documentId)) return false
    return await askDatabase(() => findDocument(this.#db, documentId)) !== undefined
  }

  async usage (query: UsageQuery = {}): Promise<Usage> {
    const { prefix = '' } = checkQuery('usage', UsageQuery, query)
    const { deletedDocuments, deletedBytes, ...sums } = await askDatabase(() => sumUsage(this.#db, prefix))
    return { ...sums, deleted: { documents: deletedDocuments, bytes: deletedBytes } }
  }

  async delete (documentId: string, options: DeleteOptions = {}): Promise<Receipt | undefined> {
    const { restorableFor = 0 } = checkQuery('delete', DeleteOptions, options)
    if (!checkDocumentId('delete', documentId)) return undefined
    const deletion = await askDatabase(() => deleteDocument(this.#db, documentId, restorableFor))
    return deletion && receiptOf(deletion)
  }

  async receipt (documentId: string): Promise<Receipt | undefined> {
    if (!checkDocumentId('receipt', documentId)) return undefined
    const deletion = await askDatabase(() => findDeletion(this.#db, documentId))
    return deletion && receiptOf(deletion)
  }

  async restore (documentId: string): Promise<boolean> {
    return checkDocumentId('restore', documentId) && await askDatabase(() => restoreDocument(this.#db, documentId))
  }

  async purge ({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<number> {
    // At most half of one connection's time.
    const pace = new Pace(0.5, signal)
    let purged = 0
    for (;;) {
      const documentId = await askDatabase(() => nextToPurge(this.#db))
      if (documentId === undefined) return purged
      for (let isLeft = true; isLeft;) {
        if (signal?.aborted) return purged
        isLeft = await pace.run(() => askDatabase(() => purgeSome(this.#db, documentId)))
      }
      purged++
    }
  }

  async prune (retention: Retention, { share, signal, ifBusy }: Omit<PruneOptions, 'onPruned'> = {}): Promise<Pruned> {
    const kept = checkQuery('prune', Retention, retention)
    const pruned = { snapshots: 0, updates: 0 }
    await askDatabase(async () => {
      try {
        await prune(this.#db, kept, {
          share,
          signal,
          ifBusy,
          onPruned ({ snapshots, updates }) {
            pruned.snapshots += snapshots
            pruned.updates += updates
          }
        })
      } catch (error) {
        if (signal?.aborted !== true) throw error
      }
    })
    return pruned
  }

  async recount ({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<number> {
    let counted = 0
    // Half of one connection's time.
    const pace = new Pace(0.5, signal)
    for (let after = ''; ;) {
      const ids = await askDatabase(() => findUncounted(this.#db, after, countedAtOnce))
      for (const id of ids) {
        if (signal?.aborted) return counted
        await pace.run(() => askDatabase(() => recount(this.#db, id)))
        after = id
        counted++
      }
      if (ids.length < countedAtOnce) return counted
    }
  }
}

function infoOf (row: DocumentRow): DocumentInfo {
  const { documentId, createdAt, changedAt, version, activeSnapshotId, authors, isCounted, snapshots, updates, liveBytes, keptBytes } = row
  return {
    documentId,
    createdAt: new Date(createdAt).toISOString(),
    changedAt: new Date(changedAt).toISOString(),
    version,
    activeSnapshotId,
    authors,
    ...isCounted && { usage: { snapshots, updates, liveBytes, keptBytes } }
  }
}

function receiptOf ({ deletedAt, restorableUntil, purgedAt, ...deletion }: DeletionRow): Receipt {
  return {
    ...deletion,
    deletedAt: new Date(deletedAt).toISOString(),
    ...restorableUntil > deletedAt && { restorableUntil: new Date(restorableUntil).toISOString() },
    ...purgedAt !== null && { purgedAt: new Date(purgedAt).toISOString() }
  }
}
