import type { VersionRow } from '../stores/history.ts'
import { checkDocumentId, checkQuery } from './queries.ts'
import { HistoryQuery, type HistoryPage, type Version } from './schemas.ts'

export interface VersionsOfDatabase {
  /** The snapshots of a document below a version, the newest first. */
  list (documentId: string, before: number, limit: number): Promise<VersionRow[]>
  exists (documentId: string): Promise<boolean>
}

/** A page of the history of a document. `undefined` if there is no such document. */
export async function historyOf (versions: VersionsOfDatabase, documentId: string, query: HistoryQuery): Promise<HistoryPage | undefined> {
  const { limit = 100, before = Number.MAX_SAFE_INTEGER } = checkQuery('history', HistoryQuery, query)
  if (!checkDocumentId('history', documentId)) return undefined
  // One more than asked for tells whether there is another page.
  const rows = await versions.list(documentId, before, limit + 1)
  const page = rows.slice(0, limit)
  if (page.length === 0 && !await versions.exists(documentId)) return undefined
  const last = page.at(-1)
  return { snapshots: page.map(versionOf), ...rows.length > limit && last && { before: last.version } }
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
