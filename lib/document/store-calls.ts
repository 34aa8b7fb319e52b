import type { FastifyRequest } from 'fastify'
import { CallbackTimeout, StoreBusy } from '../errors.ts'
import type { SnapshotChange, UpdateChange } from '../protocol/changes.ts'
import type { Known, LoadedDocument, Store } from '../stores/store.ts'
import { withinTimeLimit } from '../stores/time-limit.ts'
import type { Slots } from './slots.ts'

/**
 * How many connections of the database one document may use at once. There is one write at a time, so a second one begins only when the first
 * did not settle in time.
 */
const maxLoads = 2
const maxWrites = 2

export interface StoreCallsEvents {
  onLateWrite (): void
  onIdle (): void
}

/**
 * The calls of one document at its store, each with a time limit. A call that did not settle in time still uses a connection of the
 * database, so it is counted until it settles: one document never uses more than its share.
 */
export class StoreCalls {
  readonly groupsUpdates: boolean
  readonly sharesLoads: boolean
  readonly #documentId: string
  readonly #store: Store
  readonly #slots: Slots
  readonly #timeLimit: number
  readonly #onLateWrite: () => void
  readonly #onIdle: () => void
  #loads = 0
  readonly #waitingLoads = new Set<() => void>()
  #writes = 0

  /**
   * `timeLimit` is in milliseconds. `onLateWrite` is called when a write settles after its time limit: it may have been saved. `onIdle` is
   * called when the last call has settled.
   */
  constructor (documentId: string, store: Store, slots: Slots, timeLimit: number, { onLateWrite, onIdle }: StoreCallsEvents) {
    this.groupsUpdates = store.groupsUpdates
    this.sharesLoads = store.sharesLoads
    this.#documentId = documentId
    this.#store = store
    this.#slots = slots
    this.#timeLimit = timeLimit
    this.#onLateWrite = onLateWrite
    this.#onIdle = onIdle
  }

  /** Whether no call is at the store, and none waits. */
  get isIdle (): boolean {
    return this.#loads === 0 && this.#writes === 0
  }

  /** Waits, within the time limit, while the document has as many loads at the store as it may. */
  async load (known: Known, request?: FastifyRequest): Promise<LoadedDocument | undefined> {
    if (this.#loads < maxLoads) this.#loads++
    else await this.#takeOverLoad()
    return await this.#call('getDocument', () => this.#store.load(this.#documentId, known, request), () => this.#giveLoadBack())
  }

  async #takeOverLoad (): Promise<void> {
    let takeOver = (): void => {}
    const free = new Promise<void>((resolve) => { takeOver = resolve })
    this.#waitingLoads.add(takeOver)
    try {
      await withinTimeLimit('getDocument', this.#timeLimit, () => free)
    } finally {
      this.#waitingLoads.delete(takeOver)
    }
  }

  #giveLoadBack (): void {
    const [takeOver] = this.#waitingLoads
    if (takeOver === undefined) {
      this.#loads--
      this.#settled()
    } else {
      this.#waitingLoads.delete(takeOver)
      takeOver()
    }
  }

  #settled (): void {
    if (this.isIdle) this.#onIdle()
  }

  /** Where the store groups updates: waits until one more group may be at the database. Returns what gives the slot back. */
  async takeSlot (): Promise<(() => void) | undefined> {
    return this.groupsUpdates ? await this.#slots.take() : undefined
  }

  /** Gives back the slot when the call has settled. */
  async saveUpdates (updates: UpdateChange[], request: FastifyRequest | undefined, giveBack: (() => void) | undefined): Promise<number | undefined> {
    try {
      this.#beginWrite('createUpdate')
    } catch (error) {
      giveBack?.()
      throw error
    }
    return await this.#call('createUpdate', () => this.#store.saveUpdates(this.#documentId, updates, request), () => {
      this.#writes--
      giveBack?.()
      this.#settled()
    }, this.#onLateWrite)
  }

  async saveSnapshot (snapshot: SnapshotChange, request?: FastifyRequest): Promise<number | undefined> {
    this.#beginWrite('createSnapshot')
    return await this.#call('createSnapshot', () => this.#store.saveSnapshot(this.#documentId, snapshot, request), () => {
      this.#writes--
      this.#settled()
    }, this.#onLateWrite)
  }

  #beginWrite (name: string): void {
    if (this.#writes >= maxWrites) throw new StoreBusy(name)
    this.#writes++
  }

  async #call<T> (name: string, fn: () => T | Promise<T>, settled: () => void, late?: () => void): Promise<T> {
    let isLate = false
    try {
      return await withinTimeLimit(name, this.#timeLimit, fn)
    } catch (error) {
      if (error instanceof CallbackTimeout) {
        isLate = true
        void error.settled.then(() => {
          settled()
          late?.()
        })
      }
      throw error
    } finally {
      if (!isLate) settled()
    }
  }
}
