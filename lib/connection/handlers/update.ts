import { isGarbage, TooManyAuthors } from '../../errors.ts'
import * as answers from '../../protocol/answers.ts'
import { updateChange } from '../../protocol/changes.ts'
import { closeCodes } from '../../protocol/close-codes.ts'
import { textFrame } from '../../protocol/frame.ts'
import { isPublicKey, type Update } from '../../protocol/messages.ts'
import type { Handler } from './handler.ts'

export const update: Handler<Update> = {
  kind: 'update',
  action: 'write-update',

  handle (message, connection, room) {
    return new Promise((resolve) => room.save({ change: updateChange(message), client: connection, settle: resolve }))
  },

  async refuse (message, connection, room, error) {
    const { refSnapshotId: snapshotId, clock, pubKey: author } = (message as { publicData?: Record<string, unknown> }).publicData ?? {}
    // It may not have been checked: anything may be there, of any size. What makes no sense is not part of a stream of updates.
    if (!isGarbage(error) && isPublicKey(author) && typeof snapshotId === 'string' && typeof clock === 'number') {
      if (!connection.addAuthor(author)) {
        connection.close(closeCodes.policyViolation, 'too many authors')
        return { status: 'refused', error: new TooManyAuthors() }
      }
      return await new Promise((resolve) => room.refuse({ client: connection, author, snapshotId, clock, error, settle: resolve }))
    }
    await room.turn()
    connection.relay(textFrame(answers.updateSaveFailed(snapshotId, clock)))
    return { status: 'refused', error }
  }
}
