/** Random bytes as URL-safe base64 without padding, as the secsync client writes keys and ids. */
export function randomText (bytes: number): string {
  const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes))))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
