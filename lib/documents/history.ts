import type { Snapshot } from '../protocol/messages.ts'
import type { VersionRow } from '../stores/history.ts'
import { askDatabase } from './ask-database.ts'
import { checkDocumentId, checkQuery } from './queries.ts'
import { HistoryQuery, type HistoryPage, type Version } from './schemas.ts'

export interface VersionsOfDatabase {
  /** The snapshots of a document below a version, the newest first. */
  list (documentId: string, before: number, limit: number): Promise<VersionRow[]>
  /** The JSON of a snapshot. */
  find (documentId: string, snapshotId: string): Promise<string | undefined>
}

/** The snapshots of documents, in any database. */
export abstract class DocumentHistory {
  readonly #versions: VersionsOfDatabase

  constructor (versions: VersionsOfDatabase) {
    this.#versions = versions
  }

  abstract exists (documentId: string): Promise<boolean>

  async history (documentId: string, query: HistoryQuery = {}): Promise<HistoryPage | undefined> {
    const { limit = 100, before = Number.MAX_SAFE_INTEGER } = checkQuery('history', HistoryQuery, query)
    if (!checkDocumentId('history', documentId)) return undefined
    // One more than asked for tells whether there is another page.
    const rows = await askDatabase(() => this.#versions.list(documentId, before, limit + 1))
    const page = rows.slice(0, limit)
    if (page.length === 0 && !await this.exists(documentId)) return undefined
    const last = page.at(-1)
    return { snapshots: page.map(versionOf), ...rows.length > limit && last && { before: last.version } }
  }

  async snapshot (documentId: string, snapshotId: string): Promise<Snapshot | undefined> {
    const text = await this.snapshotText(documentId, snapshotId)
    return text === undefined ? undefined : JSON.parse(text) as Snapshot
  }

  /** The same as JSON, without parsing it. */
  async snapshotText (documentId: string, snapshotId: string): Promise<string | undefined> {
    if (!checkDocumentId('snapshot', documentId) || !checkDocumentId('snapshot', snapshotId)) return undefined
    return await askDatabase(() => this.#versions.find(documentId, snapshotId))
  }
}

function versionOf ({ snapshotId, version, createdAt, author, bytes, parentSnapshotProof, snapshotCiphertextHash, isActive, isKept }: VersionRow): Version {
  return {
    snapshotId,
    version,
    createdAt: new Date(createdAt).toISOString(),
    ...author !== null && { publicKey: author },
    ...bytes !== null && { bytes },
    parentSnapshotProof,
    snapshotCiphertextHash,
    isActive,
    isKept
  }
}
