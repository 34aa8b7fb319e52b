import { Room, type RoomSettings } from './room.ts'

/** The open documents of this node. A room is there as long as somebody is in it or something of it is being saved. */
export class Rooms {
  readonly #settings: RoomSettings
  readonly #rooms = new Map<string, Room>()

  constructor (settings: RoomSettings) {
    this.#settings = settings
  }

  get size (): number {
    return this.#rooms.size
  }

  open (documentId: string): Room {
    let room = this.#rooms.get(documentId)
    if (room === undefined) {
      room = new Room(documentId, this.#settings, () => this.#rooms.delete(documentId))
      this.#rooms.set(documentId, room)
    }
    return room
  }
}
