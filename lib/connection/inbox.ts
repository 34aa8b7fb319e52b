import { setImmediate } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { Limits } from '../limits.ts'

/** Messages of one connection that are handled in one turn of the event loop. */
const messagesPerTurn = 4

export interface Inbound {
  data: Buffer
  isBinary: boolean
  /** As of `performance.now()`. */
  receivedAt: number
}

export type Receive = (inbound: Inbound) => Promise<void>

/**
 * What a connection has received. Messages wait here until the document was sent, then they are handled one by one. Above the limits, the
 * socket is no longer read.
 */
export class Inbox {
  readonly #socket: WebSocket
  readonly #limits: Limits
  readonly #onError: (error: unknown) => void
  #messages: Inbound[] = []
  #receive: Receive | undefined
  #isReceiving = false
  /** Messages that were received and are not answered yet, and their bytes. */
  #unanswered = 0
  #unansweredBytes = 0
  #isPaused = false
  #secondEnds = 0
  #messagesThisSecond = 0
  #rateTimer: NodeJS.Timeout | undefined
  #resume: (() => void) | undefined
  #drained: Array<() => void> = []

  constructor (socket: WebSocket, limits: Limits, onError: (error: unknown) => void) {
    this.#socket = socket
    this.#limits = limits
    this.#onError = onError
  }

  get isPaused (): boolean {
    return this.#isPaused
  }

  /** Number of messages that were received and are not answered yet. */
  get unanswered (): number {
    return this.#unanswered
  }

  /** Whether messages are handled, and not only kept. */
  get isOpen (): boolean {
    return this.#receive !== undefined
  }

  get isEmpty (): boolean {
    return this.#unanswered === 0
  }

  add (inbound: Inbound): void {
    this.#messages.push(inbound)
    this.#unanswered++
    this.#unansweredBytes += inbound.data.length
    this.#pauseOrResume()
    void this.#receiveAll()
  }

  /** Messages are handled from now on, those that came before first. */
  open (receive: Receive): void {
    this.#receive = receive
    void this.#receiveAll()
  }

  async #receiveAll (): Promise<void> {
    if (this.#isReceiving || this.#receive === undefined) return
    this.#isReceiving = true
    let handled = 0
    for (let inbound = this.#messages.shift(); inbound !== undefined; inbound = this.#messages.shift()) {
      await this.#untilAllowed()
      try {
        await this.#receive(inbound)
      } catch (error) {
        // Nothing that a client sends may end the process, whatever was overlooked.
        this.#onError(error)
      }
      // Others have their turn; and what was handed over can be on its way to the database while the next is verified.
      if (++handled % messagesPerTurn === 0) await setImmediate()
    }
    this.#isReceiving = false
  }

  /** A message has been answered, or needs no answer. */
  answered (bytes: number): void {
    this.#unanswered--
    this.#unansweredBytes -= bytes
    this.#pauseOrResume()
    if (this.#unanswered === 0) this.#noteDrained()
  }

  #pauseOrResume (): void {
    const { maxQueuedMessages, maxMessageSize } = this.#limits
    const isFull = this.#unanswered >= maxQueuedMessages || this.#unansweredBytes >= maxMessageSize
    const hasRoom = this.#unanswered <= maxQueuedMessages / 2 && this.#unansweredBytes < maxMessageSize
    if (!this.#isPaused && isFull) {
      this.#isPaused = true
      this.#socket.pause()
    } else if (this.#isPaused && hasRoom) {
      this.#isPaused = false
      this.#socket.resume()
    }
  }

  /** What a socket brings in one piece is there at once, however it is read. So `maxMessagesPerSecond` limits what is handled. */
  #untilAllowed (): Promise<void> | undefined {
    const { maxMessagesPerSecond } = this.#limits
    if (maxMessagesPerSecond === 0) return undefined
    const now = performance.now()
    if (now >= this.#secondEnds) {
      this.#secondEnds = now + 1000
      this.#messagesThisSecond = 0
    }
    if (++this.#messagesThisSecond <= maxMessagesPerSecond) return undefined
    const delay = this.#secondEnds - now
    this.#messagesThisSecond = 1
    this.#secondEnds += 1000
    return new Promise((resolve) => {
      this.#resume = resolve
      this.#rateTimer = setTimeout(resolve, delay)
    })
  }

  /** Resolves when everything that was received is answered, or after `ms` milliseconds. */
  async untilEmpty (ms: number): Promise<void> {
    if (this.isEmpty) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#drained.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #noteDrained (): void {
    for (const drained of this.#drained.splice(0)) drained()
  }

  /** Nothing more is handled. */
  close (): void {
    this.#messages = []
    clearTimeout(this.#rateTimer)
    this.#resume?.()
    this.#noteDrained()
    // A paused socket would never see the peer's close frame.
    if (this.#isPaused) this.#socket.resume()
  }
}
