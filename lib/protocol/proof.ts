import { sodium } from './sodium.ts'
import { proofText, type ProofOfParent } from './chain.ts'

export { noParent, type ProofOfParent, type SnapshotProofChainEntry } from './chain.ts'

/** BLAKE2b with a 32-byte digest, in base64. A ciphertext is hashed as its base64 text. */
export function hash (text: string): string {
  const digest = Buffer.allocUnsafe(32)
  sodium.crypto_generichash(digest, Buffer.from(text))
  return digest.toString('base64url')
}

/** The `parentSnapshotProof` that a child of this snapshot must carry. */
export function parentSnapshotProof (parent: ProofOfParent): string {
  return hash(proofText(parent))
}
