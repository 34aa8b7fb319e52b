import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { bytesToUtf8, randomBytes, utf8ToBytes } from '@noble/ciphers/utils.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { fromBase64, toBase64 } from './base64.ts'

// What makes another device somebody travels encrypted by the server. The link has a secret of 32 random bytes. The server gets an id that is made
// of the secret, and from which nobody finds the secret or the key.

const format = 'sealed-notes-transfer'
const nonceLength = 24

/** Of a link: the id for the server, and the key, which stays on the two devices. */
function partsOf (secret: string): { id: string, key: Uint8Array } {
  const part = (name: string) => blake2b(utf8ToBytes(`${format} ${name}`), { dkLen: 32, key: fromBase64(secret) })
  return { id: toBase64(part('id')), key: part('key') }
}

export function transferId (secret: string): string {
  return partsOf(secret).id
}

export function sealTransfer (content: unknown, secret: string): string {
  const nonce = randomBytes(nonceLength)
  const box = cipher(secret, nonce).encrypt(utf8ToBytes(JSON.stringify({ version: 1, content })))
  const sealed = new Uint8Array(nonceLength + box.length)
  sealed.set(nonce)
  sealed.set(box, nonceLength)
  return toBase64(sealed)
}

export type OpenedTransfer = { outcome: 'opened', content: unknown } | { outcome: 'newerVersion' | 'broken' }

export function openTransfer (sealed: string, secret: string): OpenedTransfer {
  try {
    const bytes = fromBase64(sealed)
    const text = bytesToUtf8(cipher(secret, bytes.subarray(0, nonceLength)).decrypt(bytes.subarray(nonceLength)))
    const opened = JSON.parse(text) as { version?: unknown, content?: unknown }
    return opened.version === 1 ? { outcome: 'opened', content: opened.content } : { outcome: 'newerVersion' }
  } catch {
    return { outcome: 'broken' }
  }
}

function cipher (secret: string, nonce: Uint8Array) {
  return xchacha20poly1305(partsOf(secret).key, nonce, utf8ToBytes(format))
}
