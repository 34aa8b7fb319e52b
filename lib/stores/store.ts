import type { DocumentText } from '../protocol/answers.ts'
import type { SnapshotChange, UpdateChange } from '../protocol/changes.ts'
import type { UpdateClocks } from '../protocol/clocks.ts'
import type { Cursor } from '../protocol/cursor.ts'
import type { FastifyRequest } from 'fastify'

/** What somebody has of a document, and how much of it they want. */
export interface Known {
  mode: 'complete' | 'delta'
  knownSnapshotId?: string | undefined
  knownSnapshotUpdateClocks?: UpdateClocks | undefined
}

/** What is stored of a document. `kept` is all of it, the other two are what a reader loads. */
export interface StoredBytes {
  kept: number
  activeSnapshot: number
  activeUpdates: number
}

/** The part of a document that its reader is missing, and where the document stands with it. */
export interface LoadedDocument extends DocumentText {
  cursor: Cursor
  /** If the store counts. */
  bytes?: StoredBytes | undefined
  /** The cursor holds clocks that the store did not confirm: what the reader says to know may be a lie. */
  claimed?: boolean
  /** Of the message, once it has been built: one for all who are sent this. */
  frame?: Buffer
}

/**
 * What a room asks of a store. The store is where the order of a document is decided, so that several processes may write
 * to one document: each function is atomic, and `load` sees everything that was saved before it was called.
 */
export interface Store {
  /** Whether `saveUpdates` takes several updates at once. */
  readonly groupsUpdates: boolean
  /** Whether two connections that ask for the same at the same moment may get one answer: not when `request` matters. */
  readonly sharesLoads: boolean

  /** `undefined`: there is no such document. The four cases are those of the spec, "Which updates and proofs to send". */
  load (documentId: string, known: Known, request?: FastifyRequest): Promise<LoadedDocument | undefined>

  /**
   * Saves updates of one snapshot, all or none. Rejects when the snapshot is not the active one or a clock does not follow
   * on the last one of its author; with `SecsyncNewSnapshotRequiredError` when the author must send a snapshot first. Resolves
   * with the version of the document then, that of the last update, if the store counts: one for each change.
   */
  saveUpdates (documentId: string, updates: UpdateChange[], request?: FastifyRequest): Promise<number | undefined>

  /**
   * Makes a snapshot the active one. Rejects with `SecsyncSnapshotBasedOnOutdatedSnapshotError` when its parent is not, with
   * `SecsyncSnapshotMissesUpdatesError` when it was made without all updates of its parent, and when its proof is forged.
   * Resolves with the version of the document then.
   */
  saveSnapshot (documentId: string, snapshot: SnapshotChange, request?: FastifyRequest): Promise<number | undefined>
}
