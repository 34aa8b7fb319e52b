import type { FastifyRequest } from 'fastify'
import type { Store } from '../stores/store.ts'
import { Room, type RoomSettings } from './room.ts'
import type { Slots } from './slots.ts'
import { StoreCalls } from './store-calls.ts'

export interface RoomsSettings extends RoomSettings {
  store: Store
  /** Shared by the writes of all rooms, if the store groups updates. */
  slots: Slots
  /** Time limit for one call of the store in milliseconds. */
  callbackTimeout: number
}

/** The open documents of this node. A room exists while it has clients or pending writes. */
export class Rooms {
  readonly #settings: RoomsSettings
  readonly #rooms = new Map<string, Room>()
  /** Of the open documents, and of those that have calls at the store. */
  readonly #calls = new Map<string, StoreCalls>()
  #ended: (() => void) | undefined

  constructor (settings: RoomsSettings) {
    this.#settings = settings
  }

  get size (): number {
    return this.#rooms.size
  }

  /** Number of documents whose clients may lack what others have saved, because the store could not be asked. */
  get behind (): number {
    return [...this.#rooms.values()].filter(({ isBehind }) => isBehind).length
  }

  open (documentId: string): Room {
    let room = this.#rooms.get(documentId)
    if (room === undefined) {
      room = this.#create(documentId)
      this.#rooms.set(documentId, room)
    }
    return room
  }

  /** Looks into the store, if the document is open here. */
  catchUp (documentId: string): void {
    this.#rooms.get(documentId)?.catchUp()
  }

  async isStored (documentId: string, request: FastifyRequest): Promise<boolean> {
    const document = await this.#callsOf(documentId).load({ mode: 'complete' }, request)
    return document !== undefined && document.cursor.snapshotId !== ''
  }

  #create (documentId: string): Room {
    const { store, slots, callbackTimeout, ...settings } = this.#settings
    const calls = this.#callsOf(documentId)
    return new Room(documentId, calls, settings, () => {
      this.#rooms.delete(documentId)
      if (calls.isIdle) this.#calls.delete(documentId)
      if (this.#rooms.size === 0) this.#ended?.()
    })
  }

  /** Calls may settle after their room has ended, and after a new room has been created: it must not begin to count anew. */
  #callsOf (documentId: string): StoreCalls {
    const { store, slots, callbackTimeout } = this.#settings
    let calls = this.#calls.get(documentId)
    if (calls === undefined) {
      calls = new StoreCalls(documentId, store, slots, callbackTimeout, {
        onLateWrite: () => this.catchUp(documentId),
        onIdle: () => { if (!this.#rooms.has(documentId)) this.#calls.delete(documentId) }
      })
      this.#calls.set(documentId, calls)
    }
    return calls
  }

  /** Resolves when all rooms have ended, or after `ms` milliseconds. */
  async end (ms: number): Promise<void> {
    if (this.#rooms.size === 0) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#ended = resolve
      timer = setTimeout(resolve, ms)
    })
    clearTimeout(timer)
  }
}
