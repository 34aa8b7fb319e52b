import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToNumberLE } from '@noble/curves/utils.js'
import { sha512 } from '@noble/hashes/sha2.js'
import type { Author } from './author.ts'
import { CryptoError } from './errors.ts'
import { absorb } from './hash.ts'
import { checkLength, type KeyPair } from './keys.ts'
import { isPlausibleSignature } from '../../protocol/points.ts'
import type { Work } from './work.ts'

// Ed25519 (RFC 8032) with the rules of libsodium. noble's own `sign` and `verify` take a message in one piece, and its `verify`
// multiplies by the cofactor, which lets signatures pass that libsodium refuses.

const { Point, utils } = ed25519
const { Fn } = Point

type SigningKey = ReturnType<typeof utils.getExtendedPublicKey>
const signingKeys = new WeakMap<Uint8Array, SigningKey>()

/**
 * Signs a text, with 64 bytes as the result.
 * @throws `SECSYNC_INVALID_KEY`
 */
export function * sign (text: Uint8Array, keyPair: KeyPair): Work<Uint8Array> {
  const { prefix, scalar, pointBytes } = signingKeyOf(keyPair)
  const r = yield * challenge(text, prefix)
  const commitment = Point.BASE.multiply(r).toBytes()
  const k = yield * challenge(text, commitment, pointBytes)
  const signature = new Uint8Array(64)
  signature.set(commitment)
  signature.set(Fn.toBytes(Fn.create(r + k * scalar)), 32)
  return signature
}

/** A key pair that says it has another public key would reveal its private key by signatures for both. */
function signingKeyOf ({ publicKey, privateKey }: KeyPair): SigningKey {
  let key = signingKeys.get(privateKey)
  if (key === undefined) {
    checkLength(privateKey, 64, 'A private key')
    key = utils.getExtendedPublicKey(privateKey.subarray(0, 32))
    checkSame(key.pointBytes, privateKey.subarray(32))
    signingKeys.set(privateKey, key)
  }
  checkLength(publicKey, 32, 'A public key')
  checkSame(key.pointBytes, publicKey)
  return key
}

function checkSame (expected: Uint8Array, publicKey: Uint8Array): void {
  if (expected.some((byte, index) => byte !== publicKey[index])) {
    throw new CryptoError('SECSYNC_INVALID_KEY', 'The private key does not belong to the public key')
  }
}

/** Whether the author signed the text, as libsodium decides: `protocol/points.ts` and S·B = R + k·A, without the cofactor. */
export function * verify (signature: Uint8Array, text: Uint8Array, author: Author): Work<boolean> {
  const point = author.point()
  if (point === undefined || !isPlausibleSignature(signature)) return false
  const commitment = signature.subarray(0, 32)
  const k = yield * challenge(text, commitment, author.publicKey)
  const expected = Point.BASE.multiplyUnsafe(Fn.fromBytes(signature.subarray(32))).subtract(point.multiplyUnsafe(k))
  try {
    return expected.equals(Point.fromBytes(commitment, false))
  } catch {
    return false
  }
}

function * challenge (text: Uint8Array, ...before: Uint8Array[]): Work<bigint> {
  const hash = sha512.create()
  for (const bytes of before) hash.update(bytes)
  yield * absorb(hash, text)
  return Fn.create(bytesToNumberLE(hash.digest()))
}
