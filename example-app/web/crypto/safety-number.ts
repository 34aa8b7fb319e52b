import { blake2b } from '@noble/hashes/blake2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'

interface Party {
  memberId: string
  /** Base64, of the device. */
  publicKey: string
}

const groups = 12
const bytesPerGroup = 5

/**
 * What two people compare: twelve groups of five digits. They are the same on both devices only if each has the other's public key.
 * They are made of people and devices alone, so they are the same in all documents.
 */
export function safetyNumber (one: Party, other: Party): string {
  const parties = [one, other].map(({ memberId, publicKey }) => JSON.stringify([memberId, publicKey])).sort()
  const hash = blake2b(utf8ToBytes(JSON.stringify(['safety number', ...parties])), { dkLen: groups * bytesPerGroup })
  return Array.from({ length: groups }, (_, group) => {
    const bytes = hash.subarray(group * bytesPerGroup, (group + 1) * bytesPerGroup)
    return String(bytes.reduce((number, byte) => number * 256 + byte, 0) % 100_000).padStart(5, '0')
  }).join(' ')
}
