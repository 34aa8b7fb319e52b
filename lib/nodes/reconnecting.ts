import { withinTime } from './within-time.ts'

/** Milliseconds before a new attempt, doubled after each failure. */
const minPause = 50
const maxPause = 5000

/** Time limit in milliseconds for an attempt. A session has shorter limits of its own for each step. */
const openTimeout = 30_000

/** One or more connections to a broker, which end together. */
export interface Session {
  /** Resolves when messages can be sent and arrive. */
  open (): Promise<void>
  /** In any state. The session reports nothing more. */
  close (): Promise<void>
}

export interface ReconnectingSettings<S> {
  /** The broker's name. */
  name: string
  /** Makes a session that is not open yet. An open session checks itself periodically, and calls `ended` when it is over. */
  create (ended: (err: Error) => void): S
  opened (session: S): void
  /** A session has ended, or could not be opened. */
  lost (err: Error): void
}

type State<S> =
  | { name: 'waiting', timer: NodeJS.Timeout }
  | { name: 'opening', session: S }
  | { name: 'open', session: S, since: number }
  | { name: 'closed' }

/**
 * Keeps one session with a broker. A session that fails in any way is thrown away, and a new one is made after a pause. No state lasts without a time
 * limit but `open`, in which the session checks itself. So a node always gets back to a broker that works, whatever a driver does.
 */
export class Reconnecting<S extends Session> {
  readonly #settings: ReconnectingSettings<S>
  #state: State<S>
  #pause = minPause

  constructor (settings: ReconnectingSettings<S>) {
    this.#settings = settings
    this.#state = this.#open()
  }

  /** The open session. */
  get session (): S | undefined {
    return this.#state.name === 'open' ? this.#state.session : undefined
  }

  #open (): State<S> {
    const { name, create } = this.#settings
    const session = create((err) => this.#lose(session, err))
    withinTime(openTimeout, `${name} does not answer`, session.open()).then(() => this.#opened(session), (err: Error) => this.#lose(session, err))
    return { name: 'opening', session }
  }

  #opened (session: S): void {
    if (!this.#has(session)) return
    this.#state = { name: 'open', session, since: performance.now() }
    this.#settings.opened(session)
  }

  /** Only the first end of a session counts. */
  #lose (session: S, err: Error): void {
    const state = this.#state
    if (!this.#has(session)) return
    void session.close()
    // A session that ends soon after it was opened has failed, too.
    if (state.name === 'open' && performance.now() - state.since > maxPause) this.#pause = minPause
    // Nodes do not come back at the same moment.
    this.#state = { name: 'waiting', timer: setTimeout(() => { this.#state = this.#open() }, this.#pause * (0.5 + Math.random())) }
    this.#pause = Math.min(2 * this.#pause, maxPause)
    this.#settings.lost(err)
  }

  #has (session: S): boolean {
    const state = this.#state
    return (state.name === 'opening' || state.name === 'open') && state.session === session
  }

  async close (): Promise<void> {
    const state = this.#state
    this.#state = { name: 'closed' }
    switch (state.name) {
      case 'waiting': return clearTimeout(state.timer)
      case 'opening':
      case 'open': return await state.session.close()
      case 'closed':
    }
  }
}
