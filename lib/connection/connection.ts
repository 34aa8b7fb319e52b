import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { Client } from '../document/client.ts'
import { UpdateStream } from '../document/update-stream.ts'
import type { Limits } from '../limits.ts'
import { heartbeat } from '../protocol/answers.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { textFrame } from '../protocol/frame.ts'
import type { Cursor } from '../protocol/cursor.ts'
import type { Known, LoadedDocument } from '../stores/store.ts'
import { Inbox, type Receive } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { isPublishedClient, knownOf } from './query.ts'

/** Authors of one connection. The published client has one. */
const maxAuthors = 1000

/** Milliseconds that a peer has to answer the close frame of a server that is shutting down. */
const closeTimeout = 1000

/** Milliseconds until `closeSoon` closes. */
const closeDelay = 3000

type State =
  /** Messages are received. `onEnd` is called once, when nothing is sent or received any more. */
  | { name: 'open', onEnd: () => void }
  /** The server is shutting down, or the peer has left: what was received is handled, nothing more is received. */
  | { name: 'draining', onEnd: () => void }
  | { name: 'closed' }

/** One WebSocket of one document. */
export class Connection implements Client {
  /** Both are what the URL most likely says, until the handshake has found out what it means. */
  documentId: string
  websocketSessionKey: string
  readonly request: FastifyRequest
  readonly known: Known
  readonly inbox: Inbox
  /** Messages in a row that made no sense. */
  invalidMessages = 0
  #state: State = { name: 'open', onEnd () {} }
  #id: string | undefined
  #log: FastifyBaseLogger | undefined
  readonly #socket: WebSocket
  /** What the WebSocket is on: a TCP socket, or that of `injectWS`. */
  readonly #stream: Duplex
  readonly #outbox: Outbox
  readonly #isPublished: boolean
  /** Where the document ended that was sent here. */
  #joinedAt: Cursor = { snapshotId: '', clocks: {} }
  readonly #streams = new Map<string, UpdateStream>()
  readonly #limits: Limits
  /** Whether the peer has sent something since the last heartbeat. */
  #isAlive = true
  /** Bytes that the system had not taken at the last heartbeat, of what is being written. */
  #unsent = 0
  /** Sent at each heartbeat, to a client that wants to see it. */
  #heartbeat: Buffer | undefined
  #closeTimer: NodeJS.Timeout | undefined
  #staysOpen = false

