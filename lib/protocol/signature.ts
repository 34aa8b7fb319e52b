import canonicalize from 'canonicalize'
import sodium from 'sodium-native'
import type { ClientMessage, MessageKind } from './messages.ts'

const domains: Record<MessageKind, string> = {
  snapshot: 'secsync_snapshot',
  update: 'secsync_update',
  ephemeralMessage: 'secsync_ephemeral_message'
}

/**
 * The text that the author of a message signed: the domain and the canonical JSON (RFC 8785) of ciphertext, nonce and
 * base64 of the canonical public data. The three are base64 and already in canonical order, so that they need no escapes.
 */
export function signedText (kind: MessageKind, { ciphertext, nonce, publicData }: ClientMessage): string {
  const publicDataText = Buffer.from(canonicalize(publicData)!).toString('base64url')
  return `${domains[kind]}{"ciphertext":"${ciphertext}","nonce":"${nonce}","publicData":"${publicDataText}"}`
}

/**
 * Verifies with libsodium itself, as clients do: it refuses small-order keys and non-canonical signatures, which other
 * Ed25519 implementations let pass. The message must have passed its check: lengths and alphabet are not looked at again.
 */
export function verifySignature (kind: MessageKind, message: ClientMessage): boolean {
  return sodium.crypto_sign_verify_detached(
    Buffer.from(message.signature, 'base64url'),
    Buffer.from(signedText(kind, message), 'latin1'),
    Buffer.from(message.publicData.pubKey, 'base64url')
  )
}
