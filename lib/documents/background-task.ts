import { randomInt } from 'node:crypto'

export interface BackgroundTaskOptions {
  /** Milliseconds between two runs. The time before each is half of it to all of it, at random, so that nodes do not run together. */
  interval: number
  run (signal: AbortSignal): Promise<void>
  onError (err: unknown): void
}

/** Work on the database that is done now and then. One run at a time on this node; several nodes may run at the same time. */
export class BackgroundTask {
  readonly #options: BackgroundTaskOptions
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor (options: BackgroundTaskOptions) {
    this.#options = options
  }

  /** Runs from time to time. */
  start (): void {
    clearTimeout(this.#timer)
    const { interval } = this.#options
    if (!this.#stopping.signal.aborted) this.#timer = setTimeout(() => this.run(), randomInt(Math.ceil(interval / 2), interval + 1)).unref()
  }

  /** Runs now, unless it is running, and from time to time. */
  run (): void {
    this.start()
    if (!this.#stopping.signal.aborted) this.#running ??= this.#run().finally(() => { this.#running = undefined })
  }

  async #run (): Promise<void> {
    try {
      await this.#options.run(this.#stopping.signal)
    } catch (err) {
      this.#options.onError(err)
    }
  }

  /** Resolves when the statement that is running has ended. */
  async stop (): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    await this.#running
  }
}
