import type { FastifyRequest } from 'fastify'
import type { Known, LoadedDocument } from '../stores/store.ts'
import type { UpdateStream } from './update-stream.ts'

/** A connection, as the document sees it. `Connection` implements it; `document/` knows nothing else about WebSockets. */
export interface Client {
  readonly request: FastifyRequest
  readonly websocketSessionKey: string
  /** What the handshake said that the client has of the document. */
  readonly known: Known
  /** The authors whose messages were received here: one, for the published client. */
  readonly authors: ReadonlySet<string>
  /** Whether the connection is closed, or closing. */
  readonly closed: boolean
  /** Which updates of this author may be saved. */
  streamOf (author: string): UpdateStream

  /** Sends an answer at once. */
  send (frame: Buffer): void
  /** Sends the document. What is relayed later waits until the client has queued it. */
  sendDocument (frame: Buffer, document: LoadedDocument): void
  /** Sends in the order of the calls, behind what is held back. */
  relay (frame: Buffer, isEphemeral?: boolean): void
  close (code: number, reason: string, lastMessage?: string): void

  /** Holds back what is relayed from now on, until its access is known. */
  hold (): void
  /** How many frames are held back. */
  readonly heldFrames: number
  /** Sends the first `count` of them. Returns true when none are left; later frames are then not held back. */
  release (count: number): boolean
}
