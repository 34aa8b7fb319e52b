import { blake2b } from '@noble/hashes/blake2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { toBase64 } from '../crypto/base64.ts'
import { deviceKeys } from '../crypto/device.ts'

export interface ProfileIdentity {
  documentId: string
  key: Uint8Array
}

/**
 * The profile of a person: made of the private key that all of their devices have. So each of them finds the same one, also one that was recovered
 * with a file from before there were profiles, and no two of them make two. Nobody else can know its id or its key.
 */
export async function profileIdentity (memberId: string): Promise<ProfileIdentity> {
  const { privateKey } = await deviceKeys()
  const part = (name: string, length: number) => blake2b(utf8ToBytes(JSON.stringify(['profile', name, memberId])), { dkLen: length, key: privateKey })
  return { documentId: toBase64(part('id', 24)), key: part('key', 32) }
}
