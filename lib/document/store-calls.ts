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
  #loads = 0
  readonly #waitingLoads: Array<() => void> = []
  #writes = 0

  /** `timeLimit` is in milliseconds. `onLateWrite` is called when a write settles after its time limit: it may have been saved. */
  constructor (documentId: string, store: Store, slots: Slots, timeLimit: number, onLateWrite: () => void) {
    this.groupsUpdates = store.groupsUpdates
    this.sharesLoads = store.sharesLoads
    this.#documentId = documentId
    this.#store = store
    this.#slots = slots
    this.#timeLimit = timeLimit
    this.#onLateWrite = onLateWrite
  }

  async load (known: Known, request?: FastifyRequest): Promise<LoadedDocument | undefined> {
    if (this.#loads >= maxLoads) await withinTimeLimit('getDocument', this.#timeLimit, () => this.#untilLoadIsFree())
    this.#loads++
    return await this.#call('getDocument', () => this.#store.load(this.#documentId, known, request), () => {
      this.#loads--
      this.#waitingLoads.shift()?.()
    })
  }

  #untilLoadIsFree (): Promise<void> {
    return new Promise((resolve) => this.#waitingLoads.push(resolve))
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
    }, this.#onLateWrite)
  }

  async saveSnapshot (snapshot: SnapshotChange, request?: FastifyRequest): Promise<number | undefined> {
    this.#beginWrite('createSnapshot')
    return await this.#call('createSnapshot', () => this.#store.saveSnapshot(this.#documentId, snapshot, request), () => {
      this.#writes--
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
