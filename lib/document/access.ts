import type { FastifyBaseLogger } from 'fastify'
import type { HasAccess, HasAccessParams, HasBroadcastAccess } from '../callbacks.ts'
import { CallbackResultInvalid } from '../errors.ts'
import { withinTimeLimit } from '../stores/time-limit.ts'
import type { Client } from './client.ts'

/** How long the answers of the default `hasBroadcastAccess` are kept, in milliseconds. */
const keptFor = 1000

/** The two access callbacks, with a time limit. Neither a wrong answer nor a late one lets anybody in. */
export class Access {
  /** For how many milliseconds an answer of `canReceive` holds. The user's own callback is asked for every relay. */
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
    if (typeof answer !== 'boolean') throw new CallbackResultInvalid('hasAccess', 'neither true nor false')
    return answer
  }

  /** Which of these clients of a document may receive what is relayed now, by index. `undefined`: it is not known. */
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
      // `Array.from`: an array may have holes, which its methods pass over.
      if (!Array.isArray(answers) || answers.length !== clients.length || Array.from(answers).some((answer) => typeof answer !== 'boolean')) {
        throw new CallbackResultInvalid('hasBroadcastAccess', 'no array with true or false for each session key')
      }
      return answers as boolean[]
    } catch (err) {
      this.#log.error({ err, documentId }, 'secsync: it is not known who may receive what is relayed')
      return undefined
    }
  }

  /** Who may read may receive. Each session key is asked for on its own: one that makes `hasAccess` fail is nobody else's trouble. */
  #canRead (documentId: string, clients: Client[]): Array<Promise<boolean | undefined>> {
    const answers = new Map<string, Promise<boolean | undefined>>()
    for (const { websocketSessionKey, request } of clients) {
      if (answers.has(websocketSessionKey)) continue
      answers.set(websocketSessionKey, this.can({ action: 'read', documentId, websocketSessionKey, request }).catch((err: unknown) => {
        this.#log.error({ err, documentId }, 'secsync: it is not known whether a session may receive what is relayed')
        return undefined
      }))
    }
    return clients.map(({ websocketSessionKey }) => answers.get(websocketSessionKey)!)
  }
}

/** The default of `hasBroadcastAccess`, as the decorator shows it. */
function readAccessOf (hasAccess: HasAccess): HasBroadcastAccess {
  return ({ documentId, websocketSessionKeys, requests }) => Promise.all(websocketSessionKeys.map((websocketSessionKey, index) =>
    hasAccess({ action: 'read', documentId, websocketSessionKey, request: requests[index]! })))
}
