import * as answers from '../protocol/answers.ts'
import { changesOf } from '../protocol/changes.ts'
import { textFrame } from '../protocol/frame.ts'
import type { LoadedDocument } from '../stores/store.ts'

export interface Repeat {
  document: LoadedDocument
  /** Sent behind the document. */
  frames: Buffer[]
}

/**
 * For a client that asks for `mode=complete` and knows the active snapshot already. In this case the published client (processQueues) passes
 * over the snapshot of the `document`: it does not note it as its active one, and expects clock 0 of every update. So the `document` has
 * no updates, and the snapshot and its updates follow as if they were relayed: these are noted, whatever was known before.
 */
export function repeatComplete (document: LoadedDocument): Repeat {
  const { snapshot = '', updates, cursor } = document
  return {
    document: { snapshot, snapshotProofChain: '[]', updates: '', cursor },
    frames: [
      textFrame(...answers.snapshot(snapshot)),
      ...changesOf({ updates }).map(({ text }) => textFrame(answers.update(text)))
    ]
  }
}
