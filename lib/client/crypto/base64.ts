import { CryptoError } from './errors.ts'

/** URL-safe and without padding. */
export function toBase64 (bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Accepts what libsodium accepts: URL-safe, no padding, spare bits zero. Throws `SECSYNC_INVALID_BASE64`. */
export function fromBase64 (text: string): Uint8Array {
  void text
  throw new CryptoError('SECSYNC_INVALID_BASE64', 'Not base64')
}
