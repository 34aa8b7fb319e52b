import { decodeBase64, encodeBase64 } from './base64.ts'
import { CryptoError } from './errors.ts'
import type { Work } from './work.ts'

/** The content of an update: its changes as a JSON array of base64, in UTF-8. */
export function * encodeChanges (changes: readonly Uint8Array[]): Work<Uint8Array> {
  const texts: string[] = []
  for (const change of changes) texts.push(yield * encodeBase64(change))
  return new TextEncoder().encode(JSON.stringify(texts))
}

/**
 * The changes of an update.
 * @throws `SECSYNC_INVALID_MESSAGE`, `SECSYNC_INVALID_BASE64`
 */
export function * decodeChanges (content: Uint8Array): Work<Uint8Array[]> {
  const changes: Uint8Array[] = []
  for (const text of parse(content)) {
    if (typeof text !== 'string') throw malformed()
    changes.push(yield * decodeBase64(text))
  }
  return changes
}

function parse (content: Uint8Array): unknown[] {
  try {
    const texts: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content))
    if (Array.isArray(texts)) return texts
  } catch {}
  throw malformed()
}

function malformed (): CryptoError {
  return new CryptoError('SECSYNC_INVALID_MESSAGE', 'The content of an update is a JSON array of base64')
}
