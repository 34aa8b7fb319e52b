import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { xchacha20 } from '@noble/ciphers/chacha.js'
import { equalBytes } from '@noble/ciphers/utils.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { randomBytes } from '@noble/hashes/utils.js'
import { decodeBase64, encode, encodeBase64, fromBase64, toBase64 } from './base64.ts'
import { CryptoError } from './errors.ts'
import { absorb } from './hash.ts'
import { checkLength } from './keys.ts'
import { stepBytes, type Work } from './work.ts'

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with a key commitment before it: AEADs of this kind can be made to decrypt under
// two keys. The commitment is libsodium's `crypto_auth` (HMAC-SHA-512, its first 32 bytes) over nonce, ciphertext and additional
// data as base64 text. The ciphertext of a message is: commitment, encrypted content, Poly1305 tag of 16 bytes.

const commitmentLength = 32
const tagLength = 16
const blockLength = 64
const utf8 = new TextEncoder()

/**
 * Encrypts content. `additional` is base64: the public data, which is not encrypted but belongs to it.
 * @throws `SECSYNC_INVALID_KEY`
 */
export function * encrypt (content: Uint8Array, additional: string, key: Uint8Array, nonce = randomBytes(24)): Work<{ ciphertext: string, nonce: string }> {
  checkLength(key, 32, 'The key of a document')
  const additionalBytes = utf8.encode(additional)
  const sealed = new Uint8Array(commitmentLength + content.length + tagLength)
  const box = sealed.subarray(commitmentLength)
  const encrypted = box.subarray(0, content.length)
  yield * xor(content, encrypted, key, nonce)
  box.set(yield * tagOf(encrypted, additionalBytes, key, nonce), content.length)
  sealed.set(yield * commitmentOf(box, additionalBytes, key, nonce))
  return { ciphertext: yield * encodeBase64(sealed), nonce: toBase64(nonce) }
}

/**
 * Decrypts what `encrypt` made.
 * @throws `SECSYNC_WRONG_KEY`, `SECSYNC_INVALID_KEY`, `SECSYNC_INVALID_BASE64`
 */
export function * decrypt (ciphertext: string, nonceText: string, additional: string, key: Uint8Array): Work<Uint8Array> {
  checkLength(key, 32, 'The key of a document')
  const additionalBytes = utf8.encode(additional)
  const nonce = fromBase64(nonceText)
  const sealed = yield * decodeBase64(ciphertext)
  if (nonce.length !== 24 || sealed.length < commitmentLength + tagLength) throw wrongKey()
  const box = sealed.subarray(commitmentLength)
  if (!equalBytes(yield * commitmentOf(box, additionalBytes, key, nonce), sealed.subarray(0, commitmentLength))) throw wrongKey()
  const encrypted = box.subarray(0, -tagLength)
  if (!equalBytes(yield * tagOf(encrypted, additionalBytes, key, nonce), box.subarray(-tagLength))) throw wrongKey()
  const content = new Uint8Array(encrypted.length)
  yield * xor(encrypted, content, key, nonce)
  return content
}

function wrongKey (): CryptoError {
  return new CryptoError('SECSYNC_WRONG_KEY', 'The message was not encrypted with this key, or it was changed')
}

/** The cipher stream from block 1 on: block 0 gives the key of the tag. */
function * xor (from: Uint8Array, to: Uint8Array, key: Uint8Array, nonce: Uint8Array): Work<void> {
  for (let at = 0; at < from.length; at += stepBytes) {
    if (at > 0) yield
    xchacha20(key, nonce, from.subarray(at, at + stepBytes), to.subarray(at, at + stepBytes), 1 + at / blockLength)
  }
}

function * tagOf (encrypted: Uint8Array, additional: Uint8Array, key: Uint8Array, nonce: Uint8Array): Work<Uint8Array> {
  const tag = poly1305.create(xchacha20(key, nonce, new Uint8Array(32)))
  const lengths = new DataView(new ArrayBuffer(16))
  for (const [index, bytes] of [additional, encrypted].entries()) {
    yield * absorb(tag, bytes)
    tag.update(new Uint8Array(-bytes.length & 15))
    lengths.setBigUint64(8 * index, BigInt(bytes.length), true)
  }
  tag.update(new Uint8Array(lengths.buffer))
  return tag.digest()
}

function * commitmentOf (box: Uint8Array, additional: Uint8Array, key: Uint8Array, nonce: Uint8Array): Work<Uint8Array> {
  const mac = hmac.create(sha512, key)
  mac.update(encode(nonce))
  for (let from = 0; from < box.length; from += stepBytes) {
    if (from > 0) yield
    mac.update(encode(box.subarray(from, from + stepBytes)))
  }
  yield * absorb(mac, additional)
  return mac.digest().subarray(0, commitmentLength)
}
