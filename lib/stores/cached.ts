import { changeOf, type UpdateChange } from '../protocol/changes.ts'
import { isCounted, isLater } from '../protocol/cursor.ts'
import type { Known, LoadedDocument, Store } from './store.ts'

/** Of text and frame. A smaller document is read as quickly as what came since. */
const minBytes = 16 * 1024

/**
 * Keeps the documents that were loaded last, up to so many bytes. Of one that is loaded again only what came since is read:
 * what is stored never changes, and what is stored later comes behind it.
 */
export class CachedLoads {
  readonly sharesLoads = true
  readonly #store: Pick<Store, 'load'>
  readonly #maxBytes: number
  /** The one that was loaded last is the last. */
  readonly #documents = new Map<string, LoadedDocument>()
  #bytes = 0

  constructor (store: Pick<Store, 'load'>, maxBytes: number) {
    this.#store = store
    this.#maxBytes = maxBytes
  }

  async load (documentId: string, known: Known): Promise<LoadedDocument | undefined> {
    if (known.knownSnapshotId !== undefined) return await this.#store.load(documentId, known)
    const kept = this.#documents.get(documentId)
    const document = kept === undefined ? await this.#store.load(documentId, known) : await this.#loadSince(kept, documentId)
    this.#drop(documentId)
    if (document !== undefined) this.#keep(documentId, document)
    return document
  }

  async #loadSince (kept: LoadedDocument, documentId: string): Promise<LoadedDocument | undefined> {
    const { snapshotId, clocks } = kept.cursor
    const last = lastUpdateOf(kept)
    if (last === undefined && kept.updates !== '') return await this.#store.load(documentId, { mode: 'complete' })
    const knownSnapshotUpdateClocks = { ...clocks, ...last && { [last.author]: last.clock - 1 } }
    if (last?.clock === 0) delete knownSnapshotUpdateClocks[last.author]
    const since = await this.#store.load(documentId, { mode: 'delta', knownSnapshotId: snapshotId, knownSnapshotUpdateClocks })
    if (since === undefined) return undefined
    // There is another active snapshot: this is the whole document already, with a proof that its reader did not ask for.
    if (since.cursor.snapshotId !== snapshotId) return { ...since, ...since.snapshot && { snapshotProofChain: '[]' } }
    // If the database was set back or repaired, its version tells, or the last update is not there.
    const isSame = isCounted(since.cursor) && isCounted(kept.cursor) && isLater(since.cursor, kept.cursor)
    if (!isSame || !since.updates.startsWith(last?.text ?? '')) {
      return await this.#store.load(documentId, { mode: 'complete' })
    }
    if (since.updates === (last?.text ?? '')) return Object.assign(kept, { bytes: since.bytes })
    const updates = last === undefined ? since.updates : `${kept.updates}${since.updates.slice(last.text.length)}`
    return { snapshot: kept.snapshot, snapshotProofChain: '[]', updates, cursor: since.cursor, bytes: since.bytes }
  }

  #keep (documentId: string, document: LoadedDocument): void {
    const bytes = bytesOf(document)
    if (bytes < minBytes || bytes > this.#maxBytes) return
    this.#documents.set(documentId, document)
    this.#bytes += bytes
    for (const oldest of this.#documents.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#drop(oldest)
    }
  }

  #drop (documentId: string): void {
    const document = this.#documents.get(documentId)
    if (document === undefined) return
    this.#documents.delete(documentId)
    this.#bytes -= bytesOf(document)
  }
}

/** The update that was saved last. `undefined`: there is none, or it cannot be told from what the application has added to its public data. */
function lastUpdateOf ({ updates }: LoadedDocument): UpdateChange | undefined {
  if (updates === '') return undefined
  // No text of a message holds this, but public data of the application's may. Then it is no JSON, or not what the store answers.
  const text = updates.slice(updates.lastIndexOf('{"ciphertext":"'))
  try {
    const change = changeOf(text)
    return change.kind === 'update' && change.text === text ? change : undefined
  } catch {
    return undefined
  }
}

/** Of the text, and of the frame that is built of it. */
function bytesOf ({ snapshot = '', updates }: LoadedDocument): number {
  return 2 * (snapshot.length + updates.length)
}
