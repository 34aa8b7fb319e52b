import type { FastifyRequest } from 'fastify'
import type { Action } from './callbacks.ts'
import { HookInvalid } from './errors.ts'
import { withinTimeLimit } from './stores/time-limit.ts'

/** The stages of a message in their order, then `onError` (a stage failed) and `onClose` (the connection was closed). */
const names = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'onSend', 'onResponse', 'onError', 'onClose'] as const
export type HookName = typeof names[number]

/** The argument of a hook. Later stages have more properties. */
export interface HookContext {
  documentId: string
  websocketSessionKey: string
  /** The handshake request of the connection. */
  request: FastifyRequest
  /** From `preValidation` on. `read` for the handshake, otherwise the action of the message. */
  action?: Action
  /** The message: a Buffer in `onRequest` and `preParsing`, parsed JSON in `preValidation`, verified from `preHandler` on. */
  message?: unknown
  /** From `preHandler` on. The author of the message. */
  publicKey?: string
  /** `onError` only. */
  error?: unknown
  /** `onClose` only: the close code of the WebSocket. */
  code?: number
}

/**
 * Hooks of one stage run in the order of `addHook`, before the plugin's own code for the stage. An error in a stage up to `preHandler` refuses the
 * message. `onSend` hooks start after the acknowledgement, and neither the acknowledgement nor the relay waits for them. An error in `onSend` or later
 * is passed to `onError` only.
 */
export type Hook = (context: HookContext) => void | Promise<void>

export class Hooks {
  readonly #hooks = Object.fromEntries(names.map((name) => [name, [] as Hook[]])) as Record<HookName, Hook[]>

  readonly #timeLimit: number

  constructor (timeLimit: number) {
    this.#timeLimit = timeLimit
  }

  add (name: HookName, fn: Hook): void {
    if (!names.includes(name)) throw new HookInvalid(`Unknown hook ${String(name)}`, names.join(', '))
    if (typeof fn !== 'function') throw new HookInvalid(`The hook ${name} is not a function`, names.join(', '))
    this.#hooks[name].push(fn)
  }

  has (name: HookName): boolean {
    return this.#hooks[name].length > 0
  }

  async run (name: HookName, context: HookContext): Promise<void> {
    for (const hook of this.#hooks[name]) await withinTimeLimit(`The hook ${name}`, this.#timeLimit, () => hook(context))
  }
}
