import canonicalize from 'canonicalize'
import sodium from 'sodium-native'
import type { ClientMessage, MessageKind } from './messages.ts'
import { signedText } from './signed-text.ts'

/**
 * Verifies with libsodium, as clients do. It refuses small-order keys and non-canonical signatures, which other Ed25519 implementations
 * accept. The message must have passed its schema check: lengths and alphabet are not checked again.
 */
export function verifySignature (kind: MessageKind, message: ClientMessage): boolean {
  const publicData = Buffer.from(canonicalize(message.publicData)!).toString('base64url')
  return sodium.crypto_sign_verify_detached(
    Buffer.from(message.signature, 'base64url'),
    Buffer.from(signedText(kind, { ...message, publicData }), 'latin1'),
    Buffer.from(message.publicData.pubKey, 'base64url')
  )
}
