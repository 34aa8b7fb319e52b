import canonicalize from 'canonicalize'

/** One snapshot in the chain that leads a client from the snapshot that it knows to the active one. */
export interface SnapshotProofChainEntry {
  snapshotId: string
  parentSnapshotProof: string
  snapshotCiphertextHash: string
}

/** What the proof of a snapshot's child is made of: the snapshot's id, its own `parentSnapshotProof`, its ciphertext's hash. */
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
