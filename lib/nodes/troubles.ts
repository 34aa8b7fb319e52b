import type { FastifyBaseLogger } from 'fastify'

/** Temporary failures of a bus by name: what the log says when one begins, and when it ends. Each is logged once. */
export class Troubles<Name extends string> {
  readonly #texts: Record<Name, readonly [begins: string, isOver: string]>
  readonly #log: FastifyBaseLogger
  readonly #current = new Set<Name>()

  constructor (texts: Record<Name, readonly [begins: string, isOver: string]>, log: FastifyBaseLogger) {
    this.#texts = texts
    this.#log = log
  }

  begins (name: Name, reason: string): void {
    if (this.#current.has(name)) return
    this.#current.add(name)
    this.#log.warn({ reason }, `secsync: ${this.#texts[name][0]}`)
  }

  isOver (name: Name): void {
    if (this.#current.delete(name)) this.#log.info(`secsync: ${this.#texts[name][1]}`)
  }
}
