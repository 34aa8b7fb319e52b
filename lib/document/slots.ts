/** Milliseconds. Longer is nobody kept from the database: whether it answers at all is for its own time limit to say. */
const patience = 1000

/**
 * How many writes are at the database at once. Without, they would queue up for a connection when there are more, and what came
 * meanwhile could not go with them: whoever waits here decides what to write when it is their turn.
 */
export class Slots {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor (count: number) {
    this.#free = count
  }

  /** Resolves in the order of the calls, with what gives the slot back. */
  async take (): Promise<() => void> {
    if (this.#free <= 0) {
      await new Promise<void>((resolve) => {
        const next = (): void => {
          clearTimeout(timer)
          this.#waiting.delete(next)
          resolve()
        }
        // Then there are fewer than none until those who have one give it back.
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
