import canonicalize from 'canonicalize'
import sodium from 'sodium-native'

/** One snapshot in the chain that leads a client from the snapshot that it knows to the active one. */
export interface SnapshotProofChainEntry {
  snapshotId: string
  parentSnapshotProof: string
  snapshotCiphertextHash: string
}

/** BLAKE2b with a 32-byte digest, in base64. A ciphertext is hashed as its base64 text. */
export function hash (text: string): string {
  const digest = Buffer.allocUnsafe(32)
  sodium.crypto_generichash(digest, Buffer.from(text))
  return digest.toString('base64url')
}

/** What the proof of a snapshot's child is made of: the snapshot's id, its own `parentSnapshotProof`, its ciphertext's hash. */
export type ProofOfParent = SnapshotProofChainEntry

/** The parent of the initial snapshot. */
export const noParent: ProofOfParent = { snapshotId: '', parentSnapshotProof: '', snapshotCiphertextHash: '' }

/** The `parentSnapshotProof` that a child of this snapshot must carry. */
export function parentSnapshotProof (parent: ProofOfParent): string {
  return hash(canonicalize({
    grandParentSnapshotProof: parent.parentSnapshotProof,
    parentSnapshotCiphertextHash: parent.snapshotCiphertextHash,
    parentSnapshotId: parent.snapshotId
  })!)
}
