// Messages as clients send them, signed before a run, so that signing is no part of what is measured. The ciphertexts are random bytes:
// a server cannot tell.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import canonicalize from 'canonicalize'
import { hash, noParent, parentSnapshotProof } from '../../lib/protocol/proof.ts'

/** What a few typed characters take when Yjs has packed and a client has encrypted them. */
const updateBytes = 90

export interface Snapshot {
  id: string
  proof: string
  ciphertextHash: string
  text: string
}

export class Author {
  readonly publicKey: string
  readonly #privateKey

  constructor () {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    this.publicKey = publicKey.export({ format: 'jwk' }).x!
    this.#privateKey = privateKey
  }

  snapshot (docId: string, { parent, bytes = 1000 }: { parent?: Snapshot | undefined, bytes?: number } = {}): Snapshot {
    const id = randomBytes(24).toString('base64url')
    const ciphertext = randomBytes(bytes).toString('base64url')
    const proof = parentSnapshotProof(parent === undefined
      ? noParent
      : { snapshotId: parent.id, parentSnapshotProof: parent.proof, snapshotCiphertextHash: parent.ciphertextHash })
    const text = this.#signed('secsync_snapshot', ciphertext, {
      docId,
      pubKey: this.publicKey,
      snapshotId: id,
      parentSnapshotId: parent?.id ?? '',
      parentSnapshotProof: proof,
      parentSnapshotUpdateClocks: {}
    })
    return { id, proof, ciphertextHash: hash(ciphertext), text }
  }

  /** With the clocks 0, 1, 2, … */
  updates (docId: string, refSnapshotId: string, count: number): string[] {
    return Array.from({ length: count }, (_, clock) => this.#signed('secsync_update', randomBytes(updateBytes).toString('base64url'),
      { docId, pubKey: this.publicKey, refSnapshotId, clock }))
  }

  ephemeralMessages (docId: string, count: number): string[] {
    return Array.from({ length: count }, () => this.#signed('secsync_ephemeral_message', randomBytes(updateBytes).toString('base64url'),
      { docId, pubKey: this.publicKey }))
  }

  #signed (domain: string, ciphertext: string, publicData: object): string {
    const nonce = randomBytes(24).toString('base64url')
    const text = canonicalize({ ciphertext, nonce, publicData: Buffer.from(canonicalize(publicData)!).toString('base64url') })!
    const signature = sign(null, Buffer.from(domain + text), this.#privateKey).toString('base64url')
    return JSON.stringify({ ciphertext, nonce, publicData, signature })
  }
}
