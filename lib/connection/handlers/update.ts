import type { Connection } from '../connection.ts'
import { isError, SecsyncNewSnapshotRequiredError } from '../../errors.ts'
import { textFrame } from '../frame.ts'
import * as answers from '../../protocol/answers.ts'
import { updateChange } from '../../protocol/changes.ts'
import { isPublicKey, type Update } from '../../protocol/messages.ts'
import type { UpdateSave } from '../../document/writer.ts'
import type { Handler } from './handler.ts'

export const update: Handler<Update> = {
  kind: 'update',
  action: 'write-update',

  handle (message, { connection, heard }, room, onSend) {
    const change = updateChange(message)
    return new Promise((resolve, reject) => {
      const save: UpdateSave = {
        change,
        connection,
        onSend,
        isTakenBack: () => connection.isTakenBack(change.author, heard),
        saved () {
          connection.send(textFrame(answers.updateSaved(change.snapshotId, change.clock)))
        },
        done: resolve,
        refused (error) {
          tell(connection, change.author, change.snapshotId, change.clock, error)
          reject(error)
        }
      }
      room.save(save)
    })
  },

  refuse (message, { connection, heard }, error) {
    const { refSnapshotId, clock, pubKey } = (message as { publicData?: Record<string, unknown> }).publicData ?? {}
    // It may not have been checked: anything may be there, of any size.
    const author = isPublicKey(pubKey) ? pubKey : ''
    if (!connection.isTakenBack(author, heard)) tell(connection, author, refSnapshotId, clock, error)
  }
}

function tell (connection: Connection, author: string, snapshotId: unknown, clock: unknown, error: unknown): void {
  const requiresNewSnapshot = isError(error, SecsyncNewSnapshotRequiredError)
  connection.takeBack(author, textFrame(answers.updateSaveFailed(snapshotId, clock, requiresNewSnapshot)))
}
