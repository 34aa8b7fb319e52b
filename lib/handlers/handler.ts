import type { Action } from '../callbacks.ts'
import type { Connection } from '../connection.ts'
import type { ClientMessage, MessageKind } from '../protocol/messages.ts'
import type { Room } from '../room.ts'

/** What is particular to one of the three messages. */
export interface Handler<T extends ClientMessage> {
  kind: MessageKind
  action: Exclude<Action, 'read'>
  /**
   * Hands a verified message to the room, in the order of the calls, and resolves when its sender has been answered.
   * Rejects with the reason when the message was refused; the sender has been told then.
   */
  handle (message: T, connection: Connection, room: Room, onSend?: () => Promise<void>): Promise<void>
  /** Tells the sender of a message that did not get as far, if the protocol has an answer for it. */
  refuse (message: unknown, connection: Connection, error: unknown): void
}
