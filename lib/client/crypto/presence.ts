import canonicalize from 'canonicalize'
import type { EphemeralMessage } from '../../protocol/messages.ts'
import { authorOf } from './author.ts'
import { fromBase64, toBase64 } from './base64.ts'
import * as ed25519 from './ed25519.ts'
import { CryptoError } from './errors.ts'
import { createId, type KeyPair } from './keys.ts'
import { createEphemeralMessage, decrypt } from './messages.ts'
import type { Work } from './work.ts'

// Ephemeral messages are numbered within a session, which lasts as long as a connection. A client accepts those of a session
// only after its author has signed the two session ids: so nobody can repeat messages of an earlier session.

const types = { initialize: 1, proofAndRequestProof: 2, proof: 3, message: 4 } as const
type Type = keyof typeof types

const sessionIdLength = 24
const prefixLength = 1 + sessionIdLength + 4
/** Of one author, who may have several devices or tabs with the same key. */
const maxSessionsPerAuthor = 8

export interface Received {
  /** What the author's application sent. */
  content?: Uint8Array
  /** To be sent. From then on the author accepts messages of this session: send what it has missed again. */
  answer?: EphemeralMessage
}

/** The own session, and those of others that it has heard of. A new connection needs a new one. */
export class PresenceSession {
  readonly #docId: string
  readonly #author: KeyPair
  readonly #id = createId()
  #counter: number
  /** The last number by session, by author. */
  readonly #sessions = new Map<string, Map<string, number>>()

  constructor ({ docId, author }: { docId: string, author: KeyPair }) {
    this.#docId = docId
    this.#author = author
    // As the published client begins: at random, with plenty of room below 2^32.
    this.#counter = crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1
  }

  /** The first message of a session: asks everybody who is there for a proof of theirs. */
  hello (key: Uint8Array): Work<EphemeralMessage> {
    return this.#create('initialize', new Uint8Array(), key)
  }

  message (content: Uint8Array, key: Uint8Array): Work<EphemeralMessage> {
    return this.#create('message', content, key)
  }

  /**
   * Reads a message whose signature was verified.
   * @throws `SECSYNC_WRONG_KEY`, `SECSYNC_INVALID_BASE64`, `SECSYNC_INVALID_MESSAGE`, `SECSYNC_REPLAYED_MESSAGE`
   */
  * receive (message: EphemeralMessage, key: Uint8Array): Work<Received> {
    const { docId, pubKey } = message.publicData
    if (docId !== this.#docId) throw new CryptoError('SECSYNC_INVALID_MESSAGE', 'An ephemeral message of another document')
    const bytes = yield * decrypt(message, key)
    if (bytes.length < prefixLength) throw new CryptoError('SECSYNC_INVALID_MESSAGE', 'An ephemeral message without a session')
    const sessionId = toBase64(bytes.subarray(1, 1 + sessionIdLength))
    const counter = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1 + sessionIdLength, true)
    const content = bytes.subarray(prefixLength)
    switch (bytes[0]) {
      case types.initialize:
        return { answer: yield * this.#prove('proofAndRequestProof', sessionId, key) }
      case types.proofAndRequestProof:
      case types.proof:
        if (!(yield * ed25519.verify(content, proofText(this.#id, sessionId), authorOf(pubKey)))) return {}
        this.#advance(pubKey, sessionId, counter)
        return bytes[0] === types.proof ? {} : { answer: yield * this.#prove('proof', sessionId, key) }
      case types.message: {
        const last = this.#sessions.get(pubKey)?.get(sessionId)
        if (last === undefined) return { answer: yield * this.#prove('proofAndRequestProof', sessionId, key) }
        if (counter <= last) throw new CryptoError('SECSYNC_REPLAYED_MESSAGE', 'An ephemeral message repeats an earlier one')
        this.#advance(pubKey, sessionId, counter)
        return { content }
      }
      default:
        throw new CryptoError('SECSYNC_INVALID_MESSAGE', `An ephemeral message of the unknown type ${bytes[0]}`)
    }
  }

  * #prove (type: Type, sessionId: string, key: Uint8Array): Work<EphemeralMessage> {
    return yield * this.#create(type, yield * ed25519.sign(proofText(sessionId, this.#id), this.#author), key)
  }

  #create (type: Type, content: Uint8Array, key: Uint8Array): Work<EphemeralMessage> {
    const bytes = new Uint8Array(prefixLength + content.length)
    bytes[0] = types[type]
    bytes.set(fromBase64(this.#id), 1)
    new DataView(bytes.buffer).setUint32(1 + sessionIdLength, this.#counter++, true)
    bytes.set(content, prefixLength)
    return createEphemeralMessage(bytes, { docId: this.#docId }, key, this.#author)
  }

  /** A proof that is repeated does not set the counter back. */
  #advance (pubKey: string, sessionId: string, counter: number): void {
    const sessions = this.#sessions.get(pubKey) ?? new Map<string, number>()
    this.#sessions.set(pubKey, sessions)
    const last = sessions.get(sessionId) ?? -1
    sessions.delete(sessionId)
    sessions.set(sessionId, Math.max(last, counter))
    if (sessions.size > maxSessionsPerAuthor) sessions.delete(sessions.keys().next().value!)
  }
}

function proofText (remoteClientSessionId: string, currentClientSessionId: string): Uint8Array {
  return new TextEncoder().encode(`secsync_ephemeral_session_proof${canonicalize({ remoteClientSessionId, currentClientSessionId })}`)
}
