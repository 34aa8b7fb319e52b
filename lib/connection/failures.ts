import { isConflict } from '../errors.ts'
import type { Context, Hooks } from '../hooks.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Connection } from './connection.ts'

type Level = 'debug' | 'info' | 'error'

/** So many failures of one kind are logged in so many milliseconds. The others are counted. */
const maxLogged = 100
const interval = 10_000

/** Kinds of failures that are counted at the same time. */
const maxKinds = 100

/** Reports what failed: to the log, and to the `onError` hooks. An outage makes many clients fail alike: then the log gets a few lines and a count. */
export class Failures {
  readonly #hooks: Hooks
  readonly #telemetry: Telemetry
  /** By kind, how often it came in this interval. */
  readonly #counts = new Map<string, number>()

  constructor (hooks: Hooks, telemetry: Telemetry) {
    this.#hooks = hooks
    this.#telemetry = telemetry
  }

  async report (error: unknown, context: Context, connection: Connection): Promise<void> {
    this.#log(error, context, connection)
    this.#telemetry.refused(context.action, error)
    try {
      await this.#hooks.run('onError', { ...context, error })
    } catch (err) {
      connection.log.error({ err }, 'secsync: an onError hook failed')
    }
  }

  #log (error: unknown, { action }: Context, { log }: Connection): void {
    const level = levelOf(error)
    if (level === 'debug') return log.debug({ err: error, action }, 'secsync: a message was refused')
    const { code, name } = (error ?? {}) as { code?: unknown, name?: unknown }
    const kind = `${String(code ?? name)} ${String(action)}`
    const count = (this.#counts.get(kind) ?? 0) + 1
    if (count <= maxLogged) log[level]({ err: error, action }, 'secsync: a message was refused')
    if (count === 1 && this.#counts.size < maxKinds) {
      setTimeout(() => {
        const all = this.#counts.get(kind) ?? 0
        this.#counts.delete(kind)
        if (all > maxLogged) log[level]({ code, action, count: all - maxLogged }, 'secsync: more messages were refused for the same reason')
      }, interval).unref()
    }
    if (count > 1 || this.#counts.size < maxKinds) this.#counts.set(kind, count)
  }
}

/** As in Fastify, what the client did wrong is information, what we did is an error. Conflicts are a part of working together. */
function levelOf (error: unknown): Level {
  if (isConflict(error)) return 'debug'
  const { statusCode = 500 } = (error ?? {}) as { statusCode?: number }
  return statusCode < 500 ? 'info' : 'error'
}
