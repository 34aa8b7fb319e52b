import { setImmediate } from 'node:timers/promises'
import type { Duplex } from 'node:stream'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { cork, pingFrame, textFrame } from './frame.ts'
import type { Limits } from '../options.ts'
import { heartbeat } from '../protocol/answers.ts'

/** Close codes, with what the client does after each: docs/reliability.md. */
export const closeCodes = {
  goingAway: 1001,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
  unauthorized: 4401,
  documentNotFound: 4404,
  documentError: 4500
} as const

/** Nobody needs more; a set without bound would be a burden. */
const maxAuthors = 16

/** Of a connection, in one turn of the event loop. */
const messagesPerTurn = 4

/** How many authors may have failures that the peer has not heard of. */
const maxTakenBack = 1000

/** Milliseconds that a peer has to answer the close frame of a server that is shutting down. */
const closeTimeout = 1000

export interface Inbound {
  data: Buffer
  isBinary: boolean
  /** The number of the last failure that the client may have heard of when it sent this. */
  heard: number
}

/**
 * One WebSocket of one document. What it receives waits here until the document was sent, then goes one by one to `receive`;
 * a socket that sends faster than that is no longer read. What it is sent is bounded, too.
 */
export class Connection {
  readonly documentId: string
  readonly websocketSessionKey: string
  readonly request: FastifyRequest
  /** The authors whose messages came in here: one, of the published client. */
  readonly authors = new Set<string>()
  /** Called once, when nothing is sent or received any more. */
  onEnd: (() => void) | undefined
  /** Messages in a row that made no sense. */
  invalidMessages = 0

  #log: FastifyBaseLogger | undefined
  readonly #socket: WebSocket
  /** What the WebSocket is on: a TCP socket, or that of `injectWS`. */
  readonly #stream: Duplex
  readonly #limits: Limits
  #receive: ((inbound: Inbound) => Promise<void>) | undefined
  #inbound: Inbound[] = []
  #receiving = false
  /** Messages received and not answered yet, and their bytes. */
  #unanswered = 0
  #unansweredBytes = 0
  #drained: (() => void) | undefined
  #paused = false
  #secondEnds = 0
  #messagesThisSecond = 0
  #rateTimer: NodeJS.Timeout | undefined
  #draining = false
  #closing = false
  #alive = true
  /** Bytes that the system had not taken at the last heartbeat, of what is being written. */
  #unsent = 0
  /** How many failures were told, and which of them the client may have heard of. */
  #told = 0
  #heard = 0
  /** By author, the number of the last failure. */
  readonly #takenBack = new Map<string, number>()
  readonly #failed = new Set<string>()
  /** Frames that wait for an answer of `hasBroadcastAccess`. */
  readonly #held: Array<{ frame: Buffer, isEphemeral: boolean }> = []
  #holding = false
  #heldBytes = 0
  #heartbeat: Buffer | undefined
  /** Of the document, while it may not have been read. */
  #documentBytes = 0

