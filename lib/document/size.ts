import type { Change } from '../protocol/changes.ts'
import type { StoredBytes } from '../stores/store.ts'

/**
 * How much is stored of a document: what the store said when it was loaded, and what was relayed since. It costs no query. It lags behind only by
 * what other nodes have saved and not told yet.
 */
export class DocumentSize {
  #bytes: StoredBytes | undefined

  constructor (bytes: StoredBytes | undefined) {
    this.#bytes = bytes && { ...bytes }
  }

  /** `undefined`: the store does not count, or does not know yet. */
  get bytes (): StoredBytes | undefined {
    return this.#bytes
  }

  loaded (bytes: StoredBytes | undefined): void {
    this.#bytes = bytes && { ...bytes }
  }

  add ({ kind, text }: Change): void {
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
