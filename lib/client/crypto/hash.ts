import { blake2b } from '@noble/hashes/blake2.js'
import { toBase64 } from './base64.ts'
import { stepBytes, type Work } from './work.ts'

const utf8 = new TextEncoder()

/** BLAKE2b with a 32-byte digest, in base64. A ciphertext is hashed as its base64 text. */
export function * hash (text: string): Work<string> {
  const digest = blake2b.create({ dkLen: 32 })
  yield * absorb(digest, utf8.encode(text))
  return toBase64(digest.digest())
}

/** Feeds bytes of any length to a hash. */
export function * absorb (hash: { update (bytes: Uint8Array): unknown }, bytes: Uint8Array): Work<void> {
  for (let from = 0; from < bytes.length; from += stepBytes) {
    if (from > 0) yield
    hash.update(bytes.subarray(from, from + stepBytes))
  }
}
