import type { FastifyBaseLogger } from 'fastify'
import type { HasAccess, HasAccessParams, HasBroadcastAccess } from '../callbacks.ts'
import { CallbackResultInvalid } from '../errors.ts'
import { withinTimeLimit } from '../stores/time-limit.ts'
import type { Client } from './client.ts'

/** Milliseconds for which answers of the default `hasBroadcastAccess` are cached. */
const keptFor = 1000

/** The two access callbacks, with a time limit. Invalid and late answers never grant access. */
export class Access {
  /** Milliseconds for which an answer of `canReceive` is cached. 0 for the user's own callback, which is called for every relay. */
  readonly keptFor: number
  readonly hasAccess: HasAccess
  readonly hasBroadcastAccess: HasBroadcastAccess
  readonly #hasBroadcastAccess: HasBroadcastAccess | undefined
  readonly #timeLimit: number
  readonly #log: FastifyBaseLogger

  constructor (hasAccess: HasAccess, hasBroadcastAccess: HasBroadcastAccess | undefined, timeLimit: number, log: FastifyBaseLogger) {
    this.keptFor = hasBroadcastAccess ? 0 : keptFor
    this.hasAccess = hasAccess
    this.hasBroadcastAccess = hasBroadcastAccess ?? readAccessOf(hasAccess)
    this.#hasBroadcastAccess = hasBroadcastAccess
    this.#timeLimit = timeLimit
    this.#log = log
  }

  async can (params: HasAccessParams): Promise<boolean> {
    const answer: unknown = await withinTimeLimit('hasAccess', this.#timeLimit, () => this.hasAccess(params))
    if (typeof answer !== 'boolean') throw new CallbackResultInvalid('hasAccess', 'returned neither true nor false')
    return answer
  }

  /** Decides which of these clients may receive a relayed message, by index. `undefined`: the check failed. */
  canReceive (documentId: string, clients: Client[], sender: Client | undefined): Array<Promise<boolean | undefined>> {
    if (this.#hasBroadcastAccess === undefined) return this.#canRead(documentId, clients)
    const answers = this.#canReceive(this.#hasBroadcastAccess, documentId, clients, sender)
    return clients.map(async (_client, index) => (await answers)?.[index])
  }

  async #canReceive (callback: HasBroadcastAccess, documentId: string, clients: Client[], sender: Client | undefined) {
    try {
      const answers: unknown = await withinTimeLimit('hasBroadcastAccess', this.#timeLimit, () => callback({
        documentId,
        websocketSessionKeys: clients.map(({ websocketSessionKey }) => websocketSessionKey),
        requests: clients.map(({ request }) => request),
        request: sender?.request
      }))
      // `Array.from`: array methods skip the holes of sparse arrays.
      if (!Array.isArray(answers) || answers.length !== clients.length || Array.from(answers).some((answer) => typeof answer !== 'boolean')) {
        throw new CallbackResultInvalid('hasBroadcastAccess', 'did not return an array with true or false for each session key')
      }
      return answers as boolean[]
    } catch (err) {
      this.#log.error({ err, documentId }, 'secsync: hasBroadcastAccess failed')
      return undefined
    }
  }

  /** The default: clients with `read` access may receive. One call per session key, so that a failure affects one session only. */
  #canRead (documentId: string, clients: Client[]): Array<Promise<boolean | undefined>> {
    const answers = new Map<string, Promise<boolean | undefined>>()
    for (const { websocketSessionKey, request } of clients) {
      if (answers.has(websocketSessionKey)) continue
      answers.set(websocketSessionKey, this.can({ action: 'read', documentId, websocketSessionKey, request }).catch((err: unknown) => {
        this.#log.error({ err, documentId }, 'secsync: hasAccess failed for a relayed message')
        return undefined
      }))
    }
    return clients.map(({ websocketSessionKey }) => answers.get(websocketSessionKey)!)
  }
}

/** The default `hasBroadcastAccess` of the decorator. */
function readAccessOf (hasAccess: HasAccess): HasBroadcastAccess {
  return ({ documentId, websocketSessionKeys, requests }) => Promise.all(websocketSessionKeys.map((websocketSessionKey, index) =>
    hasAccess({ action: 'read', documentId, websocketSessionKey, request: requests[index]! })))
}
