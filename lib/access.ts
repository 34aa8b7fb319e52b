import type { HasAccess, HasAccessParams, HasBroadcastAccess } from './callbacks.ts'
import type { Connection } from './connection.ts'
import { CallbackResultInvalid } from './errors.ts'
import { withinTimeLimit } from './time-limit.ts'

/** How long the answers of the default `hasBroadcastAccess` are kept, in milliseconds. */
const keptFor = 1000

/** The two access callbacks, with a time limit. Neither a wrong answer nor a late one lets anybody in. */
export class Access {
  /** For how many milliseconds an answer of `canReceive` holds. The user's own callback is asked for every relay. */
  readonly keptFor: number
  readonly hasAccess: HasAccess
  readonly hasBroadcastAccess: HasBroadcastAccess
  readonly #timeLimit: number

  constructor (hasAccess: HasAccess, hasBroadcastAccess: HasBroadcastAccess | undefined, timeLimit: number) {
    this.keptFor = hasBroadcastAccess ? 0 : keptFor
    this.hasAccess = hasAccess
    this.hasBroadcastAccess = hasBroadcastAccess ?? readAccessOf(hasAccess)
    this.#timeLimit = timeLimit
  }

  async can (params: HasAccessParams): Promise<boolean> {
    const answer: unknown = await withinTimeLimit('hasAccess', this.#timeLimit, () => this.hasAccess(params))
    if (typeof answer !== 'boolean') throw new CallbackResultInvalid('hasAccess', 'neither true nor false')
    return answer
  }

  /** Which of these connections of a document may receive what is relayed now, by index. */
  async canReceive (documentId: string, connections: Connection[], sender: Connection | undefined): Promise<boolean[]> {
    const answers: unknown = await withinTimeLimit('hasBroadcastAccess', this.#timeLimit, () => this.hasBroadcastAccess({
      documentId,
      websocketSessionKeys: connections.map(({ websocketSessionKey }) => websocketSessionKey),
      requests: connections.map(({ request }) => request),
      request: sender?.request
    }))
    if (!Array.isArray(answers) || answers.length !== connections.length || answers.some((answer) => typeof answer !== 'boolean')) {
      throw new CallbackResultInvalid('hasBroadcastAccess', 'no array with true or false for each session key')
    }
    return answers
  }
}

/** Who may read may receive: `hasAccess` is asked once per session key. */
function readAccessOf (hasAccess: HasAccess): HasBroadcastAccess {
  return async ({ documentId, websocketSessionKeys, requests }) => {
    const answers = new Map<string, boolean | Promise<boolean>>()
    websocketSessionKeys.forEach((websocketSessionKey, index) => {
      if (answers.has(websocketSessionKey)) return
      answers.set(websocketSessionKey, hasAccess({ action: 'read', documentId, websocketSessionKey, request: requests[index]! }))
    })
    return Promise.all(websocketSessionKeys.map((key) => answers.get(key)!))
  }
}
