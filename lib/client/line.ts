import { backoff } from './core/backoff.ts'
import type { Environment } from './environment.ts'
import { ClientError } from './errors.ts'
import { KeyMissing } from './keys.ts'
import { sessionOf, type DocumentOptions, type WebSocketLike } from './options.ts'
import type { ConnectionState } from './state.ts'
import { parseServerMessage, type FromServer } from './wire.ts'

/** What the server is told about what is known already: parameters of the URL. */
export type Known = Record<string, string>

interface LineSettings {
  environment: Environment
  options: DocumentOptions
  /** Called before each try. Resolves when all that has been received is dealt with. */
  prepare: () => Promise<Known>
  receive: (message: FromServer) => void
  /** The connection is gone. */
  onDown: () => void
  onChange: () => void
}

/** Milliseconds. */
const times = {
  /** For the handshake. */
  open: 15_000,
  /** For the document, from the handshake on. */
  load: 120_000,
  /** From when something was sent, or answered, to the next answer. */
  answer: 20_000,
  /** Without any message: on waking up it is not known whether anybody is there. */
  silence: 20_000,
  check: 5_000
}

const patience = {
  noAccess: { first: 5_000, most: 300_000 },
  noKey: { first: 2_000, most: 60_000 },
  trouble: { first: 1_000, most: 60_000 },
  mustTrust: { first: 60_000, most: 600_000 }
}

/** A live connection that lasts this long ends a series of failures. */
const stableAfter = 5_000

/** One connection after the other: opens them, notices when they are dead, and knows why there is none. */
export class Line {
  readonly #settings: LineSettings
  #state: ConnectionState = { status: 'connecting' }
  #socket: WebSocketLike | undefined
  /** Of the try that is under way: what belongs to an earlier one is ignored. */
  #try = 0
  #failures = 0
  /** The session key was refused, and asked for anew since. */
  #askedAnew = false
  /** Something was missing, and the document was loaded anew since. */
  #hasLoadedAnew = false
  #liveSince = Infinity
  #openedAt = 0
  #lastMessageAt = 0
  /** When something was sent of which no answer has come since. */
  #unansweredSince = Infinity
  #heartbeat: number | undefined
  #endTimer: (() => void) | undefined
  #endCheck: (() => void) | undefined
  readonly #ends: Array<() => void>

  constructor (settings: LineSettings) {
    this.#settings = settings
    const { environment } = settings
    this.#ends = [environment.onWake(() => this.#wake()), environment.onOffline(() => this.#offline())]
  }

  get state (): ConnectionState {
    return this.#state
  }

  get isLive (): boolean {
    return this.#state.status === 'live'
  }

  /** Tries now. */
  start (): void {
    this.#close()
    this.#set({ status: 'connecting' })
    void this.#connect(++this.#try)
  }

