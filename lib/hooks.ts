import type { FastifyRequest } from 'fastify'
import type { Action } from './callbacks.ts'
import { HookInvalid } from './errors.ts'
import type { AdditionalAuthenticationDataValidations, EphemeralMessage, NoValidations, SnapshotMessage, Update } from './protocol/messages.ts'
import { withinTimeLimit } from './stores/time-limit.ts'

/** The stages of a message in their order, then `onError` (a stage failed) and `onClose` (the connection was closed). */
const names = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'onSend', 'onResponse', 'onError', 'onClose'] as const
export type HookName = typeof names[number]

interface Connected {
  documentId: string
  websocketSessionKey: string
  /** The handshake request of the connection. */
  request: FastifyRequest
}

/** A verified message, by its action. */
type Verified<A extends AdditionalAuthenticationDataValidations> = {
  /** The author of the message. Its signature has been verified with this key. */
  publicKey: string
} & (
  | { action: 'write-snapshot', message: SnapshotMessage<A> }
  | { action: 'write-update', message: Update<A> }
  | { action: 'send-ephemeral-message', message: EphemeralMessage<A> }
)

/** The other two are named so that a hook can destructure them. */
interface Handshake { action: 'read', message?: undefined, publicKey?: undefined }

/** What the context of a stage has beside the connection. */
interface Stages<A extends AdditionalAuthenticationDataValidations> {
  /** `message` has the bytes of the message. */
  onRequest: { message: Buffer }
  preParsing: { message: Buffer }
  /** `message` is parsed JSON, and anything a client may send. `action` is what its public data looks like. */
  preValidation: { action: Exclude<Action, 'read'>, message: object }
  preHandler: Handshake | Verified<A>
  onSend: Verified<A>
  onResponse: Handshake | Verified<A>
  /** The other properties are those of the stage that failed. */
  onError: { error: unknown, action?: Action, message?: unknown, publicKey?: string }
  /** `code`: the close code of the WebSocket. */
  onClose: Handshake & { code: number }
}

/**
 * The argument of a hook, by its stage. `HookContext` without a stage is the union of all: `stage` tells them apart. Within a stage, `action` tells
 * handshakes and messages apart. `A` are the schemas of additional public data.
 */
export type HookContext<Name extends HookName = HookName, A extends AdditionalAuthenticationDataValidations = NoValidations> =
  { [Stage in HookName]: Connected & { stage: Stage } & Stages<A>[Stage] }[Name]

/**
 * Hooks of one stage run in the order of `addHook`, before the plugin's own code for the stage. An error in a stage up to `preHandler` refuses the
 * message. `onSend` hooks start after the acknowledgement, and neither the acknowledgement nor the relay waits for them. An error in `onSend` or later
 * is passed to `onError` only.
 */
export type Hook<Name extends HookName = HookName, A extends AdditionalAuthenticationDataValidations = NoValidations> =
  (context: HookContext<Name, A>) => void | Promise<void>

/** The context while it is made: each stage adds to it. */
export interface Context extends Connected {
  stage?: HookName
  action?: Action
  message?: unknown
  publicKey?: string
  error?: unknown
  code?: number
}

export class Hooks {
  readonly #hooks = Object.fromEntries(names.map((name) => [name, [] as Hook[]])) as Record<HookName, Hook[]>

  readonly #timeLimit: number

  constructor (timeLimit: number) {
    this.#timeLimit = timeLimit
  }

  add<Name extends HookName> (name: Name, fn: Hook<Name>): void {
    if (!names.includes(name)) throw new HookInvalid(`Unknown hook ${String(name)}`, names.join(', '))
    if (typeof fn !== 'function') throw new HookInvalid(`The hook ${name} is not a function`, names.join(', '))
    // `run` passes it the context of its stage.
    this.#hooks[name].push(fn as Hook)
  }

  has (name: HookName): boolean {
    return this.#hooks[name].length > 0
  }

  async run (name: HookName, context: Context): Promise<void> {
    context.stage = name
    for (const hook of this.#hooks[name]) await withinTimeLimit(`The hook ${name}`, this.#timeLimit, () => hook(context as HookContext))
  }
}
