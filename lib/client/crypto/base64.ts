import { CryptoError } from './errors.ts'
import { finish, stepBytes, type Work } from './work.ts'

const alphabet = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const ascii = new TextDecoder()

/** The value of each ASCII character, or `invalid`. */
const invalid = 64
const values = new Uint8Array(128).fill(invalid)
alphabet.forEach((code, value) => { values[code] = value })

/** Base64, URL-safe and without padding, as ASCII bytes. */
export function encode (bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  const text = new Uint8Array(Math.ceil(length * 4 / 3))
  const rest = length % 3
  let to = 0
  let from = 0
  for (; from < length - rest; from += 3) {
    const group = bytes[from]! << 16 | bytes[from + 1]! << 8 | bytes[from + 2]!
    text[to++] = alphabet[group >> 18]!
    text[to++] = alphabet[group >> 12 & 63]!
    text[to++] = alphabet[group >> 6 & 63]!
    text[to++] = alphabet[group & 63]!
  }
  if (rest > 0) {
    const group = bytes[from]! << 16 | (rest === 2 ? bytes[from + 1]! << 8 : 0)
    text[to++] = alphabet[group >> 18]!
    text[to++] = alphabet[group >> 12 & 63]!
    if (rest === 2) text[to] = alphabet[group >> 6 & 63]!
  }
  return text
}

/** Base64, URL-safe and without padding. */
export function * encodeBase64 (bytes: Uint8Array): Work<string> {
  let text = ''
  for (let from = 0; from < bytes.length; from += stepBytes) {
    if (from > 0) yield
    text += ascii.decode(encode(bytes.subarray(from, from + stepBytes)))
  }
  return text
}

/**
 * Accepts what libsodium accepts: URL-safe, without padding, spare bits zero.
 * @throws `SECSYNC_INVALID_BASE64`
 */
export function * decodeBase64 (text: string): Work<Uint8Array<ArrayBuffer>> {
  const { length } = text
  const rest = length % 4
  const bytes = new Uint8Array(Math.floor(length * 3 / 4))
  let seen = 0
  let to = 0
  /** Whatever is not an ASCII character sets a bit above 63, as an invalid one does. */
  const valueAt = (index: number) => {
    const code = text.charCodeAt(index)
    const value = code < 128 ? values[code]! : invalid
    seen |= value
    return value
  }
  let from = 0
  for (; from < length - rest; from += 4) {
    if (from % stepBytes === 0 && from > 0) yield
    const group = valueAt(from) << 18 | valueAt(from + 1) << 12 | valueAt(from + 2) << 6 | valueAt(from + 3)
    bytes[to++] = group >> 16
    bytes[to++] = group >> 8
    bytes[to++] = group
  }
  let spare = rest === 1 ? 1 : 0
  if (rest > 1) {
    const group = valueAt(from) << 18 | valueAt(from + 1) << 12 | (rest === 3 ? valueAt(from + 2) << 6 : 0)
    bytes[to++] = group >> 16
    if (rest === 3) bytes[to] = group >> 8
    spare = group & (rest === 3 ? 0xff : 0xffff)
  }
  if (seen >= invalid || spare !== 0) throw new CryptoError('SECSYNC_INVALID_BASE64', 'Text is not base64 (URL-safe, without padding)')
  return bytes
}

/** Base64 of something small. */
export function toBase64 (bytes: Uint8Array): string {
  return finish(encodeBase64(bytes))
}

/**
 * Bytes of something small.
 * @throws `SECSYNC_INVALID_BASE64`
 */
export function fromBase64 (text: string): Uint8Array<ArrayBuffer> {
  return finish(decodeBase64(text))
}
