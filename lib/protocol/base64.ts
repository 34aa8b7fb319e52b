import { FormatRegistry, Type } from './typebox.ts'

const alphabet = /^[A-Za-z0-9_-]*$/

/** The valid last characters if the last group has 2 or 3 characters. Their spare bits are zero. */
const lastOfTwo = 'AQgw'
const lastOfThree = 'AEIMQUYcgkosw048'

/**
 * Whether a text is canonical base64: URL-safe, without padding, spare bits zero. libsodium decodes no other form. Clients fail on other forms,
 * so the server must not relay them.
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
