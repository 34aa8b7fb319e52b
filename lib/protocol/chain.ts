import canonicalize from 'canonicalize'

/** One snapshot of the chain from a client's known snapshot to the active one. */
export interface SnapshotProofChainEntry {
  snapshotId: string
  parentSnapshotProof: string
  snapshotCiphertextHash: string
}

/** The input of a child's `parentSnapshotProof`: id, `parentSnapshotProof` and ciphertext hash of the parent. */
export type ProofOfParent = SnapshotProofChainEntry

/** The parent of the initial snapshot. */
export const noParent: ProofOfParent = { snapshotId: '', parentSnapshotProof: '', snapshotCiphertextHash: '' }

/** The text whose hash is the `parentSnapshotProof` of a child of this snapshot. */
export function proofText (parent: ProofOfParent): string {
  return canonicalize({
    grandParentSnapshotProof: parent.parentSnapshotProof,
    parentSnapshotCiphertextHash: parent.snapshotCiphertextHash,
    parentSnapshotId: parent.snapshotId
  })!
}
