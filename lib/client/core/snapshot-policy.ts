export interface SnapshotLimits {
  updatesPerSnapshot: number
  bytesPerSnapshot: number
}

/**
 * When a snapshot is due: after so many updates of the active one, or when these weigh more than it does. Every client that is connected counts the same
 * updates, so each adds to the limit at random: most of the time one is first by so much that the others see its snapshot before they make one.
 */
export class SnapshotPolicy {
  readonly #limits: SnapshotLimits
  readonly #random: () => number
  #updates = 0
  #bytes = 0
  #snapshotBytes = 0
  #factor: number

  constructor (limits: SnapshotLimits, random: () => number) {
    this.#limits = limits
    this.#random = random
    this.#factor = 1 + random()
  }

  /** Another snapshot is active. */
  snapshotTaken (bytes: number): void {
    this.#updates = 0
    this.#bytes = 0
    this.#snapshotBytes = bytes
    this.#factor = 1 + this.#random()
  }

  updateTaken (bytes: number): void {
    this.#updates++
    this.#bytes += bytes
  }

  /** Somebody's update came in between. Others will be there soon: this client waits for half as many updates more, and some. */
  snapshotRefused (): void {
    this.#factor *= 1.5 + this.#random() / 2
  }

  get isDue (): boolean {
    const { updatesPerSnapshot, bytesPerSnapshot } = this.#limits
    return this.#updates >= updatesPerSnapshot * this.#factor || this.#bytes >= Math.max(bytesPerSnapshot, this.#snapshotBytes) * this.#factor
  }
}
