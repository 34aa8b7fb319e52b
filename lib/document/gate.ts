import { unauthorized } from '../protocol/answers.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import type { Access } from './access.ts'
import type { Client } from './client.ts'

/** Maximum number of consecutive failed access checks. Then the client is closed. */
const maxFailures = 5

type Answer = Promise<boolean | undefined>

/** A client whose relayed messages are held back. */
interface Held {
  isAsked: boolean
  /** Number of consecutive failed access checks. */
  failures: number
}

/**
 * Holds back messages relayed to the clients of a room until their access is checked. A failed check is repeated. After several failures the
 * client is closed and reconnects, so that it misses nothing.
 */
export class Gate {
  readonly #documentId: string
  readonly #access: Access
  readonly #held = new Map<Client, Held>()
  #knownUntil = 0
  #isAskingSoon = false
  /** Clients whose check failed, until it is repeated. */
  #unknown: Held[] = []
  #timer: NodeJS.Timeout | undefined

  constructor (documentId: string, access: Access) {
    this.#documentId = documentId
    this.#access = access
  }

  /** Whether the last answers are still valid for clients that are not held back. */
  get isOpen (): boolean {
    return this.#knownUntil > performance.now()
  }

  /** Holds back messages to these clients until their access is checked. */
  close (clients: Client[], sender?: Client): void {
    for (const client of clients) {
      client.hold()
      if (!this.#held.has(client)) this.#held.set(client, { isAsked: false, failures: 0 })
    }
    this.#askSoon(sender)
  }

  #ask (sender?: Client): void {
    const asked = [...this.#held].filter(([, { isAsked }]) => !isAsked)
    if (asked.length === 0) return
    // Cached answers are valid for later messages too. Otherwise an answer is valid only for the messages held back at the time of the call.
    this.#knownUntil = performance.now() + this.#access.keptFor
    const clients = asked.map(([client]) => client)
    const answers = this.#access.canReceive(this.#documentId, clients, sender)
    asked.forEach(([client, held], index) => {
      held.isAsked = true
      void this.#answer(client, held, client.heldFrames, answers[index]!, sender)
    })
  }

  async #answer (client: Client, held: Held, frames: number, answer: Answer, sender?: Client): Promise<void> {
    const canReceive = await answer
    if (this.#held.get(client) !== held) return
    if (canReceive === undefined) {
      this.#askLater(client, held)
    } else if (!canReceive) {
      client.close(closeCodes.unauthorized, 'unauthorized', unauthorized)
    } else if (client.release(this.isOpen ? Infinity : frames)) {
      this.#held.delete(client)
    } else {
      held.isAsked = false
      this.#askSoon(sender)
    }
  }

  /** Combines the checks of all messages and clients of one tick. */
  #askSoon (sender?: Client): void {
    if (this.#isAskingSoon) return
    this.#isAskingSoon = true
    process.nextTick(() => {
      this.#isAskingSoon = false
      this.#ask(sender)
    })
  }

  #askLater (client: Client, held: Held): void {
    if (++held.failures >= maxFailures) return client.close(closeCodes.internalError, 'could not check access')
    this.#unknown.push(held)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      for (const unknown of this.#unknown.splice(0)) unknown.isAsked = false
      this.#ask()
    }, 100 * 2 ** held.failures)
  }

  leave (client: Client): void {
    this.#held.delete(client)
  }

  end (): void {
    clearTimeout(this.#timer)
  }
}
