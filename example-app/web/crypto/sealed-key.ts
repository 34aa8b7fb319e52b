import { bytesToUtf8, utf8ToBytes } from '@noble/ciphers/utils.js'
import { fromBase64, isKey, toBase64 } from './base64.ts'
import { closeBox, createBoxKeyPair, openBox, type BoxKeyPair } from './box.ts'

/** A new document key on its way to one member. `replaces` keeps anyone from putting an old box in the place of a new one. */
export interface NewKey {
  documentId: string
  key: string
  replaces: string
}

/** What an owner says of the next one to one member. */
export interface Handover {
  documentId: string
  /** 1 for the first of a document, and so on: an earlier one cannot be shown again after the document was handed back. */
  number: number
  owner: { memberId: string, publicKey: string }
}

/** Whether this text is a public key for which something can be sealed: of the right length, and not of small order. */
export function isReceiver (publicKey: string): boolean {
  try {
    closeBox(new Uint8Array(), fromBase64(publicKey), createBoxKeyPair().privateKey)
    return true
  } catch {
    return false
  }
}

/**
 * A box that only the receiver opens, and only the owner can have made, or the receiver. An anonymous sealed box would hide the key from the
 * server too, but the server could make one itself, and everybody would then write with a key that it knows.
 */
export function seal (content: NewKey | Handover, receiver: string, owner: BoxKeyPair): string {
  return toBase64(closeBox(utf8ToBytes(JSON.stringify(content)), fromBase64(receiver), owner.privateKey))
}

/** Undefined if it cannot be opened, or is something else. */
export function unsealKey (sealed: string, owner: string, receiver: BoxKeyPair): NewKey | undefined {
  const { documentId, key, replaces } = unseal(sealed, owner, receiver)
  if (typeof documentId !== 'string' || typeof key !== 'string' || !isKey(key) || typeof replaces !== 'string') return undefined
  return { documentId, key, replaces }
}

/** Undefined if it cannot be opened, or is something else. */
export function unsealHandover (sealed: string, owner: string, receiver: BoxKeyPair): Handover | undefined {
  const { documentId, number, owner: next } = unseal(sealed, owner, receiver)
  const { memberId, publicKey } = asRecord(next)
  if (typeof documentId !== 'string' || typeof number !== 'number' || typeof memberId !== 'string' || typeof publicKey !== 'string') return undefined
  return isReceiver(publicKey) ? { documentId, number, owner: { memberId, publicKey } } : undefined
}

function unseal (sealed: string, owner: string, receiver: BoxKeyPair): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(bytesToUtf8(openBox(fromBase64(sealed), fromBase64(owner), receiver.privateKey))))
  } catch {
    return {}
  }
}

function asRecord (value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
