import { signedJson } from '../../protocol/changes.ts'
import type { EphemeralMessage } from '../../protocol/messages.ts'
import type { Handler } from './handler.ts'

export const ephemeralMessage: Handler<EphemeralMessage> = {
  kind: 'ephemeralMessage',
  action: 'send-ephemeral-message',

  async handle (message, connection, room) {
    room.relayEphemeral(signedJson(message), connection)
    return { status: 'relayed' }
  },

  /** The protocol has no answer: it is dropped. */
  async refuse (_message, _connection, _room, error) {
    return { status: 'refused', error }
  }
}
