import { setTimeout as sleep } from 'node:timers/promises'

/** Runs statements one after the other, with pauses, so that together they take a share of the time. */
export class Pace {
  readonly #pausePerWork: number
  readonly #signal: AbortSignal | undefined

  /** `share` is more than 0 and at most 1. */
  constructor (share: number, signal?: AbortSignal) {
    this.#pausePerWork = 1 / share - 1
    this.#signal = signal
  }

  /** Rejects with the reason of the signal if it is aborted before the statement. An abort ends the pause after it. */
  async run<T> (statement: () => Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted()
    const startedAt = performance.now()
    const result = await statement()
    const pause = (performance.now() - startedAt) * this.#pausePerWork
    // What the statement did counts also if the pause is cut short.
    await sleep(pause, undefined, { signal: this.#signal }).catch(() => {})
    return result
  }
}
