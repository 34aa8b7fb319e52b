import type { FastifyBaseLogger } from 'fastify'
import type { Access } from './access.ts'
import { closeCodes, type Connection } from './connection.ts'
import { unauthorized } from './protocol/answers.ts'

/** After how many failures in a row of `hasBroadcastAccess` the connections that wait for it are closed. */
const maxFailures = 5

/**
 * Holds back what is relayed to the connections of a room until it is known which of them may have it. When the question
 * fails it is asked again: what is held back must reach them in the end, or they must come back for it.
 */
export class Gate {
  readonly #documentId: string
  readonly #access: Access
  readonly #log: FastifyBaseLogger
  readonly #held = new Set<Connection>()
  #knownUntil = 0
  #isAsking = false
  #failures = 0
  #timer: NodeJS.Timeout | undefined

  constructor (documentId: string, access: Access, log: FastifyBaseLogger) {
    this.#documentId = documentId
    this.#access = access
    this.#log = log
  }

  /** Whether it is known of everybody. */
  get isOpen (): boolean {
    return this.#knownUntil > performance.now()
  }

  /** Holds these connections back until their access is known. */
  close (connections: Connection[], sender?: Connection): void {
    for (const connection of connections) {
      connection.hold()
      this.#held.add(connection)
    }
    if (!this.#isAsking && this.#timer === undefined) void this.#ask(sender)
  }

  /** Asks until nobody is held back: some may have joined while it was asked for the others. */
  async #ask (sender: Connection | undefined): Promise<void> {
    this.#isAsking = true
    try {
      while (this.#held.size > 0) {
        const asked = [...this.#held]
        const answers = await this.#access.canReceive(this.#documentId, asked, sender)
        this.#failures = 0
        this.#knownUntil = performance.now() + this.#access.keptFor
        asked.forEach((connection, index) => {
          this.#held.delete(connection)
          if (answers[index]) connection.release()
          else connection.close(closeCodes.unauthorized, 'unauthorized', unauthorized)
        })
      }
    } catch (err) {
      this.#log.error({ err }, 'secsync: it is not known who may receive what is relayed')
      this.#askLater(sender)
    }
    this.#isAsking = false
  }

  #askLater (sender: Connection | undefined): void {
    if (++this.#failures < maxFailures) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        void this.#ask(sender)
      }, 100 * 2 ** this.#failures)
    } else {
      this.#failures = 0
      for (const connection of this.#held) connection.close(closeCodes.internalError, 'access is not known')
      this.#held.clear()
    }
  }

  leave (connection: Connection): void {
    this.#held.delete(connection)
  }

  end (): void {
    clearTimeout(this.#timer)
  }
}
