/** Bytes in one call: a browser takes no more than some ten thousand arguments. */
const piece = 8192

/** URL-safe and without padding, as the client writes keys and ids, and libsodium before it. */
export function toBase64 (bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += piece) text += String.fromCharCode(...bytes.subarray(at, at + piece))
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Throws if it is not base64. */
export function fromBase64 (text: string): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))
  if (toBase64(bytes) !== text) throw new TypeError('The text is not URL-safe base64 without padding')
  return bytes
}

/** Whether a text can be the key of a document: the end of a link may have been cut off on its way. */
export function isKey (text: string): boolean {
  try {
    return fromBase64(text).length === 32
  } catch {
    return false
  }
}

/** Random bytes as base64. */
export function randomText (bytes: number): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(bytes)))
}
