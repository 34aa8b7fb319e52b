import canonicalize from 'canonicalize'
import type { ProofOfParent } from '../../protocol/chain.ts'
import type { ClientMessage, EphemeralMessage, MessageKind, Snapshot, Update } from '../../protocol/messages.ts'
import { signedText } from '../../protocol/signed-text.ts'
import * as aead from './aead.ts'
import { encodeBase64, toBase64 } from './base64.ts'
import { sign } from './ed25519.ts'
import { CryptoError } from './errors.ts'
import { checkLength, isBytes, type KeyPair } from './keys.ts'
import { parentSnapshotProof } from './proof.ts'
import { finish, type Work } from './work.ts'

const utf8 = new TextEncoder()

export interface NewSnapshot {
  docId: string
  snapshotId: string
  /** `noParent` for the initial snapshot. */
  parent: ProofOfParent
  parentSnapshotUpdateClocks: Record<string, number>
  /** Public data of the application. It needs a schema on the server. */
  additional?: object | undefined
}

export interface NewUpdate {
  docId: string
  refSnapshotId: string
  clock: number
  /** Public data of the application. It needs a schema on the server. */
  additional?: object | undefined
}

export interface NewEphemeralMessage {
  docId: string
  /** Public data of the application. It needs a schema on the server. */
  additional?: object | undefined
}

/**
 * Encrypts and signs the state of a document.
 * @throws `SECSYNC_INVALID_KEY`, `SECSYNC_INVALID_MESSAGE`
 */
export function createSnapshot (content: Uint8Array, { parent, additional, ...publicData }: NewSnapshot, key: Uint8Array, author: KeyPair): Work<Snapshot> {
  return create('snapshot', content, {
    ...additional,
    ...publicData,
    parentSnapshotId: parent.snapshotId,
    parentSnapshotProof: parentSnapshotProof(parent)
  }, key, author)
}

/**
 * Encrypts and signs changes (`encodeChanges`).
 * @throws `SECSYNC_INVALID_KEY`, `SECSYNC_INVALID_MESSAGE`
 */
export function createUpdate (content: Uint8Array, { additional, ...publicData }: NewUpdate, key: Uint8Array, author: KeyPair): Work<Update> {
  return create('update', content, { ...additional, ...publicData }, key, author)
}

/**
 * Encrypts and signs what `Presence` sends.
 * @throws `SECSYNC_INVALID_KEY`, `SECSYNC_INVALID_MESSAGE`
 */
export function createEphemeralMessage (
  content: Uint8Array, { additional, ...publicData }: NewEphemeralMessage, key: Uint8Array, author: KeyPair
): Work<EphemeralMessage> {
  return create('ephemeralMessage', content, { ...additional, ...publicData }, key, author)
}

function * create<T extends object> (kind: MessageKind, content: Uint8Array, data: T, key: Uint8Array, author: KeyPair) {
  if (!isBytes(content)) throw new CryptoError('SECSYNC_INVALID_MESSAGE', 'The content of a message is a Uint8Array')
  checkLength(author.publicKey, 32, 'A public key')
  const publicData = { ...data, pubKey: toBase64(author.publicKey) }
  const publicDataText = textOf(publicData)
  const { ciphertext, nonce } = yield * aead.encrypt(content, publicDataText, key)
  const text = utf8.encode(signedText(kind, { ciphertext, nonce, publicData: publicDataText }))
  return { ciphertext, nonce, publicData, signature: toBase64(yield * sign(text, author)) }
}

/** The text that the author of a message signed. */
export function signedBytes (kind: MessageKind, { ciphertext, nonce, publicData }: ClientMessage): Uint8Array<ArrayBuffer> {
  return utf8.encode(signedText(kind, { ciphertext, nonce, publicData: textOf(publicData) }))
}

/**
 * The content of a message. Its signature is not looked at: verify it first.
 * @throws `SECSYNC_WRONG_KEY`, `SECSYNC_INVALID_KEY`, `SECSYNC_INVALID_BASE64`
 */
export function decrypt ({ ciphertext, nonce, publicData }: ClientMessage, key: Uint8Array): Work<Uint8Array> {
  return aead.decrypt(ciphertext, nonce, textOf(publicData), key)
}

/** Base64 of the canonical JSON. */
function textOf (publicData: object): string {
  try {
    return finish(encodeBase64(utf8.encode(canonicalize(publicData))))
  } catch (error) {
    throw new CryptoError('SECSYNC_INVALID_MESSAGE', `Public data cannot be written as canonical JSON: ${String(error)}`)
  }
}
