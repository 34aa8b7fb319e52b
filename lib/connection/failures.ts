import { isConflict } from '../errors.ts'
import type { HookContext, Hooks } from '../hooks.ts'
import type { Connection } from './connection.ts'

type Level = 'debug' | 'info' | 'error'

/** Milliseconds in which the same failure is logged once. */
const interval = 10_000

/** Kinds of failures that are counted at the same time. */
const maxKinds = 100

/** Reports what failed: to the log, and to the `onError` hooks. An outage makes many clients fail alike, and is logged once, with a count. */
export class Failures {
  readonly #hooks: Hooks
  /** By kind, how often it was not logged. */
  readonly #counts = new Map<string, number>()

  constructor (hooks: Hooks) {
    this.#hooks = hooks
  }

  async report (error: unknown, context: HookContext, connection: Connection): Promise<void> {
    this.#log(error, context, connection)
    try {
      await this.#hooks.run('onError', { ...context, error })
    } catch (err) {
      connection.log.error({ err }, 'secsync: an onError hook failed')
    }
  }

  #log (error: unknown, { action }: HookContext, { log }: Connection): void {
    const level = levelOf(error)
    if (level === 'debug') return log.debug({ err: error, action }, 'secsync: a message was refused')
    const { code, name } = (error ?? {}) as { code?: unknown, name?: unknown }
    const kind = `${String(code ?? name)} ${String(action)}`
    const count = this.#counts.get(kind)
    if (count !== undefined) {
      this.#counts.set(kind, count + 1)
      return
    }
    log[level]({ err: error, action }, 'secsync: a message was refused')
    if (this.#counts.size >= maxKinds) return
    this.#counts.set(kind, 0)
    setTimeout(() => {
      const repeated = this.#counts.get(kind)
      this.#counts.delete(kind)
      if (repeated) log[level]({ code, action, count: repeated }, 'secsync: messages were refused for the same reason')
    }, interval).unref()
  }
}

/** As in Fastify, what the client did wrong is information, what we did is an error. Conflicts are a part of working together. */
function levelOf (error: unknown): Level {
  if (isConflict(error)) return 'debug'
  const { statusCode = 500 } = (error ?? {}) as { statusCode?: number }
  return statusCode < 500 ? 'info' : 'error'
}
