import { unauthorized } from '../protocol/answers.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import type { Access } from './access.ts'
import type { Client } from './client.ts'

/** How often in a row it may be unknown whether a client has access, before it is closed. */
const maxFailures = 5

type Answer = Promise<boolean | undefined>

/** A client that is held back. */
interface Held {
  isAsked: boolean
  /** How often in a row its access was not known. */
  failures: number
}

/**
 * Holds back what is relayed to the clients of a room until it is known which of them may have it. Where it is not known, it
 * is asked again: what is held back must reach them in the end, or they must come back for it.
 */
export class Gate {
  readonly #documentId: string
  readonly #access: Access
  readonly #held = new Map<Client, Held>()
  #knownUntil = 0
  #isAskingSoon = false
  /** Those of whom it was not known, until it is asked again. */
  #unknown: Held[] = []
  #timer: NodeJS.Timeout | undefined

  constructor (documentId: string, access: Access) {
    this.#documentId = documentId
    this.#access = access
  }

  /** Whether everybody that is not held back already may be sent what is relayed now. */
  get isOpen (): boolean {
    return this.#knownUntil > performance.now()
  }

  /** Holds these clients back until their access is known. */
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
    // Where answers are kept, they are for what comes next, too. Else they are for what was held back when it was asked.
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

  /** Once for all that is relayed in one go, and for all whose answers have just come. */
  #askSoon (sender?: Client): void {
    if (this.#isAskingSoon) return
    this.#isAskingSoon = true
    process.nextTick(() => {
      this.#isAskingSoon = false
      this.#ask(sender)
    })
  }

  #askLater (client: Client, held: Held): void {
    if (++held.failures >= maxFailures) return client.close(closeCodes.internalError, 'access is not known')
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
