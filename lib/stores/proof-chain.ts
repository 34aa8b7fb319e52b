import type { Snapshot } from '../protocol/messages.ts'
import { hash, parentSnapshotProof, type SnapshotProofChainEntry } from '../protocol/proof.ts'

/** Returns what is wrong with the proof chain of a loaded snapshot. The published client refuses the document with such a chain. */
export function faultOfChain (snapshot: Snapshot, chain: SnapshotProofChainEntry[] | null | undefined): string | undefined {
  if (chain === undefined || chain === null) return 'is missing, although the reader knows another snapshot'
  const last = chain.at(-1)
  if (last === undefined) return undefined
  if (last.snapshotId !== snapshot.publicData.snapshotId) return 'does not end with the active snapshot'
  if (last.snapshotCiphertextHash !== hash(snapshot.ciphertext)) return 'has another hash for the ciphertext of the active snapshot'
  if (last.parentSnapshotProof !== snapshot.publicData.parentSnapshotProof) return 'has another parentSnapshotProof for the active snapshot'
  const isBroken = chain.some((entry, index) => {
    const parent = chain[index - 1]
    return parent !== undefined && entry.parentSnapshotProof !== parentSnapshotProof(parent)
  })
  return isBroken ? 'has entries that do not follow on each other, oldest first' : undefined
}
