import sodium from 'libsodium-wrappers'
import { read, write } from '../device/database.ts'

/** The X25519 key pair of this device. Others seal new document keys for its public half, and the private half never leaves. */
export interface DeviceKeys {
  publicKey: Uint8Array
  privateKey: Uint8Array
}

export async function deviceKeys (): Promise<DeviceKeys> {
  await sodium.ready
  const kept = await read<DeviceKeys>('settings', 'device-keys')
  if (kept !== undefined) return kept
  const { publicKey, privateKey } = sodium.crypto_box_keypair()
  await write('settings', { publicKey, privateKey }, 'device-keys')
  return { publicKey, privateKey }
}

/**
 * Says that a public key belongs to a member, made with the document key. The server passes these on, and could otherwise name a key
 * of its own and have the next document key sealed for itself.
 */
export function voucher (documentKey: string, documentId: string, memberId: string, publicKey: string): string {
  const text = JSON.stringify(['device', documentId, memberId, publicKey])
  return sodium.to_base64(sodium.crypto_generichash(32, text, sodium.from_base64(documentKey)))
}
