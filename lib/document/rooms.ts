import { Room, type RoomSettings } from './room.ts'

/** The open documents of this node. A room is there as long as somebody is in it or something of it is being saved. */
export class Rooms {
  readonly #settings: RoomSettings
  readonly #rooms = new Map<string, Room>()
  #ended: (() => void) | undefined

  constructor (settings: RoomSettings) {
    this.#settings = settings
  }

  get size (): number {
    return this.#rooms.size
  }

  open (documentId: string): Room {
    let room = this.#rooms.get(documentId)
    if (room === undefined) {
      room = new Room(documentId, this.#settings, (ended) => {
        if (this.#rooms.get(documentId) === ended) this.#rooms.delete(documentId)
        if (this.#rooms.size === 0) this.#ended?.()
      })
      this.#rooms.set(documentId, room)
    }
    return room
  }

  /** Resolves when what was being saved is saved and nobody is in a room any more, or after `ms` milliseconds. */
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
