/**
 * A change that the server does not durably have, or a sealed update with such changes. All texts are ciphertexts: nothing is on the device
 * in the clear.
 */
export interface OutboxEntry {
  /** Unique on this device. Entries are read in the order of their ids. */
  id: string
  /**
   * `change`: local changes, encrypted for this device. `update`: a signed update exactly as it is sent, and sent again. It replaces
   * the entries of its changes in one transaction, before it is first sent.
   */
  kind: 'change' | 'update'
  text: string
  /** JSON: the snapshot whose key encrypts it. */
  snapshotInfo: string
}

/** An update that the server has, as it sent it. */
export interface StoredUpdate {
  author: string
  clock: number
  text: string
}

/** The part of the document that the server is known to have, as it sent it. */
export interface StoredState {
  snapshotId: string
  /** The active snapshot. */
  snapshot: string
  /** Its updates, of each author in the order of their clocks. */
  updates: StoredUpdate[]
}

/**
 * What changes: `put` and `delete` together, all or nothing, and `snapshot` and `updates` together. These may be left out when there is no room for them:
 * the server has them.
 */
export interface StorageWrite {
  put?: OutboxEntry[] | undefined
  /** Ids of entries; one that is not there is ignored. */
  delete?: string[] | undefined
  /**
   * A new active snapshot. It is taken, and the updates of the one before are deleted, only if the stored one is `replaces`
   * (`undefined`: there is none). Else it is ignored: another tab is ahead, or behind and will do it.
   */
  snapshot?: { replaces: string | undefined, snapshotId: string, text: string } | undefined
  /** Updates of a snapshot. Ignored if the stored one is another. The same (author, clock) twice is stored once. */
  updates?: { snapshotId: string, updates: StoredUpdate[] } | undefined
}

/**
 * What a device keeps of one document, opened by one session (a tab, a process). Sessions share the state; each has an outbox of its own.
 *
 * Every method rejects when the device fails: a full disk, a database that the browser has closed. The client then says so in its state
 * (`storage: 'failed'`), goes on in memory and tries `write` again with all that it holds. A storage reopens what was closed
 * under it before it rejects. It has no time limit of its own; the client has.
 */
export interface StoredDocument {
  readState (): Promise<StoredState | undefined>

  /**
   * Takes over the outboxes of sessions that have ended, and returns their entries. They belong to this session from now on. Called on opening,
   * on every connect and once a minute. A session that still runs must not lose its entries to another (in browsers: Web
   * Locks); if it happens all the same, changes are sent twice and applied once.
   */
  adopt (): Promise<OutboxEntry[]>

  /** Resolves when it is durable. Writes are called one after the other. */
  write (write: StorageWrite): Promise<void>

  /**
   * The page may be about to end: keeps entries that `write` has been or will be called with, until that has come to its end. For storages
   * that take something only later than the call. Never throws.
   */
  rescue? (entries: OutboxEntry[]): void

  /** Ends the session. Its outbox stays, for another to adopt. */
  close (): Promise<void>

  /** Deletes all that the device keeps of the document, of all sessions. */
  remove (): Promise<void>
}

/**
 * Keeps documents on a device: `memoryStorage()`, `indexedDbStorage()`, or your own. `fastify-secsync/testing/client-storage` has the suite that
 * each must pass.
 */
export interface ClientStorage {
  /** Whether it outlives the page. */
  readonly isPersistent: boolean
  /** `onLeft`: to be called when a session that still ran at the last `adopt` has left something behind. A storage that does not know it never calls it. */
  open (documentId: string, onLeft?: () => void): Promise<StoredDocument>
}
