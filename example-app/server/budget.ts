/** So much an hour for each name. Unlike a counter that is reset, it gives back a sixtieth of it each minute. */
export class Budget {
  readonly #perHour: number
  /** Those who have not all of it. */
  readonly #left = new Map<string, number>()
  readonly #refilling = setInterval(() => this.#refill(), 60_000).unref()

  constructor (perHour: number) {
    this.#perHour = perHour
  }

  /** False if that much is not left. Then nothing is taken from any of the names. */
  take (names: string[], amount = 1): boolean {
    const left = names.map((name) => (this.#left.get(name) ?? this.#perHour) - amount)
    if (left.some((rest) => rest < 0)) return false
    for (const [index, rest] of left.entries()) this.#left.set(names[index] ?? '', rest)
    return true
  }

  #refill (): void {
    for (const [name, left] of this.#left) {
      const rest = left + this.#perHour / 60
      if (rest >= this.#perHour) this.#left.delete(name)
      else this.#left.set(name, rest)
    }
  }

  close (): void {
    clearInterval(this.#refilling)
  }
}
