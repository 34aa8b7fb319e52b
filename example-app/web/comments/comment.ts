import { ed25519 } from '@noble/curves/ed25519.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { fromBase64, randomText, toBase64 } from '../crypto/base64.ts'
import { isPosition, isRecord } from '../sync/position.ts'

// Comments are in the document, beside its text: encrypted with it, and kept with it. Every editor of the document can write there, so each
// comment is signed by its author, and what has no right signature is not shown.

/** What a comment is about. */
export interface Place {
  /** Relative positions of Yjs, as JSON. */
  from: unknown
  to: unknown
  /** The text at that time, or its beginning. */
  quote: string
}

export interface Comment {
  id: string
  /** Of the first of a conversation. */
  place?: Place
  /** Of an answer: the id of the first one. */
  answers?: string
  text: string
  /** Milliseconds since 1970, by the clock of its author. */
  at: number
  /** Of its author, in base64. */
  publicKey: string
}

/** As it is in the document, under its id. */
export type SignedComment = Omit<Comment, 'id'> & { signature: string }

export interface CommentKeys {
  publicKey: string
  secretKey: Uint8Array
}

/** Characters. */
export const longest = { text: 4000, quote: 200, all: 8000 }

export function createCommentKeys (): CommentKeys {
  const { secretKey, publicKey } = ed25519.keygen()
  return { secretKey, publicKey: toBase64(publicKey) }
}

export function createId (): string {
  return randomText(12)
}

export function sign (comment: Comment, documentId: string, { secretKey }: CommentKeys): SignedComment {
  const { id, ...content } = comment
  return { ...content, signature: toBase64(ed25519.sign(bytesOf(comment, documentId), secretKey)) }
}

/** The comment that this value of a document is. Undefined if it has another form, or is not by the owner of its public key. */
export function openComment (id: string, value: unknown, documentId: string): Comment | undefined {
  if (!isRecord(value) || JSON.stringify(value).length > longest.all) return undefined
  const { place, answers, text, at, publicKey, signature } = value
  if (typeof text !== 'string' || text.length > longest.text || typeof publicKey !== 'string' || typeof signature !== 'string') return undefined
  if (!Number.isSafeInteger(at) || Math.abs(Number(at)) > latest) return undefined
  const content = { text, at: Number(at), publicKey }
  const comment = isPlace(place) && answers === undefined
    ? { id, ...content, place: { from: place.from, to: place.to, quote: place.quote } }
    : typeof answers === 'string' && place === undefined ? { id, ...content, answers } : undefined
  if (comment === undefined) return undefined
  try {
    return ed25519.verify(fromBase64(signature), bytesOf(comment, documentId), fromBase64(publicKey)) ? comment : undefined
  } catch {
    return undefined
  }
}

/** The last time that a `Date` can be. */
const latest = 8.64e15

function isPlace (place: unknown): place is Place {
  return isRecord(place) && isPosition(place.from) && isPosition(place.to) && typeof place.quote === 'string' && place.quote.length <= longest.quote
}

/** What is signed: all of it, and where it belongs. */
function bytesOf ({ id, place, answers, text, at, publicKey }: Comment, documentId: string): Uint8Array {
  const position = (value: unknown): unknown => isRecord(value) ? ['type', 'tname', 'item', 'assoc'].map((name) => idOf(value[name])) : null
  const where = place === undefined ? null : [position(place.from), position(place.to), place.quote]
  return utf8ToBytes(JSON.stringify(['comment', documentId, id, where, answers ?? null, text, at, publicKey]))
}

/** The same for the same place, in whatever order its parts were written. */
function idOf (value: unknown): unknown {
  return isRecord(value) ? [value.client, value.clock] : value ?? null
}
