import { signedJson } from '../protocol/changes.ts'
import type { UpdateClocks } from '../protocol/clocks.ts'
import { StoredSnapshot, StoredUpdate } from '../protocol/messages.ts'
import { hash } from '../protocol/proof.ts'
import { verifySignature } from '../protocol/signature.ts'
import { TypeCompiler } from '../protocol/typebox.ts'
import type { SignedColumns, SnapshotRow, UpdateRow } from '../stores/rows.ts'

/**
 * What is wrong with one message:
 *
 * - `json`: no JSON, or no message of the protocol, or more than a message.
 * - `signature`: its author has not signed this.
 * - `row`: it was signed, but for another document, snapshot or clock, or its row says something else.
 */
export interface Flaw {
  kind: 'json' | 'signature' | 'row'
  reason: string
}

/** What a snapshot says of its parent. */
export interface ParentOf {
  snapshotId: string
  clocks: UpdateClocks
}

const snapshotCheck = TypeCompiler.Compile(StoredSnapshot)
const updateCheck = TypeCompiler.Compile(StoredUpdate)

/** Checks everything about an update that can be told from its row alone. */
export function flawOfUpdate ({ documentId, snapshotId, author, clock, data }: UpdateRow): Flaw | undefined {
  const message = parse(data)
  if (!updateCheck.Check(message)) return { kind: 'json', reason: reasonOf(message, updateCheck) }
  if (signedJson(message) !== data) return { kind: 'json', reason: 'has more than ciphertext, nonce, publicData and signature' }
  const { docId, refSnapshotId, pubKey, clock: signedClock } = message.publicData
  const wrong = difference({ docId: documentId, refSnapshotId: snapshotId, pubKey: author, clock }, { docId, refSnapshotId, pubKey, clock: signedClock })
  if (wrong !== undefined) return { kind: 'row', reason: wrong }
  return verifySignature('update', message) ? undefined : { kind: 'signature', reason: 'has an invalid signature' }
}

/**
 * Checks everything about a snapshot that can be told from its row alone. Returns what it says of its parent if it is a snapshot at all, and the right
 * columns if only those are wrong.
 */
export function checkSnapshot (row: SnapshotRow): { flaw?: Flaw, parent?: ParentOf, columns?: SignedColumns } {
  const { documentId, id, parentSnapshotProof, ciphertextHash, data, signature, author, bytes } = row
  // The next snapshot proves what is left of one that was pruned.
  if (data === null) return {}
  const message = parse(data)
  if (!snapshotCheck.Check(message)) return { flaw: { kind: 'json', reason: reasonOf(message, snapshotCheck) } }
  const { docId, pubKey, snapshotId, parentSnapshotProof: proof, parentSnapshotId, parentSnapshotUpdateClocks: clocks } = message.publicData
  const parent = { snapshotId: parentSnapshotId, clocks }
  if (signedJson(message) !== data) return { flaw: { kind: 'json', reason: 'has more than ciphertext, nonce, publicData and signature' }, parent }
  const stored = { docId: documentId, snapshotId: id, parentSnapshotProof, ciphertextHash, ...signature !== null && { signature, author, bytes } }
  const signed = {
    docId,
    snapshotId,
    parentSnapshotProof: proof,
    ciphertextHash: hash(message.ciphertext),
    signature: message.signature,
    author: pubKey,
    bytes: Buffer.byteLength(data)
  }
  const wrong = difference(stored, signed)
  // The signature comes first: a damaged ciphertext has another hash, too.
  if (!verifySignature('snapshot', message)) return { flaw: { kind: 'signature', reason: 'has an invalid signature' }, parent }
  if (wrong === undefined) return { parent }
  const flaw: Flaw = { kind: 'row', reason: wrong }
  if (docId !== documentId || snapshotId !== id) return { flaw, parent }
  const { ciphertextHash: hashOfText, signature: ownSignature, bytes: ownBytes } = signed
  return { flaw, parent, columns: { parentSnapshotProof: proof, ciphertextHash: hashOfText, signature: ownSignature, author: pubKey, bytes: ownBytes } }
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reasonOf (message: unknown, check: typeof snapshotCheck | typeof updateCheck): string {
  if (message === undefined) return 'is not JSON'
  const { path, message: reason } = check.Errors(message).First() ?? { path: '', message: '' }
  return `is not a message of the protocol: ${path} ${reason}`
}

function difference (stored: Record<string, unknown>, signed: Record<string, unknown>): string | undefined {
  for (const [name, value] of Object.entries(stored)) {
    if (signed[name] !== value) return `is stored with ${name} ${JSON.stringify(value)}, but the message says ${JSON.stringify(signed[name])}`
  }
  return undefined
}
