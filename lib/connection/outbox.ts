import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Limits } from '../limits.ts'
import { cork } from './cork.ts'

interface Held {
  frame: Buffer
  isEphemeral: boolean
}

/**
 * Milliseconds for which a client may take to queue its document. What is relayed waits meanwhile, and is sent then in any case: a client that
 * sends nothing would get nothing.
 */
const maxQueueing = 20_000

/** Frames that are held back, and their bytes. */
class Queue {
  #frames: Held[] = []
  #bytes = 0

  get length (): number {
    return this.#frames.length
  }

  get bytes (): number {
    return this.#bytes
  }

  /** Returns false when it is full. Ephemeral messages are dropped long before. */
  add (held: Held, maxBytes: number): boolean {
    if (held.isEphemeral && this.#bytes + held.frame.length > maxBytes / 4) return true
    if (this.#bytes > maxBytes) return false
    this.#frames.push(held)
    this.#bytes += held.frame.length
    return true
  }

  take (count = Infinity): Held[] {
    const taken = this.#frames.splice(0, count)
    for (const { frame } of taken) this.#bytes -= frame.length
    return taken
  }
}

/**
 * What a connection is sent. A slow reader first loses ephemeral messages, then the connection: it comes back and gets what it missed.
 * Relayed frames are held back while it is not known whether the client has access, and until the client has queued its document.
 */
export class Outbox {
  readonly #socket: WebSocket
  readonly #stream: Duplex
  readonly #limits: Limits
  readonly #onFull: (reason: string) => void
  /** Frames that wait for an answer of `hasBroadcastAccess`. */
  readonly #held = new Queue()
  #isHolding = false
  /** Frames that wait until the client has queued its document. */
  readonly #early = new Queue()
  #queueingTimer: NodeJS.Timeout | undefined
  /** Bytes of the document, while it may not have been read. */
  #documentBytes = 0
  #isClosed = false

  /** `onFull` is called when the client reads too slowly. */
  constructor (socket: WebSocket, stream: Duplex, limits: Limits, onFull: (reason: string) => void) {
    this.#socket = socket
    this.#stream = stream
    this.#limits = limits
    this.#onFull = onFull
  }

  /** Number of bytes that are held back, or that the system has not taken yet. */
  get unsent (): number {
    return this.#stream.writableLength + this.#held.bytes + this.#early.bytes
  }

  /** Sends at once. */
  send (frame: Buffer, isEphemeral = false): void {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) return
    const bufferedAmount = this.#stream.writableLength
    const { maxBufferedBytes } = this.#limits
    if (isEphemeral && bufferedAmount + frame.length > maxBufferedBytes / 4) return
    if (bufferedAmount === 0) this.#documentBytes = 0
    if (bufferedAmount > maxBufferedBytes + this.#documentBytes) return this.#onFull('reads too slowly')
    // Past `ws`, which has nothing in its own queue: it is never asked to send anything but control frames.
    cork(this.#stream)
    this.#stream.write(frame)
  }

  /**
   * Sends the document. Its bytes are not counted: on a slow line a big one would be cut off by the first update behind it, again and again.
   *
   * The published client (websocketService.ts) awaits `getSnapshotKey` before it queues a document with a snapshot, and queues other messages
   * at once. One that overtook the document would make it fail for good. Right before it queues the document it sends an ephemeral
   * message. So `waits` holds back what is relayed until the client has sent something.
   */
  sendDocument (frame: Buffer, waits: boolean): void {
    this.send(frame)
    this.#documentBytes = frame.length
    if (waits && !this.#isClosed) this.#queueingTimer = setTimeout(() => this.queued(), maxQueueing).unref()
  }

  /** The client has sent something: it has queued its document. */
  queued (): void {
    if (this.#queueingTimer === undefined) return
    clearTimeout(this.#queueingTimer)
    this.#queueingTimer = undefined
    for (const { frame, isEphemeral } of this.#early.take()) this.send(frame, isEphemeral)
  }

  /** Sends in the order of the calls, behind what is held back. */
  relay (frame: Buffer, isEphemeral = false): void {
    if (!this.#isHolding) this.#pass({ frame, isEphemeral })
    else if (!this.#held.add({ frame, isEphemeral }, this.#limits.maxBufferedBytes)) this.#onFull('too much to relay')
  }

  #pass (held: Held): void {
    if (this.#queueingTimer === undefined) this.send(held.frame, held.isEphemeral)
    else if (!this.#early.add(held, this.#limits.maxBufferedBytes)) this.#onFull('too much to relay')
  }

  hold (): void {
    this.#isHolding = !this.#isClosed
  }

  get heldFrames (): number {
    return this.#held.length
  }

  release (count: number): boolean {
    for (const held of this.#held.take(count)) this.#pass(held)
    this.#isHolding = this.#held.length > 0
    return !this.#isHolding
  }

  close (): void {
    this.#isClosed = true
    this.#isHolding = false
    clearTimeout(this.#queueingTimer)
    this.#queueingTimer = undefined
    this.#held.take()
    this.#early.take()
  }
}
