import { signedJson } from '../../protocol/changes.ts'
import type { EphemeralMessage } from '../../protocol/messages.ts'
import type { Handler } from './handler.ts'

export const ephemeralMessage: Handler<EphemeralMessage> = {
  kind: 'ephemeralMessage',
  action: 'send-ephemeral-message',

  async handle (message, { connection }, room, onSend) {
    await onSend?.()
    room.relayEphemeral(signedJson(message), connection)
  },

  /** The protocol has no answer: it is dropped. */
  refuse () {}
}
