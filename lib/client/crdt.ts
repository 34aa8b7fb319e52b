import type { Presence } from './presence.ts'

/** Decrypted contents of a document, in the order of the server. */
export interface Contents {
  /** What `encodeSnapshot` of some client gave. */
  snapshot?: Uint8Array | undefined
  /** Changes that `subscribe`, `mergeChanges` or `changesSince` of some client gave. */
  changes: Uint8Array[]
}

/**
 * What the client needs of a CRDT: all that it knows about documents and changes. `fastify-secsync/client/yjs` and `/automerge` are two.
 *
 * The client relies on three properties of CRDTs: applying the same change twice is the same as once, the order in which concurrent
 * changes are applied does not matter, and a change that comes before the one it depends on is kept until that one is there.
 */
export interface Crdt {
  /** The whole state as the content of a snapshot: all that was reported to the listener and all that was applied. Called rarely; may be slow. */
  encodeSnapshot (): Uint8Array

  /**
   * Merges what others wrote into the document, in one transaction, so that observers run once. It is not reported as a local change.
   * A load of 10,000 updates is one call. Throws when a content is not of this CRDT; the client then tries the changes one by one, so
   * that whatever was applied before is applied again.
   */
  apply (contents: Contents): void

  /**
   * Reports every local change from now on, synchronously: a call of `encodeSnapshot` from the listener contains it. Returns a
   * function that ends the subscription.
   */
  subscribe (listener: (change: Uint8Array) => void): () => void

  /**
   * What the document has and these contents have not, empty when they have it all. With no contents: the whole state. The client calls it when a
   * document that is not empty is opened, and after `trustServer()`.
   */
  changesSince (contents: Contents): Uint8Array[]

  /** The same changes in fewer pieces. Many small changes become one update. Without this method they are kept as they are. */
  mergeChanges? (changes: Uint8Array[]): Uint8Array[]

  /**
   * The content of an update. Default: a JSON array of changes in base64, as `serializeUint8ArrayUpdates` of the published client
   * makes it, so that both clients read each other.
   */
  encodeChanges? (changes: Uint8Array[]): Uint8Array

  /** The changes in the content of an update. Default: the inverse of the default of `encodeChanges`. Throws when it is something else. */
  decodeChanges? (content: Uint8Array): Uint8Array[]

  /**
   * Makes the document as it was when `encodeSnapshot` of some client gave this content, by local changes, which are reported to the listener. What was
   * written since then is undone, not forgotten. Without this method, `history.restore` rejects.
   */
  restore? (content: Uint8Array): void

  /** Connects cursors and the like (`Awareness` of Yjs) with those of others. Called once, on opening. Returns a function that ends it. */
  connectPresence? (presence: Presence): () => void
}
