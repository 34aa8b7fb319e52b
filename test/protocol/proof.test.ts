import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { compileFunction } from 'node:vm'
import fc from 'fast-check'
import * as secsync from 'secsync'
import t from 'tap'
import { hash, noParent, parentSnapshotProof, type SnapshotProofChainEntry } from '../../lib/protocol/proof.ts'
import { Author, sodium } from '../fixtures/raw-client.ts'

/** The client's check of a proof chain. It is not among what the package exports. */
type IsValidAncestorSnapshot = (params: {
  knownSnapshotProofEntry: SnapshotProofChainEntry
  snapshotProofChain: SnapshotProofChainEntry[]
  currentSnapshot: secsync.Snapshot
  sodium: unknown
}) => boolean

const require = createRequire(import.meta.url)
const client = require.resolve('secsync')
const { isValidAncestorSnapshot } = compileFunction(
  `${await readFile(client, 'utf8')}\nreturn { isValidAncestorSnapshot }`, ['require', 'module'], { filename: client }
)(createRequire(client), { exports: {} }) as { isValidAncestorSnapshot: IsValidAncestorSnapshot }

const author = new Author()

/** Snapshots made by the client, each the parent of the next. */
function snapshotsOf (length: number): secsync.Snapshot[] {
  const snapshots: secsync.Snapshot[] = []
  while (snapshots.length < length) snapshots.push(author.snapshot('document', { parent: snapshots.at(-1) }))
  return snapshots
}

function entryOf ({ ciphertext, publicData: { snapshotId, parentSnapshotProof } }: secsync.Snapshot): SnapshotProofChainEntry {
  return { snapshotId, parentSnapshotProof, snapshotCiphertextHash: hash(ciphertext) }
}

t.test("a hash is the client's, for any text", async () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => hash(text) === secsync.hash(text, sodium)))
})

t.test('the proof that a snapshot must carry is the one that its author computes', async (t) => {
  const [initial, second, third] = snapshotsOf(3)
  t.equal(parentSnapshotProof(noParent), initial!.publicData.parentSnapshotProof)
  t.equal(parentSnapshotProof(entryOf(initial!)), second!.publicData.parentSnapshotProof)
  t.equal(parentSnapshotProof(entryOf(second!)), third!.publicData.parentSnapshotProof)
})

t.test('any change of the parent is a change of the proof', async (t) => {
  const parent = entryOf(snapshotsOf(2)[1]!)
  const proofs = [parent, ...Object.keys(parent).map((name) => ({ ...parent, [name]: 'other' }))].map(parentSnapshotProof)
  t.equal(new Set(proofs).size, 4)
})

t.test('a chain from any snapshot to the active one convinces the client, and no other chain does', async (t) => {
  const snapshots = snapshotsOf(4)
  const currentSnapshot = snapshots.at(-1)!
  for (const [index, known] of snapshots.entries()) {
    const knownSnapshotProofEntry = entryOf(known)
    const snapshotProofChain = snapshots.slice(index + 1).map(entryOf)
    const accepts = (chain: SnapshotProofChainEntry[]) =>
      isValidAncestorSnapshot({ knownSnapshotProofEntry, snapshotProofChain: chain, currentSnapshot, sodium })
    t.ok(accepts(snapshotProofChain), `from ${index}`)
    if (snapshotProofChain.length < 2) continue
    t.notOk(accepts(snapshotProofChain.slice(1)), 'without the first')
    t.notOk(accepts(snapshotProofChain.slice(0, -1)), 'without the last')
    t.notOk(accepts(snapshotProofChain.toReversed()), 'in another order')
    t.notOk(accepts([knownSnapshotProofEntry, ...snapshotProofChain]), 'with the known one')
  }
})
