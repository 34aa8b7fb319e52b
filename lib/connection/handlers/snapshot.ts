import { textFrame } from '../frame.ts'
import * as answers from '../../protocol/answers.ts'
import { snapshotChange, type SnapshotChange } from '../../protocol/changes.ts'
import type { SnapshotMessage } from '../../protocol/messages.ts'
import type { Save } from '../../document/writer.ts'
import type { Handler } from './handler.ts'

export const snapshot: Handler<SnapshotMessage> = {
  kind: 'snapshot',
  action: 'write-snapshot',

  handle (message, { connection }, room, onSend) {
    const change = snapshotChange(message)
    return new Promise((resolve, reject) => {
      const save: Save<SnapshotChange> = {
        change,
        connection,
        onSend,
        saved () {
          connection.send(textFrame(answers.snapshotSaved(change.snapshotId)))
        },
        done: resolve,
        refused (error, missing) {
          connection.relay(textFrame(...answers.snapshotSaveFailed(missing)))
          reject(error)
        }
      }
      room.save(save)
    })
  },

  refuse (_message, { connection }) {
    connection.relay(textFrame(...answers.snapshotSaveFailed()))
  }
}
