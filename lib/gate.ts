import type { Access } from './access.ts'
import { closeCodes, type Connection } from './connection.ts'
import { unauthorized } from './protocol/answers.ts'

/** How often in a row it may be unknown whether a connection has access, before it is closed. */
const maxFailures = 5

/**
 * Holds back what is relayed to the connections of a room until it is known which of them may have it. Where it is not known, it
 * is asked again: what is held back must reach them in the end, or they must come back for it.
 */
export class Gate {
  readonly #documentId: string
  readonly #access: Access
  /** The connections that are held back, and how often it was unknown whether they have access. */
  readonly #held = new Map<Connection, number>()
  #knownUntil = 0
  #isAsking = false
  #timer: NodeJS.Timeout | undefined

  constructor (documentId: string, access: Access) {
    this.#documentId = documentId
    this.#access = access
  }

  /** Whether it is known of everybody. */
  get isOpen (): boolean {
    return this.#knownUntil > performance.now()
  }

  /** Holds these connections back until their access is known. */
  close (connections: Connection[], sender?: Connection): void {
    for (const connection of connections) {
      connection.hold()
      if (!this.#held.has(connection)) this.#held.set(connection, 0)
    }
    if (!this.#isAsking && this.#timer === undefined) void this.#ask(sender)
  }

  /** Asks until nobody is held back of whom it is known. An answer is for what was held back when it was asked for, or is kept. */
  async #ask (sender: Connection | undefined): Promise<void> {
    this.#isAsking = true
    let unknown = 0
    while (this.#held.size > unknown) {
      const asked = [...this.#held.keys()]
      const frames = asked.map(({ heldFrames }) => this.#access.keptFor > 0 ? Infinity : heldFrames)
      const answers = await this.#access.canReceive(this.#documentId, asked, sender)
      this.#knownUntil = performance.now() + this.#access.keptFor
      unknown = 0
      for (const [index, connection] of asked.entries()) {
        if (!this.#held.has(connection)) continue
        if (answers[index] === undefined) unknown += this.#isStillHeld(connection) ? 1 : 0
        else if (!answers[index]) connection.close(closeCodes.unauthorized, 'unauthorized', unauthorized)
        else if (connection.release(frames[index]!)) this.#held.delete(connection)
      }
    }
    this.#isAsking = false
    if (unknown > 0) this.#askLater(sender)
  }

  #isStillHeld (connection: Connection): boolean {
    const failures = this.#held.get(connection)! + 1
    this.#held.set(connection, failures)
    if (failures >= maxFailures) connection.close(closeCodes.internalError, 'access is not known')
    return failures < maxFailures
  }

  #askLater (sender: Connection | undefined): void {
    const failures = Math.min(...this.#held.values())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#ask(sender)
    }, 100 * 2 ** failures)
  }

  leave (connection: Connection): void {
    this.#held.delete(connection)
  }

  end (): void {
    clearTimeout(this.#timer)
  }
}
