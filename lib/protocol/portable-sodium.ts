import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { blake2b } from '@noble/hashes/blake2.js'
import { isPlausiblePoint, isPlausibleSignature } from './points.ts'

/** The part of sodium-native that we use. The package has no types of its own. */
export interface Sodium {
  crypto_sign_verify_detached (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  crypto_generichash (output: Uint8Array, input: Uint8Array): void
}

/** Before the 32 bytes of an Ed25519 key (RFC 8410). */
const prefix = Buffer.from('302a300506032b6570032100', 'hex')

/** The functions of libsodium, with OpenSSL and noble. Signature checks take about twice as long. */
export const portable: Sodium = {
  crypto_sign_verify_detached (signature, message, publicKey) {
    // OpenSSL accepts points that libsodium refuses.
    if (!isPlausiblePoint(publicKey) || !isPlausibleSignature(signature)) return false
    const key: KeyObject = createPublicKey({ key: Buffer.concat([prefix, publicKey]), format: 'der', type: 'spki' })
    return verify(null, message, key, signature)
  },
  crypto_generichash (output, input) {
    output.set(blake2b(input, { dkLen: output.length }))
  }
}
