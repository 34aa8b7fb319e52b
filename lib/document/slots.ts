/** Maximum wait for a slot in milliseconds. Then the write proceeds without one. The time limit of the call detects a database that hangs. */
const patience = 1000

/**
 * Limits the number of concurrent writes. A room selects its updates when it gets a slot, so updates that arrive during the wait join the same
 * statement. In the queue of the connection pool, the statement would be fixed already.
 */
export class Slots {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor (count: number) {
    this.#free = count
  }

  /** Number of writes that wait for a slot. */
  get waiting (): number {
    return this.#waiting.size
  }

  /** Waits for a slot, in the order of the calls. Returns a function that releases it. */
  async take (): Promise<() => void> {
    if (this.#free <= 0) {
      await new Promise<void>((resolve) => {
        const next = (): void => {
          clearTimeout(timer)
          this.#waiting.delete(next)
          resolve()
        }
        // `#free` becomes negative until other slots are released.
        const timer = setTimeout(() => { this.#take(next) }, patience)
        this.#waiting.add(next)
      })
    } else {
      this.#free--
    }
    let taken = true
    return () => {
      if (taken) this.#give()
      taken = false
    }
  }

  #take (next: () => void): void {
    this.#free--
    next()
  }

  #give (): void {
    this.#free++
    const [next] = this.#waiting
    if (next !== undefined && this.#free > 0) this.#take(next)
  }
}
