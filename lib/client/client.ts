import type { DocumentHistory } from './history.ts'
import type { DocumentState } from './state.ts'
import type { Presence } from './presence.ts'

/**
 * One open document. It connects, loads, sends and receives by itself, and never loses a change that the CRDT reported while it was open.
 *
 * ```ts
 * const document = openDocument({ url, documentId, sessionKey, crdt: yjs(yDoc), getKey: () => key, isValidClient: () => true })
 * const state = useSyncExternalStore(document.subscribe, document.getState)
 * ```
 */
export interface SecsyncDocument {
  readonly documentId: string
  /** Of `signatureKeyPair`, in base64. */
  readonly publicKey: string
  readonly presence: Presence
  /** The snapshots of the document: list, open, restore. */
  readonly history: DocumentHistory
  /** Bound. The same object as long as nothing has changed. */
  readonly getState: () => DocumentState
  /** Bound. Calls the listener after every change of the state, and returns a function that ends the subscription. */
  readonly subscribe: (listener: () => void) => () => void
  /** Resolves when the document is there: kept on this device, or loaded from the server. Rejects after `destroy()`. */
  whenLoaded (): Promise<void>
  /** Resolves when all that was written before the call is durable at the server. Rejects after `destroy()`. */
  whenSaved (): Promise<void>
  /**
   * Sends a snapshot as soon as possible, for instance to rotate the key: `getNewSnapshotData` gives the new one. Resolves when it is the active one, or when
   * another client's with the whole state is. Rejects after `destroy()`.
   */
  createSnapshot (): Promise<void>
  /** Tries at once: asks for the session key and for missing keys again. */
  retry (): void
  /**
   * Ends errors with `mustTrust`: forgets what was verified of the document's history, loads what the server has now, and sends all
   * that the server has not. Nothing in the CRDT is lost.
   */
  trustServer (): void
  /** Closes the connection and ends all timers. Unsaved changes stay on the device, for the next time. Resolves when they are there. */
  destroy (): Promise<void>
}
