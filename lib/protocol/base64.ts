import { FormatRegistry, Type } from '@sinclair/typebox'

const alphabet = /^[A-Za-z0-9_-]*$/

/** The characters that may end a text whose last group has 2 (16 bits to spare no bits: `AQgw`) or 3 characters. */
const lastOfTwo = 'AQgw'
const lastOfThree = 'AEIMQUYcgkosw048'

/**
 * Whether a text is base64, URL-safe and without padding, in the one form that libsodium decodes: with spare bits zero.
 * Clients fail on any other, so a server must not relay it.
 */
export function isBase64 (text: string): boolean {
  if (!alphabet.test(text)) return false
  switch (text.length % 4) {
    case 0: return true
    case 2: return lastOfTwo.includes(text[text.length - 1]!)
    case 3: return lastOfThree.includes(text[text.length - 1]!)
    default: return false
  }
}

FormatRegistry.Set('secsync-base64', isBase64)

/** A string schema for base64 of exactly `bytes` bytes, or of any number of them. */
export function Base64 (bytes?: number) {
  const length = bytes === undefined ? {} : { minLength: Math.ceil(bytes * 4 / 3), maxLength: Math.ceil(bytes * 4 / 3) }
  return Type.String({ format: 'secsync-base64', ...length })
}
