import type { ClientStorage, OutboxEntry, StorageWrite, StoredDocument, StoredState } from './storage.ts'

interface Kept {
  state: StoredState | undefined
  /** By session. */
  outboxes: Map<object, Map<string, OutboxEntry>>
  open: Set<object>
}

/** Keeps documents as long as the page or the process lives. Sessions that share one storage are like tabs of a browser. */
export function memoryStorage ({ keepsState = true }: {
  /** False: only what is not saved yet. The document is loaded from the server every time. */
  keepsState?: boolean
} = {}): ClientStorage {
  const documents = new Map<string, Kept>()
  return {
    isPersistent: false,
    async open (documentId) {
      const kept = documents.get(documentId) ?? { state: undefined, outboxes: new Map(), open: new Set() }
      documents.set(documentId, kept)
      return new MemoryDocument(kept, keepsState, () => documents.delete(documentId))
    }
  }
}

class MemoryDocument implements StoredDocument {
  readonly #kept: Kept
  readonly #keepsState: boolean
  readonly #forget: () => void
  readonly #session = {}

  constructor (kept: Kept, keepsState: boolean, forget: () => void) {
    this.#kept = kept
    this.#keepsState = keepsState
    this.#forget = forget
    kept.open.add(this.#session)
  }

  async readState (): Promise<StoredState | undefined> {
    const { state } = this.#kept
    return state && { ...state, updates: [...state.updates] }
  }

  async adopt (): Promise<OutboxEntry[]> {
    const { outboxes, open } = this.#kept
    const adopted: OutboxEntry[] = []
    for (const [session, outbox] of outboxes) {
      if (open.has(session)) continue
      adopted.push(...outbox.values())
      outboxes.delete(session)
    }
    adopted.sort((a, b) => a.id < b.id ? -1 : 1)
    for (const entry of adopted) this.#outbox.set(entry.id, entry)
    return adopted
  }

  get #outbox (): Map<string, OutboxEntry> {
    const outbox = this.#kept.outboxes.get(this.#session) ?? new Map<string, OutboxEntry>()
    this.#kept.outboxes.set(this.#session, outbox)
    return outbox
  }

  async write ({ put = [], delete: gone = [], snapshot, updates }: StorageWrite): Promise<void> {
    const kept = this.#kept
    for (const id of gone) this.#outbox.delete(id)
    for (const entry of put) this.#outbox.set(entry.id, entry)
    if (!this.#keepsState) return
    if (snapshot !== undefined && kept.state?.snapshotId === snapshot.replaces) {
      kept.state = { snapshotId: snapshot.snapshotId, snapshot: snapshot.text, updates: [] }
    }
    if (updates !== undefined && kept.state?.snapshotId === updates.snapshotId) {
      const known = new Set(kept.state.updates.map(({ author, clock }) => `${author} ${clock}`))
      kept.state.updates.push(...updates.updates.filter(({ author, clock }) => !known.has(`${author} ${clock}`)))
    }
  }

  async close (): Promise<void> {
    this.#kept.open.delete(this.#session)
    if (this.#outbox.size === 0) this.#kept.outboxes.delete(this.#session)
    if (this.#kept.open.size === 0 && this.#kept.outboxes.size === 0 && this.#kept.state === undefined) this.#forget()
  }

  async remove (): Promise<void> {
    this.#kept.state = undefined
    this.#kept.outboxes.clear()
  }
}
