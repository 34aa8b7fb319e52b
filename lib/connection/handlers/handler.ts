import type { Action } from '../../callbacks.ts'
import type { Connection } from '../connection.ts'
import type { ClientMessage, MessageKind } from '../../protocol/messages.ts'
import type { Room } from '../../document/room.ts'

/** Where a message came from, and which failure its client may have heard of when it sent it. */
export interface Sender {
  connection: Connection
  heard: number
}

/** What is particular to one of the three messages. */
export interface Handler<T extends ClientMessage> {
  kind: MessageKind
  action: Exclude<Action, 'read'>
  /**
   * Hands a verified message to the room, in the order of the calls, and resolves when its sender has been answered.
   * Rejects with the reason when the message was refused; the sender has been told then.
   */
  handle (message: T, sender: Sender, room: Room, onSend?: () => Promise<void>): Promise<void>
  /** Tells the sender of a message that did not get as far, if the protocol has an answer for it. */
  refuse (message: unknown, sender: Sender, error: unknown): void
}
