import { randomBytes } from 'node:crypto'
import type { UpdateClocks } from '../protocol/clocks.ts'
import type { Snapshot, Update } from '../protocol/messages.ts'
import { hash, noParent, parentSnapshotProof, type SnapshotProofChainEntry } from '../protocol/proof.ts'

/** Somebody who writes snapshots and updates for the test of a store. Their signatures and ciphertexts are random: no client accepts them. */
export class TestAuthor {
  readonly publicKey = random(32)

  /** A snapshot on `parent`, which its author made with these updates of the parent. Without `parent`: the first one of the document. */
  snapshot (docId: string, { parent, clocks = {}, snapshotId = random(24) }: { parent?: Snapshot, clocks?: UpdateClocks, snapshotId?: string } = {}): Snapshot {
    const publicData = {
      docId,
      pubKey: this.publicKey,
      snapshotId,
      parentSnapshotId: parent?.publicData.snapshotId ?? '',
      parentSnapshotProof: parentSnapshotProof(parent === undefined ? noParent : proofOf(parent)),
      parentSnapshotUpdateClocks: clocks
    }
    return { ciphertext: random(100), nonce: random(24), publicData, signature: random(64) }
  }

  /** The update with this clock, 0 for the first one. */
  update (snapshot: Snapshot, clock: number, docId = snapshot.publicData.docId): Update {
    const publicData = { docId, pubKey: this.publicKey, refSnapshotId: snapshot.publicData.snapshotId, clock }
    return { ciphertext: random(50), nonce: random(24), publicData, signature: random(64) }
  }
}

/** The entry of a snapshot in a proof chain. */
export function proofOf ({ ciphertext, publicData: { snapshotId, parentSnapshotProof } }: Snapshot): SnapshotProofChainEntry {
  return { snapshotId, parentSnapshotProof, snapshotCiphertextHash: hash(ciphertext) }
}

function random (bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
