import type { FastifyRequest } from 'fastify'
import type { Action } from './callbacks.ts'
import { HookInvalid } from './errors.ts'
import { withinTimeLimit } from './stores/time-limit.ts'

/** The stages of a message's life, in their order. The last two: a stage failed; the connection is closed. */
const names = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'onSend', 'onResponse', 'onError', 'onClose'] as const
export type HookName = typeof names[number]

/** What a hook gets. It grows with the stages: each says what it adds. */
export interface HookContext {
  documentId: string
  websocketSessionKey: string
  /** The handshake of the connection. */
  request: FastifyRequest
  /** `preValidation` on: `read` for the handshake, else what the message wants to do. */
  action?: Action
  /** The message: at `onRequest` its bytes, at `preValidation` the parsed JSON, from `preHandler` on checked and verified. */
  message?: unknown
  /** `preHandler` on: the author of the message. */
  publicKey?: string
  /** `onError` only. */
  error?: unknown
  /** `onClose` only: the close code of the WebSocket. */
  code?: number
}

/**
 * Runs in the order of `addHook`, before what the plugin itself does at the stage. Up to `preHandler`, an error that it
 * throws ends the message, and is answered like any failure of that stage. From `onSend` on it is only reported, as all errors are, to
 * `onError`: what is stored and acknowledged must reach every reader.
 */
export type Hook = (context: HookContext) => void | Promise<void>

export class Hooks {
  readonly #hooks = Object.fromEntries(names.map((name) => [name, [] as Hook[]])) as Record<HookName, Hook[]>

  readonly #timeLimit: number

  constructor (timeLimit: number) {
    this.#timeLimit = timeLimit
  }

  add (name: HookName, fn: Hook): void {
    if (!names.includes(name)) throw new HookInvalid(`There is no hook ${String(name)}`, names.join(', '))
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
