import type { Access } from './access.ts'
import { closeCodes, type Connection } from '../connection/connection.ts'
import { unauthorized } from '../protocol/answers.ts'

/** How often in a row it may be unknown whether a connection has access, before it is closed. */
const maxFailures = 5

type Answer = Promise<boolean | undefined>

/** A connection that is held back. */
interface Held {
  isAsked: boolean
  /** How often in a row its access was not known. */
  failures: number
}

/**
 * Holds back what is relayed to the connections of a room until it is known which of them may have it. Where it is not known, it
 * is asked again: what is held back must reach them in the end, or they must come back for it.
 */
export class Gate {
  readonly #documentId: string
  readonly #access: Access
  readonly #held = new Map<Connection, Held>()
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

  /** Holds these connections back until their access is known. */
  close (connections: Connection[], sender?: Connection): void {
    for (const connection of connections) {
      connection.hold()
      if (!this.#held.has(connection)) this.#held.set(connection, { isAsked: false, failures: 0 })
    }
    this.#askSoon(sender)
  }

  #ask (sender?: Connection): void {
    const asked = [...this.#held].filter(([, { isAsked }]) => !isAsked)
    if (asked.length === 0) return
    // Where answers are kept, they are for what comes next, too. Else they are for what was held back when it was asked.
    this.#knownUntil = performance.now() + this.#access.keptFor
    const connections = asked.map(([connection]) => connection)
    const answers = this.#access.canReceive(this.#documentId, connections, sender)
    asked.forEach(([connection, held], index) => {
      held.isAsked = true
      void this.#answer(connection, held, connection.heldFrames, answers[index]!, sender)
    })
  }

  async #answer (connection: Connection, held: Held, frames: number, answer: Answer, sender?: Connection): Promise<void> {
    const canReceive = await answer
    if (this.#held.get(connection) !== held) return
    if (canReceive === undefined) {
      this.#askLater(connection, held)
    } else if (!canReceive) {
      connection.close(closeCodes.unauthorized, 'unauthorized', unauthorized)
    } else if (connection.release(this.isOpen ? Infinity : frames)) {
      this.#held.delete(connection)
    } else {
      held.isAsked = false
      this.#askSoon(sender)
    }
  }

  /** Once for all that is relayed in one go, and for all whose answers have just come. */
  #askSoon (sender?: Connection): void {
    if (this.#isAskingSoon) return
    this.#isAskingSoon = true
    process.nextTick(() => {
      this.#isAskingSoon = false
      this.#ask(sender)
    })
  }

  #askLater (connection: Connection, held: Held): void {
    if (++held.failures >= maxFailures) return connection.close(closeCodes.internalError, 'access is not known')
    this.#unknown.push(held)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      for (const unknown of this.#unknown.splice(0)) unknown.isAsked = false
      this.#ask()
    }, 100 * 2 ** held.failures)
  }

  leave (connection: Connection): void {
    this.#held.delete(connection)
  }

  end (): void {
    clearTimeout(this.#timer)
  }
}
