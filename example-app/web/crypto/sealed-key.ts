import sodium from 'libsodium-wrappers'
import type { DeviceKeys } from './device.ts'

/** A new document key on its way to one member. `replaces` keeps anyone from putting an old box in the place of a new one. */
export interface NewKey {
  documentId: string
  key: string
  replaces: string
}

/**
 * A box that only the receiver opens and only the owner can have made. An anonymous sealed box would hide the key from the server too,
 * but the server could make one itself, and everybody would then write with a key that it knows.
 */
export function seal (content: NewKey, receiver: string, owner: DeviceKeys): string {
  const nonce = sodium.randombytes_buf(sodium.crypto_box_NONCEBYTES)
  const box = sodium.crypto_box_easy(JSON.stringify(content), nonce, sodium.from_base64(receiver), owner.privateKey)
  const sealed = new Uint8Array(nonce.length + box.length)
  sealed.set(nonce)
  sealed.set(box, nonce.length)
  return sodium.to_base64(sealed)
}

export function unseal (sealed: string, owner: string, receiver: DeviceKeys): NewKey | undefined {
  try {
    const bytes = sodium.from_base64(sealed)
    const nonce = bytes.subarray(0, sodium.crypto_box_NONCEBYTES)
    const box = bytes.subarray(sodium.crypto_box_NONCEBYTES)
    const text = sodium.to_string(sodium.crypto_box_open_easy(box, nonce, sodium.from_base64(owner), receiver.privateKey))
    return JSON.parse(text) as NewKey
  } catch {
    return undefined
  }
}
