import canonicalize from 'canonicalize'
import type { ClientMessage, MessageKind } from './messages.ts'
import type { Sodium } from './portable-sodium.ts'
import { sodium } from './sodium.ts'
import { signedText } from './signed-text.ts'

/**
 * Verifies with libsodium, as clients do. It refuses small-order keys and non-canonical signatures, which other Ed25519 implementations
 * accept. The message must have passed its schema check: lengths and alphabet are not checked again.
 */
export function verifySignature (
  kind: MessageKind, message: ClientMessage, { crypto_sign_verify_detached: verifies }: Pick<Sodium, 'crypto_sign_verify_detached'> = sodium
): boolean {
  const publicData = Buffer.from(canonicalize(message.publicData)!).toString('base64url')
  return verifies(
    Buffer.from(message.signature, 'base64url'),
    Buffer.from(signedText(kind, { ...message, publicData }), 'latin1'),
    Buffer.from(message.publicData.pubKey, 'base64url')
  )
}
