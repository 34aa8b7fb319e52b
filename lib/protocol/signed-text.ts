import type { MessageKind } from './messages.ts'

const domains: Record<MessageKind, string> = {
  snapshot: 'secsync_snapshot',
  update: 'secsync_update',
  ephemeralMessage: 'secsync_ephemeral_message'
}

/** The three parts of a message that its author signed, each in base64. */
export interface SignedParts {
  ciphertext: string
  nonce: string
  /** base64 of the canonical JSON (RFC 8785) of the public data. */
  publicData: string
}

/**
 * The signed text of a message: the domain and the canonical JSON of the three parts. The parts are base64 and in canonical order, so they need
 * no escapes.
 */
export function signedText (kind: MessageKind, { ciphertext, nonce, publicData }: SignedParts): string {
  return `${domains[kind]}{"ciphertext":"${ciphertext}","nonce":"${nonce}","publicData":"${publicData}"}`
}