  /** All is loaded. */
  live (): void {
    if (this.#state.status !== 'connecting' || this.#socket === undefined) return
    this.#askedAnew = false
    this.#liveSince = this.#settings.environment.now()
    this.#set({ status: 'live' })
  }

  /** False: there is no connection. `isAnswered`: the server will say something. */
  send (text: string, isAnswered: boolean): boolean {
    if (this.#socket?.readyState !== 1) return false
    this.#settings.options.onFrame?.({ sent: true, text })
    this.#socket.send(text)
    if (isAnswered && this.#unansweredSince === Infinity) this.#unansweredSince = this.#settings.environment.now()
    return true
  }

  /** The server has answered; `isWaiting`: not all that was sent. */
  answered (isWaiting: boolean): void {
    this.#unansweredSince = isWaiting ? this.#settings.environment.now() : Infinity
  }

  /** Connects anew because of what was received, or what could not be done. */
  fail (error: unknown): void {
    if (this.#state.status === 'destroyed') return
    this.#endSeries()
    if (error instanceof KeyMissing) return this.#later((nextTryAt) => ({ status: 'noKey', snapshot: error.snapshot, nextTryAt }), patience.noKey)
    const clientError = error instanceof ClientError
      ? error
      : new ClientError('SECSYNC_CALLBACK_FAILED', 'The CRDT or a function of the application has failed', { cause: error })
    // Something may have got lost on the way. The second time it is the server.
    const mayBeGap = clientError.code === 'SECSYNC_MISSING_UPDATE' || clientError.code === 'SECSYNC_INVALID_HISTORY'
    if (mayBeGap && this.isLive && !this.#hasLoadedAnew) {
      this.#hasLoadedAnew = true
      return this.restart()
    }
    this.#later((nextTryAt) => ({ status: 'trouble', error: clientError, nextTryAt }), clientError.mustTrust ? patience.mustTrust : patience.trouble)
  }

  /** Ends this connection and opens another one at once. */
  restart (): void {
    this.#endSeries()
    this.#failures++
    this.start()
  }

  /** Whether failures go on, or a connection has been of use in between. */
  #endSeries (): void {
    if (!this.isLive || this.#settings.environment.now() < this.#liveSince + stableAfter) return
    this.#failures = 0
    this.#hasLoadedAnew = false
  }

  /** The user wants it now. */
  retry (): void {
    if (this.#state.status === 'destroyed' || this.isLive) return
    this.#failures = 0
    this.#askedAnew = false
    this.start()
  }

  destroy (): void {
    for (const end of this.#ends) end()
    this.#close()
    // What is asked for now, a session key or why a handshake has failed, is answered too late.
    this.#try++
    this.#set({ status: 'destroyed' })
  }

  async #connect (attempt: number): Promise<void> {
    const { environment, options, prepare } = this.#settings
    let url: string
    try {
      const known = await prepare()
      const session = await this.#session()
      if (attempt !== this.#try) return
      // There is no network, or nobody who gives one.
      if (session === undefined) return this.#later((nextTryAt) => ({ status: 'offline', nextTryAt }))
      const query = new URLSearchParams({ ...session, ...known, revision: '2', heartbeat: '1' })
      url = `${options.url.replace(/\/$/, '')}/${encodeURIComponent(options.documentId)}?${query.toString()}`
    } catch (error) {
      if (attempt === this.#try) this.fail(error)
      return
    }
    try {
      this.#listen(new environment.WebSocket(url), url)
    } catch (cause) {
      this.fail(new ClientError('SECSYNC_CALLBACK_FAILED', 'A WebSocket cannot be made', { cause }))
    }
  }

  async #session (): Promise<{ sessionKey?: string } | undefined> {
    try {
      return await sessionOf(this.#settings.options)
    } catch (error) {
      // An application can tell more than that there is no network.
      if (error instanceof ClientError || error instanceof KeyMissing) throw error
      return undefined
    }
  }

  #listen (socket: WebSocketLike, url: string): void {
    const { environment, options, receive } = this.#settings
    this.#socket = socket
    this.#openedAt = environment.now()
    this.#lastMessageAt = environment.now()
    this.#unansweredSince = Infinity
    this.#heartbeat = undefined
    let hasOpened = false
    socket.onopen = () => { hasOpened = true }
    socket.onmessage = ({ data }: { data: unknown }) => {
      this.#lastMessageAt = environment.now()
      try {
        options.onFrame?.({ sent: false, text: String(data) })
        this.#receive(parseServerMessage(data), receive)
      } catch (error) {
        this.fail(error)
      }
    }
    // A close follows. Of a socket that is closed while it connects, Node.js emits an error, too.
    socket.onerror = () => {}
    socket.onclose = ({ code }: { code: number }) => {
      if (hasOpened) this.#closed(code)
      else void this.#refused(url)
    }
    this.#check(() => hasOpened)
  }

  #receive (message: FromServer, receive: (message: FromServer) => void): void {
    switch (message.type) {
      case 'heartbeat':
        this.#heartbeat = message.interval
        return
      case 'unauthorized':
        return this.#noAccess('unauthorized')
      case 'document-not-found':
        return this.#noAccess('notFound')
      case 'document-error':
        return this.fail(new ClientError('SECSYNC_SERVER_ERROR', 'The server cannot read the document'))
      default:
        receive(message)
    }
  }

  /** A connection that nobody has closed may be dead all the same. */
  #check (hasOpened: () => boolean): void {
    const { environment } = this.#settings
    this.#endCheck?.()
    this.#endCheck = environment.setTimer(() => {
      const now = environment.now()
      const isDead = hasOpened()
        ? (this.isLive ? false : now > this.#openedAt + times.load) || now > this.#unansweredSince + times.answer ||
          (this.#heartbeat !== undefined && now > this.#lastMessageAt + 1.5 * this.#heartbeat + times.check)
        : now > this.#openedAt + times.open
      if (isDead) this.#closed(1006)
      else this.#check(hasOpened)
    }, times.check)
  }

  #closed (code: number): void {
    const wasLive = this.isLive
    if (code === 1009 || code === 1008) return this.fail(new ClientError('SECSYNC_REFUSED', `The server has closed the connection with ${code}`))
    // A server that is there and ends connections has a reason. Not all come back at the same moment.
    if (code === 1011 && !wasLive) return this.fail(new ClientError('SECSYNC_SERVER_ERROR', 'The server has an error, and will be back'))
    if (wasLive) return this.#later(() => ({ status: 'connecting' }))
    this.#later((nextTryAt) => ({ status: 'offline', nextTryAt }))
  }

  /** The handshake has failed, for a reason that a WebSocket does not tell. */
  async #refused (url: string): Promise<void> {
    const attempt = this.#try
    this.#close()
    const answer = await this.#settings.environment.probe(url)
    if (attempt !== this.#try) return
    if (answer === 401) return this.#noAccess('unauthenticated')
    if (answer === 403) return this.#noAccess('unauthorized')
    if (answer === 404) return this.#noAccess('notFound')
    if (typeof answer === 'number' && answer >= 500) return this.fail(new ClientError('SECSYNC_SERVER_ERROR', `The server answers with ${answer}`))
    this.#later((nextTryAt) => ({ status: 'offline', nextTryAt }))
  }

  #noAccess (reason: 'unauthenticated' | 'unauthorized' | 'notFound'): void {
    if (typeof this.#settings.options.sessionKey === 'function' && !this.#askedAnew) {
      this.#askedAnew = true
      return this.restart()
    }
    this.#later((nextTryAt) => ({ status: 'noAccess', reason, nextTryAt }), patience.noAccess)
  }

  #later (state: (nextTryAt: number) => ConnectionState, times?: { first: number, most: number }): void {
    const { environment } = this.#settings
    this.#endSeries()
    this.#close()
    const attempt = ++this.#try
    const delay = backoff(this.#failures++, environment.random, times)
    this.#set(state(environment.now() + delay))
    this.#endTimer = environment.setTimer(() => {
      if (attempt === this.#try) this.start()
    }, delay)
  }

  /** The network may be back, or the device has slept. */
  #wake (): void {
    const { status } = this.#state
    const isSilent = this.#settings.environment.now() > this.#lastMessageAt + times.silence
    if (status === 'live' || status === 'connecting' ? isSilent : true) {
      this.#failures = 0
      this.start()
    }
  }

  #offline (): void {
    if (this.#state.status === 'live' || this.#state.status === 'connecting') this.#later((nextTryAt) => ({ status: 'offline', nextTryAt }))
  }

  #close (): void {
    this.#endTimer?.()
    this.#endCheck?.()
    const socket = this.#socket
    if (socket === undefined) return
    this.#socket = undefined
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
    this.#settings.onDown()
  }

  #set (state: ConnectionState): void {
    if (this.#state.status === 'connecting' && state.status === 'connecting') return
    this.#state = state
    this.#settings.onChange()
  }
}
