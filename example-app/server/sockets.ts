// The WebSockets of this process, counted by person and by address.
import type { FastifyRequest } from 'fastify'
import createError from '@fastify/error'
import { normalizeIP } from '@fastify/rate-limit'
import type { Limits } from './limits.ts'

const TooManySockets = createError('APP_TOO_MANY_SOCKETS', 'Too many connections are open. Close some of them', 429)

export class Sockets {
  readonly #limits: Pick<Limits, 'MAX_SOCKETS' | 'MAX_SOCKETS_PER_ADDRESS'>
  readonly #numbers = new Map<string, number>()

  constructor (limits: Pick<Limits, 'MAX_SOCKETS' | 'MAX_SOCKETS_PER_ADDRESS'>) {
    this.#limits = limits
  }

  /** The ids of sessions that have one. */
  get sessions (): string[] {
    return [...this.#numbers.keys()].filter((name) => name.startsWith('session ')).map((name) => name.slice('session '.length))
  }

  /** For a preHandler before the upgrade, once it is known who it is. Throws with one too many. */
  add ({ member, ip, raw: { socket } }: FastifyRequest): void {
    const { MAX_SOCKETS, MAX_SOCKETS_PER_ADDRESS } = this.#limits
    const names = [['address', normalizeIP(ip), MAX_SOCKETS_PER_ADDRESS], ['member', member?.id, MAX_SOCKETS], ['session', member?.sessionId, MAX_SOCKETS]] as const
    const counted = names.filter(([, id]) => id !== undefined).map(([kind, id, most]) => ({ name: `${kind} ${id}`, most }))
    if (counted.some(({ name, most }) => (this.#numbers.get(name) ?? 0) >= most)) throw new TooManySockets()
    for (const { name } of counted) this.#change(name, 1)
    socket.once('close', () => { for (const { name } of counted) this.#change(name, -1) })
  }

  #change (name: string, by: number): void {
    const number = (this.#numbers.get(name) ?? 0) + by
    if (number > 0) this.#numbers.set(name, number)
    else this.#numbers.delete(name)
  }
}

declare module 'fastify' {
  interface FastifyInstance { sockets: Sockets }
}
