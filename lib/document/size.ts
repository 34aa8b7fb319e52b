import type { Change } from '../protocol/changes.ts'
import { countUpdates, type Cursor } from '../protocol/cursor.ts'
import type { StoredBytes } from '../stores/store.ts'

/**
 * How much is stored of a document: what the store said when it was loaded, and what was relayed since. It costs no query. It lags behind only by
 * what other nodes have saved and not told yet.
 */
export class DocumentSize {
  #bytes: StoredBytes | undefined
  /** Number of updates on the active snapshot. */
  activeUpdates: number

  constructor (bytes: StoredBytes | undefined, cursor: Cursor) {
    this.#bytes = bytes && { ...bytes }
    this.activeUpdates = countUpdates(cursor)
  }

  /** `undefined`: the store does not count, or does not know yet. */
  get bytes (): StoredBytes | undefined {
    return this.#bytes
  }

  loaded (bytes: StoredBytes | undefined, cursor: Cursor): void {
    this.#bytes = bytes && { ...bytes }
    this.activeUpdates = countUpdates(cursor)
  }

  add ({ kind, text }: Change): void {
    this.activeUpdates = kind === 'snapshot' ? 0 : this.activeUpdates + 1
    if (this.#bytes === undefined) return
    this.#bytes.kept += text.length
    if (kind === 'snapshot') Object.assign(this.#bytes, { activeSnapshot: text.length, activeUpdates: 0 })
    else this.#bytes.activeUpdates += text.length
  }

  /** Whether so many bytes more are too much. 0: no limit. */
  isFull (more: number, max: number): boolean {
    return max > 0 && this.#bytes !== undefined && this.#bytes.kept + more > max
  }
}
