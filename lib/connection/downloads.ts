import type { FastifyReply } from 'fastify'
import { TooManyDownloads } from '../errors.ts'

export interface DownloadLimits {
  /** Snapshots that are loaded or sent at the same time. */
  max: number
  /** Milliseconds for one of them. Its connection is then closed. */
  time: number
}

/** Bounds the memory of snapshots that are being sent: each may have `maxMessageSize` bytes, and its reader may be slow. */
export class Downloads {
  readonly #limits: DownloadLimits
  #count = 0

  constructor (limits: DownloadLimits) {
    this.#limits = limits
  }

  /** Counts a reply until it is sent, or its connection is closed. Throws `FST_SECSYNC_TOO_MANY_DOWNLOADS`. */
  begin ({ raw }: FastifyReply): void {
    if (this.#count >= this.#limits.max) throw new TooManyDownloads()
    this.#count++
    const timer = setTimeout(() => raw.destroy(), this.#limits.time).unref()
    raw.once('close', () => {
      clearTimeout(timer)
      this.#count--
    })
  }
}
