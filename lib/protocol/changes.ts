import { TypeCompiler } from './typebox.ts'
import type { DocumentText } from './answers.ts'
import type { UpdateClocks } from './clocks.ts'
import { StoredEphemeralMessage, StoredSnapshot, StoredUpdate, type Snapshot, type SnapshotMessage, type Update } from './messages.ts'

/** A verified update or snapshot. `text` is the stored and relayed JSON: the signed parts and the signature only. */
export type Change = UpdateChange | SnapshotChange

interface Stored {
  /** The version of the document after this change, starting at 1. `undefined` until it is known. */
  version?: number | undefined
}

export interface UpdateChange extends Stored {
  readonly kind: 'update'
  /** The referenced snapshot. */
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

/** Parses a change that another node has verified. Throws `TypeError` for anything but an update or a snapshot. */
export function changeOf (text: string): Change {
  const message: unknown = JSON.parse(text)
  if (updateCheck.Check(message)) return updateChange(message)
  if (snapshotCheck.Check(message)) return snapshotChange(message)
  throw new TypeError('Neither an update nor a snapshot')
}

/** Returns the JSON of an ephemeral message that another node has verified. Throws `TypeError` for anything else. */
export function ephemeralMessageOf (text: string): string {
  const message: unknown = JSON.parse(text)
  if (!ephemeralMessageCheck.Check(message)) throw new TypeError('Not an ephemeral message')
  return signedJson(message)
}

/** Assigns versions to consecutive changes. `version` is the one of the last change. */
export function number (changes: readonly Change[], version: number | undefined): void {
  if (version === undefined) return
  changes.forEach((change, index) => { change.version = version - changes.length + 1 + index })
}

/** Drops all other properties of a client's message. A `type`, for instance, would turn it into another message. */
export function signedJson ({ ciphertext, nonce, publicData, signature }: Pick<Snapshot, 'ciphertext' | 'nonce' | 'signature'> & { publicData: object }): string {
  return JSON.stringify({ ciphertext, nonce, publicData, signature })
}

/** The changes of a loaded document, in their order. */
export function changesOf (document: DocumentText | undefined): Change[] {
  const { snapshot, updates = '' } = document ?? {}
  return [
    ...snapshot ? [snapshotChange(JSON.parse(snapshot) as Snapshot)] : [],
    ...(JSON.parse(`[${updates}]`) as Update[]).map(updateChange)
  ]
}

/** Compares signatures. Ed25519 is deterministic, so equal signatures mean equal messages. */
export function sameChange (a: Change, b: Change): boolean {
  return a.message.signature === b.message.signature
}
