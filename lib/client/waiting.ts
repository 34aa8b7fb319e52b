interface Waiter {
  number: number
  resolve: () => void
  reject: (error: Error) => void
}

/** Those who wait for a document to be loaded or saved. */
export class Waiting {
  #forLoad: Waiter[] = []
  #forSave: Waiter[] = []
  #others = new Set<(error: Error) => void>()

  untilLoaded (): Promise<void> {
    return new Promise((resolve, reject) => { this.#forLoad.push({ number: 0, resolve, reject }) })
  }

  /** All changes up to this number. */
  untilSaved (number: number): Promise<void> {
    return new Promise((resolve, reject) => { this.#forSave.push({ number, resolve, reject }) })
  }

  /** Rejects when the document is closed before. */
  unlessEnded (promise: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#others.add(reject)
      promise.then(resolve, reject).finally(() => this.#others.delete(reject))
    })
  }

  /** Changes were replaced by others, up to this number. */
  renumber (number: number): void {
    for (const waiter of this.#forSave) waiter.number = number
  }

  check (isLoaded: boolean, isSettled: (number: number) => boolean): void {
    if (isLoaded) for (const { resolve } of this.#forLoad.splice(0)) resolve()
    const settled = this.#forSave.filter(({ number }) => isSettled(number))
    this.#forSave = this.#forSave.filter((waiter) => !settled.includes(waiter))
    for (const { resolve } of settled) resolve()
  }

  end (): void {
    const error = new Error('The document was closed')
    for (const { reject } of [...this.#forLoad, ...this.#forSave]) reject(error)
    for (const reject of this.#others) reject(error)
    this.#forLoad = []
    this.#forSave = []
  }
}
