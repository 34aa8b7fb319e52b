import type { Action } from '../../callbacks.ts'
import type { Room } from '../../document/room.ts'
import type { Settled } from '../../document/write.ts'
import type { ClientMessage, MessageKind } from '../../protocol/messages.ts'
import type { Connection } from '../connection.ts'

/** What is particular to one of the three messages. */
export interface Handler<T extends ClientMessage> {
  kind: MessageKind
  action: Exclude<Action, 'read'>
  /** Hands a verified message to the room, in the order of the calls. Resolves when it is settled; the sender has its answer then. */
  handle (message: T, connection: Connection, room: Room): Promise<Settled>
  /** Answers a message that was refused before that, behind what was handed over before, if the protocol has an answer for it. */
  refuse (message: unknown, connection: Connection, room: Room, error: unknown): Promise<Settled>
}
