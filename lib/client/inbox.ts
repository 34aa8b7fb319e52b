import type { FromServer } from './wire.ts'

/** A message, or several updates that came one after the other. */
export type Received = Exclude<FromServer, { type: 'update' }> | { type: 'updates', updates: unknown[] }

/** Updates that are verified, decrypted and applied together. */
const maxUpdates = 500

/** What was received and is not dealt with yet: one after the other, in its order. */
export class Inbox {
  readonly #handle: (received: Received) => Promise<void>
  readonly #onError: (error: unknown) => void
  #messages: FromServer[] = []
  #running: Promise<void> | undefined

  constructor (handle: (received: Received) => Promise<void>, onError: (error: unknown) => void) {
    this.#handle = handle
    this.#onError = onError
  }

  add (message: FromServer): void {
    this.#messages.push(message)
    this.#running ??= this.#run()
  }

  /** What belongs to a connection that is gone: the next one brings it again. */
  clear (): void {
    this.#messages = []
  }

  /** Resolves when there is nothing to do. */
  async idle (): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run (): Promise<void> {
    // What comes in the same turn goes together.
    await Promise.resolve()
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      try {
        await this.#handle(next)
      } catch (error) {
        this.clear()
        this.#onError(error)
      }
    }
    // Not a turn later: what comes in between would wait for ever.
    this.#running = undefined
  }

  #take (): Received | undefined {
    const [first] = this.#messages
    if (first?.type !== 'update') {
      this.#messages.shift()
      return first
    }
    const updates: unknown[] = []
    for (const message of this.#messages) {
      if (message.type !== 'update' || updates.length === maxUpdates) break
      updates.push(message.update)
    }
    this.#messages.splice(0, updates.length)
    return { type: 'updates', updates }
  }
}
