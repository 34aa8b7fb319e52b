import { SecsyncSnapshotBasedOnOutdatedSnapshotError, SnapshotIdTaken, SnapshotProofInvalid, UpdateConflict } from '../errors.ts'
import type { SnapshotChange, UpdateChange } from '../protocol/changes.ts'
import type { UpdateClocks } from '../protocol/clocks.ts'
import { noParent, parentSnapshotProof, type ProofOfParent } from '../protocol/proof.ts'

/** The clocks of the authors before the updates and after them. -1: none. Throws if the clocks of an author have a gap. */
export function clocksAround (updates: UpdateChange[]): { before: UpdateClocks, after: UpdateClocks } {
  const before: UpdateClocks = {}
  const after: UpdateClocks = {}
  for (const { author, clock } of updates) {
    const last = after[author]
    if (last === undefined) before[author] = clock - 1
    else if (clock !== last + 1) throw new UpdateConflict()
    after[author] = clock
  }
  return { before, after }
}

export interface StoredSnapshot extends ProofOfParent {
  version: number
  /** Whether its signature is that of the snapshot to be stored. */
  same: boolean
}

/**
 * Checks id and proof of a snapshot. `stored` are the snapshots of the document that have its id or that of its parent. Returns the version if the
 * snapshot is stored already.
 */
export function checkSnapshot ({ snapshotId, parentSnapshotId, message }: SnapshotChange, stored: StoredSnapshot[]): number | undefined {
  const taken = stored.find((row) => row.snapshotId === snapshotId)
  if (taken?.same) return taken.version
  if (taken) throw new SnapshotIdTaken()
  const parent = parentSnapshotId === '' ? noParent : stored.find((row) => row.snapshotId === parentSnapshotId)
  if (parent === undefined) throw new SecsyncSnapshotBasedOnOutdatedSnapshotError('The document has no such parent snapshot')
  if (message.publicData.parentSnapshotProof !== parentSnapshotProof(parent)) throw new SnapshotProofInvalid()
  return undefined
}
