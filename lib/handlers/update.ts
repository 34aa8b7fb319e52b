import { isError, SecsyncNewSnapshotRequiredError } from '../errors.ts'
import { textFrame } from '../frame.ts'
import * as answers from '../protocol/answers.ts'
import { updateChange, type UpdateChange } from '../protocol/changes.ts'
import type { Update } from '../protocol/messages.ts'
import type { Save } from '../writer.ts'
import type { Handler } from './handler.ts'

export const update: Handler<Update> = {
  kind: 'update',
  action: 'write-update',

  handle (message, connection, room, onSend) {
    const change = updateChange(message)
    return new Promise((resolve, reject) => {
      const save: Save<UpdateChange> = {
        change,
        connection,
        onSend,
        saved () {
          connection.send(textFrame(answers.updateSaved(change.snapshotId, change.clock)))
          resolve()
        },
        refused (error, isIgnored) {
          if (!isIgnored) update.refuse(message, connection, error)
          reject(error)
        }
      }
      room.save(save)
    })
  },

  refuse (message, connection, error) {
    const { refSnapshotId, clock } = (message as { publicData?: Record<string, unknown> }).publicData ?? {}
    const requiresNewSnapshot = isError(error, SecsyncNewSnapshotRequiredError)
    connection.relay(textFrame(answers.updateSaveFailed(refSnapshotId, clock, requiresNewSnapshot)))
  }
}
