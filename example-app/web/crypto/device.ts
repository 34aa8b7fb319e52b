import { blake2b } from '@noble/hashes/blake2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { read, write } from '../device/database.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { createBoxKeyPair, type BoxKeyPair } from './box.ts'

/** The key pair of this device. Others seal new document keys for its public half, and the private half never leaves. */
export async function deviceKeys (): Promise<BoxKeyPair> {
  const kept = await read<BoxKeyPair>('settings', 'device-keys')
  if (kept !== undefined) return kept
  const keys = createBoxKeyPair()
  await write('settings', keys, 'device-keys')
  return keys
}

/**
 * Says that a public key belongs to a member, made with the document key. The server passes these on, and could otherwise name a key
 * of its own and have the next document key sealed for itself.
 */
export function voucher (documentKey: string, documentId: string, memberId: string, publicKey: string): string {
  const text = JSON.stringify(['device', documentId, memberId, publicKey])
  return toBase64(blake2b(utf8ToBytes(text), { dkLen: 32, key: fromBase64(documentKey) }))
}