  constructor (socket: WebSocket, request: FastifyRequest, documentId: string, websocketSessionKey: string, limits: Limits) {
    this.#socket = socket
    this.#stream = (socket as WebSocket & { _socket: Duplex })._socket
    this.#limits = limits
    this.request = request
    this.documentId = documentId
    this.websocketSessionKey = websocketSessionKey
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#onMessage({ data, isBinary, heard: this.#heard }))
    socket.on('pong', (payload: Buffer) => this.#onPong(Number(payload.toString('latin1'))))
    socket.on('close', () => this.#ended())
    // @fastify/websocket would terminate the socket on an error, so that its peer would not see the close code of `ws`.
    socket.removeAllListeners('error')
    socket.on('error', (err) => this.log.info({ err }, 'secsync: a connection broke the WebSocket protocol'))
  }

  /** Made when there is something to say: most connections never have. */
  get log (): FastifyBaseLogger {
    this.#log ??= this.request.log.child({ documentId: this.documentId })
    return this.#log
  }

  addAuthor (publicKey: string): void {
    if (this.authors.size < maxAuthors) this.authors.add(publicKey)
  }

  get closed (): boolean {
    return this.#closing
  }

  /** Messages are handled from now on, those that came before first. */
  open (receive: (inbound: Inbound) => Promise<void>): void {
    this.#receive = receive
    void this.#receiveAll()
  }

  #onMessage (inbound: Inbound): void {
    this.#alive = true
    if (this.#closing || this.#draining) return
    this.#inbound.push(inbound)
    this.#begin(inbound.data.length)
    void this.#receiveAll()
  }

  async #receiveAll (): Promise<void> {
    if (this.#receiving || this.#receive === undefined) return
    this.#receiving = true
    let handled = 0
    for (let inbound = this.#inbound.shift(); inbound !== undefined; inbound = this.#inbound.shift()) {
      await this.#untilAllowed()
      try {
        await this.#receive(inbound)
      } catch (err) {
        // Nothing that a client sends may end the process, whatever we have overlooked.
        this.log.error({ err }, 'secsync: a message could not be handled')
        this.close(closeCodes.internalError, 'internal error')
      }
      // Others have their turn; and what was handed over can be on its way to the database while the next is verified.
      if (++handled % messagesPerTurn === 0) await setImmediate()
    }
    this.#receiving = false
  }

  #begin (bytes: number): void {
    this.#unanswered++
    this.#unansweredBytes += bytes
    this.#read()
  }

  /** A message has been answered, or needs no answer. */
  answered (bytes: number): void {
    this.#unanswered--
    this.#unansweredBytes -= bytes
    this.#read()
    if (this.#unanswered > 0) return
    // Nothing is here any more that was sent before.
    if (this.#heard === this.#told) this.#takenBack.clear()
    this.#drained?.()
  }

  /** Reads from the socket only while there is room for what it brings. */
  #read (): void {
    const { maxQueuedMessages, maxMessageSize } = this.#limits
    const isFull = this.#unanswered >= maxQueuedMessages || this.#unansweredBytes >= maxMessageSize
    const hasRoom = this.#unanswered <= maxQueuedMessages / 2 && this.#unansweredBytes < maxMessageSize
    if (!this.#paused && isFull) {
      this.#paused = true
      this.#socket.pause()
    } else if (this.#paused && hasRoom) {
      this.#paused = false
      this.#socket.resume()
    }
  }

  /** What a socket brings in one piece is there at once, however it is read: so the limit is on what is handled. */
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
    return new Promise((resolve) => { this.#rateTimer = setTimeout(resolve, delay) })
  }

  /** Takes nothing more in, and closes with 1001 when everything that was received is answered or its time is over. */
  async shutDown (): Promise<void> {
    this.#draining = true
    // Not `once` of node:events, which would reject on an error of the socket.
    const closed = new Promise<void>((resolve) => { this.#socket.once('close', resolve) })
    if (this.#unanswered > 0 && !this.#closing) {
      const timer = setTimeout(() => this.#drained!(), this.#limits.drainTimeout)
      await new Promise<void>((resolve) => { this.#drained = resolve })
      clearTimeout(timer)
    }
    this.close(closeCodes.goingAway, 'the server is shutting down')
    const timer = setTimeout(() => this.terminate(), closeTimeout)
    await closed
    clearTimeout(timer)
  }

  /**
   * Sends what answers this connection alone, at once. A slow reader first loses ephemeral messages, then the connection: it
   * comes back and gets what it missed.
   */
  send (frame: Buffer, isEphemeral = false): void {
    if (this.#closing || this.#socket.readyState !== this.#socket.OPEN) return
    const bufferedAmount = this.#stream.writableLength
    const { maxBufferedBytes } = this.#limits
    if (isEphemeral && bufferedAmount + frame.length > maxBufferedBytes / 4) return
    if (bufferedAmount === 0) this.#documentBytes = 0
    if (bufferedAmount > maxBufferedBytes + this.#documentBytes) {
      this.log.warn({ bufferedAmount }, 'secsync: a slow reader is disconnected')
      this.close(closeCodes.tryAgainLater, 'reads too slowly')
      return
    }
    // Past `ws`, which has nothing in its own queue: it is never asked to send anything but control frames.
    cork(this.#stream)
    this.#stream.write(frame)
  }

  /** The document does not count: on a slow line a big one would be cut off by the first update behind it, again and again. */
  sendDocument (frame: Buffer): void {
    this.send(frame)
    this.#documentBytes = frame.length
  }

  /** Relays what others sent, after what is held back already. */
  relay (frame: Buffer, isEphemeral = false): void {
    if (!this.#holding) return this.send(frame, isEphemeral)
    const { maxBufferedBytes } = this.#limits
    if (isEphemeral && this.#heldBytes + frame.length > maxBufferedBytes / 4) return
    if (this.#heldBytes > maxBufferedBytes) return this.close(closeCodes.tryAgainLater, 'too much to relay')
    this.#held.push({ frame, isEphemeral })
    this.#heldBytes += frame.length
  }

  /**
   * Tells that an update is not saved. The client then takes back all that it has in flight and sends it anew, under the clocks after
   * the last one confirmed. What it had sent before must not be saved any more: the acknowledgement would confirm whatever has the
   * same clock by then, unsaved. A ping before the failure tells the old from the new: what comes before its pong was sent before.
   */
  takeBack (author: string, failure: Buffer): void {
    if (this.#takenBack.size >= maxTakenBack) return this.close(closeCodes.policyViolation, 'answers no ping')
    this.#takenBack.set(author, ++this.#told)
    if (this.#failed.size < maxAuthors) this.#failed.add(author)
    this.relay(Buffer.concat([pingFrame(String(this.#told)), failure]))
  }

  /** Whether an author was told here that an update failed. */
  hasFailed (author: string): boolean {
    return this.#failed.has(author)
  }

  /** Whether an update was sent before its client could hear of the last failure. */
  isTakenBack (author: string, heard: number): boolean {
    return heard < (this.#takenBack.get(author) ?? 0)
  }

  #onPong (failure: number): void {
    this.#alive = true
    // A heartbeat has no number; a peer may also send pongs that nobody asked for.
    if (!(failure > this.#heard && failure <= this.#told)) return
    this.#heard = failure
  }

  /** Keeps back what is relayed until it is known whether this connection may have it. */
  hold (): void {
    this.#holding = !this.#closing
  }

  get heldFrames (): number {
    return this.#held.length
  }

  /** Sends the first `count` frames of those that are held back. True: there are no more, and what comes next is not held back. */
  release (count: number): boolean {
    for (const { frame, isEphemeral } of this.#held.splice(0, count)) {
      this.#heldBytes -= frame.length
      this.send(frame, isEphemeral)
    }
    this.#holding = this.#held.length > 0
    return !this.#holding
  }

  /** Sends a last message, if any, and closes. Nothing is sent or received any more. */
  close (code: number, reason: string, lastMessage?: string): void {
    if (this.#closing) return
    if (lastMessage !== undefined) this.send(textFrame(lastMessage))
    this.#ended()
    // A paused socket would never see the peer's close frame.
    if (this.#paused) this.#socket.resume()
    this.#socket.close(code, reason)
  }

  #ended (): void {
    this.#closing = true
    this.onEnd?.()
    this.onEnd = undefined
    this.#held.length = 0
    this.#holding = false
    this.#inbound = []
    clearTimeout(this.#rateTimer)
    this.#drained?.()
  }

  terminate (): void {
    this.#socket.terminate()
  }

  /** From now on a heartbeat is sent to the client, too. A page sees no pings, so that it could not tell a dead line from a quiet one. */
  announceHeartbeat (): void {
    this.#heartbeat = textFrame(heartbeat(this.#limits.heartbeatInterval))
    this.send(this.#heartbeat)
  }

  /** Ends a peer that has answered nothing since the last call: a cut line sends no FIN. */
  heartbeat (): void {
    if (this.#heartbeat !== undefined) this.send(this.#heartbeat)
    // What it sends is not read, so its pong is not either.
    if (this.#paused) return
    // The pong comes behind what it is still reading, which takes long for a big document on a slow line.
    const unsent = (this.#stream as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize ?? 0
    if (unsent > 0 && unsent !== this.#unsent) this.#alive = true
    this.#unsent = unsent
    if (!this.#alive) return this.terminate()
    this.#alive = false
    this.#socket.ping()
  }
}
