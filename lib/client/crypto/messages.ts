import type { ClientMessage, EphemeralMessage, MessageKind, Snapshot, Update } from '../../protocol/messages.ts'
import type { SnapshotProofChainEntry } from '../../protocol/proof.ts'
import type { CryptoError } from './errors.ts'
import type { KeyPair } from './keys.ts'
import type { Verifier } from './verifier.ts'
import type { Pace, Work } from './work.ts'

export interface NewSnapshot {
  docId: string
  snapshotId: string
  /** `noParent` (protocol) for the initial snapshot. */
  parent: SnapshotProofChainEntry
  parentSnapshotUpdateClocks: Record<string, number>
  /** More public data, for which the application has a schema. */
  additional?: object | undefined
}

/** Encrypts and signs: `content` is the state of the document. Throws `SECSYNC_INVALID_KEY`. */
export declare function createSnapshot (content: Uint8Array, snapshot: NewSnapshot, key: Uint8Array, author: KeyPair): Work<Snapshot>
export declare function createUpdate (
  content: Uint8Array, update: { docId: string, refSnapshotId: string, clock: number, additional?: object | undefined }, key: Uint8Array, author: KeyPair
): Work<Update>
export declare function createEphemeralMessage (
  content: Uint8Array, message: { docId: string, additional?: object | undefined }, key: Uint8Array, author: KeyPair
): Work<EphemeralMessage>

/** Checks the shape of what came over the network. Throws `SECSYNC_INVALID_MESSAGE`. */
export declare function parseSnapshot (value: unknown): Snapshot
export declare function parseUpdate (value: unknown): Update
export declare function parseEphemeralMessage (value: unknown): EphemeralMessage

export interface Opening {
  /** Default: `verifyOnPlatform`. */
  verifier?: Verifier | undefined
  /** Default: a pace of its own. */
  pace?: Pace | undefined
}

/** Verifies signatures, many at a time; in the order of the messages, `undefined` for each that is right. */
export declare function verifyAll (kind: MessageKind, messages: readonly ClientMessage[], opening?: Opening): Promise<Array<CryptoError | undefined>>
/** The content of one verified message. Throws `SECSYNC_WRONG_KEY`. Does not look at the signature. */
export declare function decrypt (message: ClientMessage, key: Uint8Array): Work<Uint8Array>
/** The contents of many verified messages, in their order. */
export declare function decryptAll (messages: readonly ClientMessage[], key: Uint8Array, pace?: Pace): Promise<Array<Uint8Array | CryptoError>>
