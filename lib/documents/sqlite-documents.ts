import type { PrismaClientLike } from '../stores/prisma.ts'
import { documentExists, findSnapshot, listVersions } from '../stores/sqlite-history.ts'
import { askDatabase } from './ask-database.ts'
import { DocumentHistory } from './history.ts'
import { checkDocumentId } from './queries.ts'

/** What there is of `Documents` on SQLite: the history. */
export class SqliteDocuments extends DocumentHistory {
  readonly #db: PrismaClientLike

  constructor (db: PrismaClientLike) {
    super({ list: async (...args) => await listVersions(db, ...args), find: async (...args) => await findSnapshot(db, ...args) })
    this.#db = db
  }

  async exists (documentId: string): Promise<boolean> {
    return checkDocumentId('exists', documentId) && await askDatabase(() => documentExists(this.#db, documentId))
  }
}
