import { bytesToUtf8, utf8ToBytes } from '@noble/ciphers/utils.js'
import { fromBase64, toBase64 } from './base64.ts'
import { closeBox, createBoxKeyPair, openBox, type BoxKeyPair } from './box.ts'

/** A new document key on its way to one member. `replaces` keeps anyone from putting an old box in the place of a new one. */
export interface NewKey {
  documentId: string
  key: string
  replaces: string
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
 * A box that only the receiver opens and only the owner can have made. An anonymous sealed box would hide the key from the server too,
 * but the server could make one itself, and everybody would then write with a key that it knows.
 */
export function seal (content: NewKey, receiver: string, owner: BoxKeyPair): string {
  return toBase64(closeBox(utf8ToBytes(JSON.stringify(content)), fromBase64(receiver), owner.privateKey))
}

/** Undefined if it cannot be opened. */
export function unseal (sealed: string, owner: string, receiver: BoxKeyPair): NewKey | undefined {
  try {
    return JSON.parse(bytesToUtf8(openBox(fromBase64(sealed), fromBase64(owner), receiver.privateKey))) as NewKey
  } catch {
    return undefined
  }
}
