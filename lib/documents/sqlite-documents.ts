import type { Snapshot } from '../protocol/messages.ts'
import type { PrismaClientLike } from '../stores/prisma.ts'
import { documentExists, findSnapshot, listVersions } from '../stores/sqlite-history.ts'
import { askDatabase } from './ask-database.ts'
import type { Documents } from './documents.ts'
import { historyOf } from './history.ts'
import { checkDocumentId } from './queries.ts'
import type { HistoryPage, HistoryQuery } from './schemas.ts'

/** What there is of `Documents` on SQLite: the history. */
export class SqliteDocuments implements Pick<Documents, 'exists' | 'history' | 'snapshot'> {
  readonly #db: PrismaClientLike

  constructor (db: PrismaClientLike) {
    this.#db = db
  }

  async exists (documentId: string): Promise<boolean> {
    return checkDocumentId('exists', documentId) && await askDatabase(() => documentExists(this.#db, documentId))
  }

  async history (documentId: string, query: HistoryQuery = {}): Promise<HistoryPage | undefined> {
    return await historyOf({
      list: (...args) => askDatabase(() => listVersions(this.#db, ...args)),
      exists: (id) => this.exists(id)
    }, documentId, query)
  }

  async snapshot (documentId: string, snapshotId: string): Promise<Snapshot | undefined> {
    const text = await this.snapshotText(documentId, snapshotId)
    return text === undefined ? undefined : JSON.parse(text) as Snapshot
  }

  /** The same as JSON, without parsing it. */
  async snapshotText (documentId: string, snapshotId: string): Promise<string | undefined> {
    if (!checkDocumentId('snapshot', documentId) || !checkDocumentId('snapshot', snapshotId)) return undefined
    return await askDatabase(() => findSnapshot(this.#db, documentId, snapshotId))
  }
}
