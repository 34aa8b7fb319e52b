import type { SnapshotInfo } from './options.ts'
import type { ClientError } from './errors.ts'

/**
 * Where the connection is. `nextTryAt` is the time (milliseconds, as `Date.now()`) of the next try by itself; `retry()` tries at once, and so
 * do `online` events and a page that becomes visible.
 */
export type ConnectionState =
  /** Has asked for the session key, or opens the connection, or loads what it is missing. */
  | { status: 'connecting' }
  /** Has all that the server has, and sends and receives. */
  | { status: 'live' }
  /** No network, or no server there. Everything can be written; it is kept. */
  | { status: 'offline', nextTryAt: number }
  /**
   * The server says no: the session has ended (`unauthenticated`), no access (`unauthorized`), no such document (`notFound`). Tried
   * again with a new session key.
   */
  | { status: 'noAccess', reason: 'unauthenticated' | 'unauthorized' | 'notFound', nextTryAt: number }
  /** `getKey` has no key for this snapshot yet. Asked again after `retry()`, and at `nextTryAt`. */
  | { status: 'noKey', snapshot: SnapshotInfo | undefined, nextTryAt: number }
  /** Something that is not as it must be. Nothing is sent and nothing of it was applied. Errors of `mustTrust` end with `trustServer()` only. */
  | { status: 'trouble', error: ClientError, nextTryAt: number | undefined }
  /** `destroy()` was called. */
  | { status: 'destroyed' }

/** Messages that were right by their signature, but were left out. They are counted once each. */
export interface Refused {
  /** Of authors whom `isValidClient` refused. */
  invalidClient: number
  /** That could not be decrypted or applied: their author has made them wrong. */
  broken: number
  /** The last of them. `publicKey` is empty if several authors had written what was applied together. */
  last?: { publicKey: string, reason: 'invalidClient' | 'broken' } | undefined
}

export interface DocumentState {
  readonly connection: ConnectionState
  /** What the CRDT has: nothing yet, what this device kept, or at least once all that the server had. */
  readonly loaded: 'no' | 'device' | 'server'
  /** The active snapshot. Its additional public data can name the key in use, so that a rotation that did not come to its end is noticed. */
  readonly snapshot: SnapshotInfo | undefined
  /** Number of local changes that the server does not durably have. */
  readonly pending: number
  /** `pending > 0` */
  readonly hasUnsavedChanges: boolean
  /**
   * Where pending changes are kept: on this device, or in memory only (`memory`: there is no storage; `failed`: the device refused the last
   * write, and is tried again).
   */
  readonly storage: 'device' | 'memory' | 'failed'
  /** Entries on this device whose key `getKey` does not give. They are kept. */
  readonly locked: number
  readonly refused: Refused
  /**
   * The server has no room for more of this document. What is written is kept here and tried again twice a minute. What others write still comes.
   * False again when the server has taken something.
   */
  readonly isFull: boolean
}
