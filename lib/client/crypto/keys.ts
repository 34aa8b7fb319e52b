import { ed25519 } from '@noble/curves/ed25519.js'
import { randomBytes } from '@noble/hashes/utils.js'
import { toBase64 } from './base64.ts'
import { CryptoError } from './errors.ts'

/** An Ed25519 key pair in libsodium's form: 32 bytes; 64 bytes, of which the first half is the seed and the second the public key. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly privateKey: Uint8Array
}

/** A new key pair for signing. */
export function createKeyPair (): KeyPair {
  return keyPairFromSeed(randomBytes(32))
}

/**
 * The key pair of a seed of 32 bytes.
 * @throws `SECSYNC_INVALID_KEY`
 */
export function keyPairFromSeed (seed: Uint8Array): KeyPair {
  checkLength(seed, 32, 'A seed')
  const publicKey = ed25519.getPublicKey(seed)
  const privateKey = new Uint8Array(64)
  privateKey.set(seed)
  privateKey.set(publicKey, 32)
  return { publicKey, privateKey }
}

/** A new key of 32 bytes for a document. */
export function createKey (): Uint8Array {
  return randomBytes(32)
}

/** A new id: 24 random bytes in base64. */
export function createId (): string {
  return toBase64(randomBytes(24))
}

/** @throws `SECSYNC_INVALID_KEY` */
export function checkLength (key: unknown, length: number, name: string): asserts key is Uint8Array {
  if (!isBytes(key) || key.length !== length) throw new CryptoError('SECSYNC_INVALID_KEY', `${name} is a Uint8Array of ${length} bytes`)
}

/** Not by `instanceof`: bytes may come from another frame. */
export function isBytes (value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]'
}
