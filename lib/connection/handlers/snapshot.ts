import { DocumentFull } from '../../errors.ts'
import * as answers from '../../protocol/answers.ts'
import { snapshotChange } from '../../protocol/changes.ts'
import { textFrame } from '../../protocol/frame.ts'
import type { SnapshotMessage } from '../../protocol/messages.ts'
import type { Handler } from './handler.ts'

export const snapshot: Handler<SnapshotMessage> = {
  kind: 'snapshot',
  action: 'write-snapshot',

  handle (message, connection, room) {
    return new Promise((resolve) => room.save({ change: snapshotChange(message), client: connection, settle: resolve }))
  },

  async refuse (_message, connection, room, error) {
    if (error instanceof DocumentFull) {
      room.refuseFullSnapshot(connection)
      return { status: 'refused', error }
    }
    await room.turn()
    connection.relay(textFrame(...answers.snapshotSaveFailed()))
    return { status: 'refused', error }
  }
}
