import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { randomBytes } from '@noble/ciphers/utils.js'
import { fromBase64, randomText } from '../crypto/base64.ts'

// A file in chunks, each encrypted by itself (XChaCha20-Poly1305). Each file has a key of its own, which stands in the document. A chunk is:
// whether it is the last one (1 or 0), the nonce, the ciphertext, the tag. Document, file, index and the first byte are authenticated: a chunk
// fits one place only, and a file that was cut has no end.

export interface FileOfDocument {
  documentId: string
  /** 32 random bytes in base64, as the server wants it. */
  fileId: string
}

export interface SealedFile {
  fileId: string
  /** 32 random bytes in base64. */
  key: string
  chunks: Array<Uint8Array<ArrayBuffer>>
}

/** Not encrypted with this key, not for this place, or changed. */
export class BrokenFile extends Error {}

/** Bytes of a chunk, as the server takes them. */
export const chunkBytes = 256 * 1024
const nonceLength = 24
const tagLength = 16
const overhead = 1 + nonceLength + tagLength

/** Bytes of content in a chunk. */
export const contentBytes = chunkBytes - overhead

/** Chunks that are read of a file: 16 MiB. The server may allow more than its default of 5 MiB. */
export const mostChunks = 64

/** Encrypts content for a document, as a new file with a new key. Nothing else may be encrypted with them. */
export function sealFile (documentId: string, content: Uint8Array, { fileId, key } = newNames()): SealedFile {
  const count = Math.max(1, Math.ceil(content.length / contentBytes))
  const chunks = Array.from({ length: count }, (_, index) => {
    const part = content.subarray(index * contentBytes, (index + 1) * contentBytes)
    return sealChunk({ documentId, fileId }, fromBase64(key), index, index === count - 1, part)
  })
  return { fileId, key, chunks }
}

function newNames (): Pick<SealedFile, 'fileId' | 'key'> {
  return { fileId: randomText(32), key: randomText(32) }
}

function sealChunk (file: FileOfDocument, key: Uint8Array, index: number, isLast: boolean, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const chunk = new Uint8Array(content.length + overhead)
  const nonce = randomBytes(nonceLength)
  chunk[0] = Number(isLast)
  chunk.set(nonce, 1)
  chunk.set(xchacha20poly1305(key, nonce, placeOf(file, index, isLast)).encrypt(content), 1 + nonceLength)
  return chunk
}

/** Decrypts a file. `get` gives a chunk, by its index. Throws `BrokenFile`. */
export async function openFile (file: FileOfDocument, key: string, get: (index: number) => Promise<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  for (let index = 0; index < mostChunks; index++) {
    const { content, isLast } = openChunk(file, keyBytes(key), index, await get(index))
    parts.push(content)
    if (isLast) return joined(parts)
  }
  throw new BrokenFile('The file has no end')
}

function openChunk (file: FileOfDocument, key: Uint8Array, index: number, chunk: Uint8Array): { content: Uint8Array, isLast: boolean } {
  if (chunk.length < overhead || chunk.length > chunkBytes) throw new BrokenFile('This is no chunk')
  const isLast = chunk[0] === 1
  // Each but the last one is full.
  if (!isLast && (chunk[0] !== 0 || chunk.length !== chunkBytes)) throw new BrokenFile('This is no chunk')
  try {
    const content = xchacha20poly1305(key, chunk.subarray(1, 1 + nonceLength), placeOf(file, index, isLast)).decrypt(chunk.subarray(1 + nonceLength))
    return { content, isLast }
  } catch {
    throw new BrokenFile('The chunk is not for this place, or it was changed')
  }
}

function placeOf ({ documentId, fileId }: FileOfDocument, index: number, isLast: boolean): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(['file of a document', documentId, fileId, index, isLast]))
}

function keyBytes (key: string): Uint8Array {
  try {
    return fromBase64(key)
  } catch {
    throw new BrokenFile('The key is not base64')
  }
}

function joined (parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
