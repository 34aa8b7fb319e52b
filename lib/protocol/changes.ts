import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { DocumentText } from './answers.ts'
import type { UpdateClocks } from './clocks.ts'
import { StoredEphemeralMessage, StoredSnapshot, StoredUpdate, type Snapshot, type SnapshotMessage, type Update } from './messages.ts'

/** A verified update or snapshot, with the JSON that is stored and relayed: nothing but what was signed and the signature. */
export type Change = UpdateChange | SnapshotChange

interface Stored {
  /** Of the document with this change, from 1, once it is known. */
  version?: number | undefined
}

export interface UpdateChange extends Stored {
  readonly kind: 'update'
  /** The snapshot that it references. */
  readonly snapshotId: string
  readonly author: string
  readonly clock: number
  readonly message: Update
  readonly text: string
}

export interface SnapshotChange extends Stored {
  readonly kind: 'snapshot'
  readonly snapshotId: string
  readonly parentSnapshotId: string
  readonly parentClocks: UpdateClocks
  readonly message: SnapshotMessage
  readonly text: string
}

export function updateChange (message: Update): UpdateChange {
  const { refSnapshotId, pubKey, clock } = message.publicData
  return { kind: 'update', snapshotId: refSnapshotId, author: pubKey, clock, message, text: signedJson(message) }
}

export function snapshotChange (message: SnapshotMessage): SnapshotChange {
  const { snapshotId, parentSnapshotId, parentSnapshotUpdateClocks } = message.publicData
  return { kind: 'snapshot', snapshotId, parentSnapshotId, parentClocks: parentSnapshotUpdateClocks, message, text: signedJson(message) }
}

const snapshotCheck = TypeCompiler.Compile(StoredSnapshot)
const updateCheck = TypeCompiler.Compile(StoredUpdate)
const ephemeralMessageCheck = TypeCompiler.Compile(StoredEphemeralMessage)

/** Of what another node has verified. Throws `TypeError` when it is neither an update nor a snapshot. */
export function changeOf (text: string): Change {
  const message: unknown = JSON.parse(text)
  if (updateCheck.Check(message)) return updateChange(message)
  if (snapshotCheck.Check(message)) return snapshotChange(message)
  throw new TypeError('Neither an update nor a snapshot')
}

/** The JSON of an ephemeral message that another node has verified. Throws `TypeError` when it is something else. */
export function ephemeralMessageOf (text: string): string {
  const message: unknown = JSON.parse(text)
  if (!ephemeralMessageCheck.Check(message)) throw new TypeError('No ephemeral message')
  return signedJson(message)
}

/** Numbers changes that follow each other, of which the last has this version. */
export function number (changes: readonly Change[], version: number | undefined): void {
  if (version === undefined) return
  changes.forEach((change, index) => { change.version = version - changes.length + 1 + index })
}

/** Whatever else a client put beside the four does not reach others: a `type`, for instance, would make it another message. */
export function signedJson ({ ciphertext, nonce, publicData, signature }: Pick<Snapshot, 'ciphertext' | 'nonce' | 'signature'> & { publicData: object }): string {
  return JSON.stringify({ ciphertext, nonce, publicData, signature })
}

/** The changes of a document that was stored as JSON, in their order. */
export function changesOf (document: DocumentText | undefined): Change[] {
  const { snapshot, updates = '' } = document ?? {}
  return [
    ...snapshot ? [snapshotChange(JSON.parse(snapshot) as Snapshot)] : [],
    ...(JSON.parse(`[${updates}]`) as Update[]).map(updateChange)
  ]
}

/** Ed25519 signatures are deterministic: the same signature is the same message, byte for byte. */
export function sameChange (a: Change, b: Change): boolean {
  return a.message.signature === b.message.signature
}
