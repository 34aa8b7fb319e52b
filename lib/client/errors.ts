/** Why a document is in `trouble`, or a function of its history has failed. What the client does about it, and what an application can do: docs/client.md. */
export type ClientErrorCode =
  /** The server sent `document-error`, or answered the handshake with 5xx. */
  | 'SECSYNC_SERVER_ERROR'
  /** The server does not speak the protocol: no JSON, or a message of the wrong shape. */
  | 'SECSYNC_INVALID_MESSAGE'
  /** A signature does not belong to its message: somebody on the way changed or made it. */
  | 'SECSYNC_INVALID_SIGNATURE'
  /** A message of another document. */
  | 'SECSYNC_WRONG_DOCUMENT'
  /** The key does not open the snapshot. */
  | 'SECSYNC_WRONG_KEY'
  /** The active snapshot is by an author whom `isValidClient` refuses. */
  | 'SECSYNC_INVALID_CLIENT'
  /** The server left out an update, and did so again after a reconnect. */
  | 'SECSYNC_MISSING_UPDATE'
  /** The snapshot does not descend from the one that this client knows: the history was forked, replaced or cut off. `mustTrust`. */
  | 'SECSYNC_INVALID_HISTORY'
  /** The server has less than it had acknowledged or sent before: a restored backup, or updates that are withheld. `mustTrust`. */
  | 'SECSYNC_HISTORY_LOST'
  /** The server refuses what this client sends, again and again. */
  | 'SECSYNC_REFUSED'
  /** A function of the application threw: `cause` has what. */
  | 'SECSYNC_CALLBACK_FAILED'
  /** The content of the snapshot could not be applied: `cause` has why. */
  | 'SECSYNC_INVALID_CONTENT'
  /** Of `document.history` only. The history cannot be loaded now, or the server has no routes for it. */
  | 'SECSYNC_HISTORY_UNAVAILABLE'
  /** Of `document.history` only. The server does not give the history to this session. */
  | 'SECSYNC_NO_ACCESS'
  /** Of `document.history` only. There is no such snapshot, or its data was removed. */
  | 'SECSYNC_SNAPSHOT_NOT_FOUND'
  /** Of `document.history` only. `getKey` has no key for this snapshot. */
  | 'SECSYNC_NO_KEY'
  /** Of `document.history` only. The CRDT has no function `restore`. */
  | 'SECSYNC_RESTORE_UNSUPPORTED'

export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ClientErrorCode

  constructor (code: ClientErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  /** Only `trustServer()` ends it: an application asks its user before it believes another history than the one that was verified. */
  get mustTrust (): boolean {
    return this.code === 'SECSYNC_INVALID_HISTORY' || this.code === 'SECSYNC_HISTORY_LOST'
  }
}
