import * as answers from '../protocol/answers.ts'
import { textFrame } from '../protocol/frame.ts'
import { isUpdate, type Write } from './write.ts'

/** Sends the acknowledgement of a change that is stored, byte for byte. */
export function confirm (write: Write): void {
  const { client } = write
  if (isUpdate(write)) {
    const { author, snapshotId, clock } = write.change
    client.streamOf(author).saved(write.change)
    client.send(textFrame(answers.updateSaved(snapshotId, clock)))
  } else {
    client.send(textFrame(answers.snapshotSaved(write.change.snapshotId)))
  }
  write.settle({ status: 'saved' })
}
