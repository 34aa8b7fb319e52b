import { proofText, type ProofOfParent, type SnapshotProofChainEntry } from '../../protocol/chain.ts'
import type { Snapshot } from '../../protocol/messages.ts'
import { hash } from './hash.ts'
import { finish, type Work } from './work.ts'

/** What a client keeps of a snapshot in order to check its descendants. */
export function * proofEntryOf ({ ciphertext, publicData: { snapshotId, parentSnapshotProof } }: Snapshot): Work<SnapshotProofChainEntry> {
  return { snapshotId, parentSnapshotProof, snapshotCiphertextHash: yield * hash(ciphertext) }
}

/** The `parentSnapshotProof` that a child of this snapshot carries. */
export function parentSnapshotProof (parent: ProofOfParent): string {
  return finish(hash(proofText(parent)))
}

/** Whether a snapshot is a child of the known one. */
export function isChild ({ publicData }: Snapshot, known: ProofOfParent): boolean {
  return publicData.parentSnapshotId === known.snapshotId && publicData.parentSnapshotProof === parentSnapshotProof(known)
}

/** Whether a snapshot is the known one, or the last of a chain whose first entry is a child of it. */
export function isDescendant (current: SnapshotProofChainEntry, known: ProofOfParent, chain: readonly SnapshotProofChainEntry[]): boolean {
  if (isSame(current, known)) return true
  const last = chain.at(-1)
  if (last === undefined || !isSame(last, current)) return false
  return chain.every((entry, index) => entry.parentSnapshotProof === parentSnapshotProof(chain[index - 1] ?? known))
}

function isSame (a: SnapshotProofChainEntry, b: SnapshotProofChainEntry): boolean {
  return a.snapshotId === b.snapshotId && a.snapshotCiphertextHash === b.snapshotCiphertextHash && a.parentSnapshotProof === b.parentSnapshotProof
}
