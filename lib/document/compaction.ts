import type { Client } from './client.ts'
import type { Feed } from './feed.ts'

/** Milliseconds that an author has to send a snapshot, before another one is asked. */
const patience = 30_000

export interface CompactionLimits {
  /** On one snapshot. 0: no limit. */
  maxUpdates: number
  /** Of the updates on one snapshot. 0: no limit. */
  maxBytes: number
  /** A snapshot may have so many bytes. */
  maxMessageSize: number
}

/**
 * Asks an author for a snapshot when the active one has too many updates. One author at a time: the others go on. A document whose snapshot may be
 * too big for a message is left alone, as its authors could never send it.
 */
export class Compaction {
  readonly #feed: Feed
  readonly #limits: CompactionLimits
  #asked: { client: Client, snapshotId: string, until: number } | undefined

  constructor (feed: Feed, limits: CompactionLimits) {
    this.#feed = feed
    this.#limits = limits
  }

  /** Whether this client is to send a snapshot instead of its update. */
  asks (client: Client): boolean {
    if (!this.#isDue()) return false
    const { cursor: { snapshotId } } = this.#feed
    const asked = this.#asked
    if (asked?.snapshotId === snapshotId && asked.until > performance.now() && !asked.client.closed) return false
    this.#asked = { client, snapshotId, until: performance.now() + patience }
    return true
  }

  #isDue (): boolean {
    const { maxUpdates, maxBytes, maxMessageSize } = this.#limits
    const { bytes, activeUpdates } = this.#feed.size
    if (bytes !== undefined && bytes.activeSnapshot + bytes.activeUpdates > maxMessageSize) return false
    if (maxBytes > 0 && bytes !== undefined && bytes.activeUpdates >= maxBytes) return true
    return maxUpdates > 0 && activeUpdates >= maxUpdates
  }
}
