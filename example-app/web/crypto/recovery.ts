import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { bytesToUtf8, utf8ToBytes } from '@noble/ciphers/utils.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { fromBase64, randomText, toBase64 } from './base64.ts'

// A recovery file is encrypted with a code that the app makes: 125 random bits, which nobody guesses. A password of one's own could be guessed by
// whoever has the file.

const format = 'sealed-notes-recovery'
/** Crockford's base32: no letter looks like another letter or digit. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const codeLength = 25

/** Five groups of five. */
export function createCode (): string {
  const characters = [...crypto.getRandomValues(new Uint8Array(codeLength))].map((byte) => alphabet[byte & 31])
  return Array.from({ length: 5 }, (_, group) => characters.slice(5 * group, 5 * group + 5).join('')).join('-')
}

/** As somebody types it: in small letters, with spaces, an O for a zero, an I or an L for a one. Undefined if it cannot be a code. */
export function parseCode (text: string): string | undefined {
  const code = text.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  return code.length === codeLength && [...code].every((character) => alphabet.includes(character)) ? code : undefined
}

export function sealRecovery (content: unknown, code: string): string {
  const nonce = randomText(24)
  const sealed = cipher(code, nonce).encrypt(utf8ToBytes(JSON.stringify(content)))
  return JSON.stringify({ format, version: 1, nonce, sealed: inPieces(sealed) })
}

export type Opened = { outcome: 'opened', content: unknown } | { outcome: 'noRecoveryFile' | 'newerVersion' | 'wrongCode' }

export function openRecovery (file: string, code: string): Opened {
  let parsed: { format?: unknown, version?: unknown, nonce?: unknown, sealed?: unknown }
  try {
    parsed = JSON.parse(file) as typeof parsed
  } catch {
    return { outcome: 'noRecoveryFile' }
  }
  if (parsed?.format !== format) return { outcome: 'noRecoveryFile' }
  if (parsed.version !== 1) return { outcome: 'newerVersion' }
  const { nonce, sealed } = parsed
  if (typeof nonce !== 'string' || !Array.isArray(sealed)) return { outcome: 'noRecoveryFile' }
  try {
    const bytes = sealed.map((piece) => fromBase64(String(piece)))
    const whole = new Uint8Array(bytes.reduce((length, piece) => length + piece.length, 0))
    bytes.reduce((at, piece) => {
      whole.set(piece, at)
      return at + piece.length
    }, 0)
    return { outcome: 'opened', content: JSON.parse(bytesToUtf8(cipher(code, nonce).decrypt(whole))) }
  } catch {
    return { outcome: 'wrongCode' }
  }
}

function cipher (code: string, nonce: string) {
  const key = blake2b(utf8ToBytes(`${format} ${parseCode(code) ?? ''}`), { dkLen: 32 })
  return xchacha20poly1305(key, fromBase64(nonce), utf8ToBytes(format))
}

/** Base64 in lines: a browser makes no text of many bytes in one call. */
function inPieces (bytes: Uint8Array): string[] {
  const size = 3 * 1024
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => toBase64(bytes.subarray(index * size, (index + 1) * size)))
}
