import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { randomBytes } from '@noble/ciphers/utils.js'
import { x25519 } from '@noble/curves/ed25519.js'

// `crypto_box_easy` of libsodium (X25519, XSalsa20-Poly1305), with which earlier versions of this app made their boxes.

export interface BoxKeyPair {
  /** 32 bytes each. */
  publicKey: Uint8Array
  privateKey: Uint8Array
}

export const nonceLength = 24

export function createBoxKeyPair (): BoxKeyPair {
  const { secretKey, publicKey } = x25519.keygen()
  return { publicKey, privateKey: secretKey }
}

/** The nonce, and behind it the box. Throws for a public key that has no shared secret with anybody. */
export function closeBox (content: Uint8Array, publicKey: Uint8Array, privateKey: Uint8Array, nonce: Uint8Array = randomBytes(nonceLength)): Uint8Array {
  const box = xsalsa20poly1305(sharedKey(publicKey, privateKey), nonce).encrypt(content)
  const closed = new Uint8Array(nonceLength + box.length)
  closed.set(nonce)
  closed.set(box, nonceLength)
  return closed
}

/** Throws if it is not for this private key, or not by the owner of this public key. */
export function openBox (closed: Uint8Array, publicKey: Uint8Array, privateKey: Uint8Array): Uint8Array {
  return xsalsa20poly1305(sharedKey(publicKey, privateKey), closed.subarray(0, nonceLength)).decrypt(closed.subarray(nonceLength))
}

/** HSalsa20 of the shared secret. */
function sharedKey (publicKey: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const key = new Uint32Array(8)
  const sigma = words(new TextEncoder().encode('expand 32-byte k'))
  hsalsa(sigma, words(x25519.getSharedSecret(privateKey, publicKey)), new Uint32Array(4), key)
  return new Uint8Array(key.buffer)
}

/** Every browser is little-endian, as these functions want it. */
function words (bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer)
}
