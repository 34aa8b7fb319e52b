import { randomInt } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Documents } from './documents.ts'

/** Milliseconds between two looks for deleted documents whose time to be restored is over. */
const interval = 60_000

/** Removes the data of deleted documents in the background. Every node may run one: they take turns at each batch. */
export class Purger {
  readonly #documents: Pick<Documents, 'purge'>
  readonly #log: FastifyBaseLogger
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor (documents: Pick<Documents, 'purge'>, log: FastifyBaseLogger) {
    this.#documents = documents
    this.#log = log
  }

  /** Looks from time to time. */
  start (): void {
    clearTimeout(this.#timer)
    if (!this.#stopping.signal.aborted) this.#timer = setTimeout(() => this.run(), randomInt(interval / 2, interval)).unref()
  }

  /** Looks now, unless it is looking, and from time to time. */
  run (): void {
    this.start()
    if (!this.#stopping.signal.aborted) this.#running ??= this.#purge().finally(() => { this.#running = undefined })
  }

  async #purge (): Promise<void> {
    try {
      await this.#documents.purge({ signal: this.#stopping.signal })
    } catch (err) {
      this.#log.warn({ err }, 'secsync: removing the data of deleted documents failed. It is tried again')
    }
  }

  /** Resolves when the batch that is being removed is done. */
  async stop (): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    await this.#running
  }
}
