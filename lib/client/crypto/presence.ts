import type { EphemeralMessage } from '../../protocol/messages.ts'
import type { KeyPair } from './keys.ts'
import type { Work } from './work.ts'

/** The session of one connection in which ephemeral messages are exchanged: nobody can replay those of another. */
export declare class PresenceSession {
  constructor (options: { docId: string, author: KeyPair })
  /** Asks everybody for a proof of their session. Sent once after the document is loaded. */
  hello (key: Uint8Array): Work<EphemeralMessage>
  message (content: Uint8Array, key: Uint8Array): Work<EphemeralMessage>
  /**
   * Reads a verified message. `content` is for the application; `answer` is what to send next. `joined` says that the author's session
   * is new here: send the own presence again. Throws `SECSYNC_WRONG_KEY`, `SECSYNC_INVALID_MESSAGE`, `SECSYNC_REPLAYED_MESSAGE`.
   */
  receive (message: EphemeralMessage, key: Uint8Array): Work<{ content?: Uint8Array, answer?: EphemeralMessage, joined: boolean }>
}