  constructor (socket: WebSocket, request: FastifyRequest, documentId: string, websocketSessionKey: string, limits: Limits) {
    this.#socket = socket
    this.#stream = (socket as WebSocket & { _socket: Duplex })._socket
    this.#limits = limits
    this.request = request
    this.documentId = documentId
    this.websocketSessionKey = websocketSessionKey
    this.known = knownOf(request)
    this.#isPublished = isPublishedClient(request)
    this.inbox = new Inbox(socket, limits, (err) => {
      this.log.error({ err }, 'secsync: a message could not be handled')
      this.close(closeCodes.internalError, 'internal error')
    })
    this.#outbox = new Outbox(socket, this.#stream, limits, (reason) => {
      this.log.warn({ reason }, 'secsync: a slow reader is disconnected')
      this.close(closeCodes.tryAgainLater, reason)
    })
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#onMessage(data, isBinary))
    socket.on('pong', () => { this.#isAlive = true })
    socket.on('close', () => { void this.#finish() })
    // @fastify/websocket would terminate the socket on an error, so that its peer would not see the close code of `ws`.
    socket.removeAllListeners('error')
    socket.on('error', (err) => this.log.info({ err }, 'secsync: a connection broke the WebSocket protocol'))
  }

  /** For logs and traces. Unique among all nodes. */
  get id (): string {
    this.#id ??= randomUUID()
    return this.#id
  }

  /** Made when there is something to say: most connections never have. */
  get log (): FastifyBaseLogger {
    this.#log ??= this.request.log.child({ documentId: this.documentId, connectionId: this.id })
    return this.#log
  }

  get closed (): boolean {
    return this.#state.name === 'closed'
  }

  // Receiving

  #onMessage (data: Buffer, isBinary: boolean): void {
    this.#isAlive = true
    if (this.#state.name !== 'open') return
    this.#outbox.queued()
    this.inbox.add({ data, isBinary, receivedAt: performance.now() })
  }

  /** Messages are handled from now on, those that came before first. */
  open (receive: Receive): void {
    this.inbox.open(receive)
  }

  get authors (): ReadonlySet<string> {
    return new Set(this.#streams.keys())
  }

  streamOf (author: string): UpdateStream {
    let stream = this.#streams.get(author)
    if (stream === undefined) {
      const { snapshotId, clocks } = this.#joinedAt
      stream = new UpdateStream(this.#isPublished, { snapshotId, clock: clocks[author] ?? -1 })
      this.#streams.set(author, stream)
    }
    return stream
  }

  /** Notes the author of a message. Returns false when there are too many. */
  addAuthor (author: string): boolean {
    if (this.#streams.has(author)) return true
    if (this.#streams.size >= maxAuthors) return false
    this.streamOf(author)
    return true
  }

  // Sending

  send (frame: Buffer): void {
    this.#outbox.send(frame)
  }

  sendDocument (frame: Buffer, { snapshot, cursor }: LoadedDocument): void {
    this.#joinedAt = cursor
    this.#outbox.sendDocument(frame, snapshot !== undefined && this.#isPublished)
  }

  relay (frame: Buffer, isEphemeral = false): void {
    this.#outbox.relay(frame, isEphemeral)
  }

  /** Number of bytes that were not sent yet. */
  get unsent (): number {
    return this.#outbox.unsent
  }

  hold (): void {
    this.#outbox.hold()
  }

  get heldFrames (): number {
    return this.#outbox.heldFrames
  }

  release (count: number): boolean {
    return this.#outbox.release(count)
  }

  // Ending

  /** Calls `onEnd` once, when nothing is sent or received any more. */
  whenEnded (onEnd: () => void): void {
    if (this.#state.name === 'closed') onEnd()
    else this.#state.onEnd = onEnd
  }

  /**
   * Serves the connection for `delay` milliseconds more. Then it takes nothing more in, and closes with 1001 when everything that was received
   * is answered or `drainTimeout` is over. Resolves when the socket has closed.
   */
  async shutDown (delay: number): Promise<void> {
    // Not `once` of node:events, which would reject on an error of the socket.
    const closed = new Promise<void>((resolve) => { this.#socket.once('close', resolve) })
    if (!this.closed) await resolvesWithin(delay, closed)
    if (this.#state.name === 'open') this.#state = { ...this.#state, name: 'draining' }
    if (!this.closed) await this.inbox.untilEmpty(this.#limits.drainTimeout)
    this.close(closeCodes.goingAway, 'the server is shutting down')
    if (!await resolvesWithin(closeTimeout, closed)) this.terminate()
    await closed
  }

  /** Sends a last message, if any, and closes. Nothing is sent or received any more. */
  close (code: number, reason: string, lastMessage?: string): void {
    if (this.closed) return
    if (lastMessage !== undefined) this.send(textFrame(lastMessage))
    this.#end()
    this.#socket.close(code, reason)
  }

  /** Closes in three seconds, unless `keepOpen` is called before. */
  closeSoon (code: number, reason: string): void {
    if (!this.#staysOpen) this.#closeTimer ??= setTimeout(() => this.close(code, reason), closeDelay)
  }

  /** `closeSoon` does nothing any more. */
  keepOpen (): void {
    this.#staysOpen = true
    clearTimeout(this.#closeTimer)
  }

  /** The peer has left. What it said before counts: a page that ends sends its last changes, and that its person is gone. */
  async #finish (): Promise<void> {
    if (this.#state.name === 'open') this.#state = { ...this.#state, name: 'draining' }
    if (this.inbox.isOpen && !this.inbox.isEmpty) await this.inbox.untilEmpty(this.#limits.drainTimeout)
    this.#end()
  }

  #end (): void {
    if (this.#state.name === 'closed') return
    clearTimeout(this.#closeTimer)
    const { onEnd } = this.#state
    this.#state = { name: 'closed' }
    this.inbox.close()
    this.#outbox.close()
    onEnd()
  }

  terminate (): void {
    this.#socket.terminate()
  }

  /** From now on a heartbeat is sent to the client, too. A page sees no pings, so that it could not tell a dead line from a quiet one. */
  announceHeartbeat (): void {
    this.#heartbeat = textFrame(heartbeat(this.#limits.heartbeatInterval))
    this.send(this.#heartbeat)
  }

  /** Terminates a peer that has sent nothing since the last call, not even a pong: a cut line sends no FIN. */
  heartbeat (): void {
    if (this.#heartbeat !== undefined) this.send(this.#heartbeat)
    // What it sends is not read, so its pong is not either.
    if (this.inbox.isPaused) return
    // The pong comes behind what the peer is still reading, which takes long for a big document on a slow line.
    const unsent = (this.#stream as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize ?? 0
    if (unsent > 0 && unsent !== this.#unsent) this.#isAlive = true
    this.#unsent = unsent
    if (!this.#isAlive) return this.terminate()
    this.#isAlive = false
    this.#socket.ping()
  }
}

/** Whether a promise resolves within `ms` milliseconds. */
async function resolvesWithin (ms: number, promise: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<false>((resolve) => { timer = setTimeout(resolve, ms, false) })
  const resolved = await Promise.race([promise.then(() => true), timeout])
  clearTimeout(timer)
  return resolved
}
