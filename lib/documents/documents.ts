import type { Snapshot } from '../protocol/messages.ts'
import type { PruneOptions } from '../stores/prune.ts'
import type {
  DeleteOptions, DocumentInfo, DocumentPage, HistoryPage, HistoryQuery, ListQuery, Pruned, Receipt, Retention, Usage, UsageQuery
} from './schemas.ts'

/**
 * `fastify.secsync.documents`: the stored documents, without their keys. All functions reject with `FST_SECSYNC_DOCUMENTS_QUERY_INVALID` for invalid
 * arguments, with `FST_SECSYNC_DATABASE_FAILED` when the database fails, and with `FST_SECSYNC_DOCUMENTS_UNSUPPORTED` when a store of your own lacks
 * the callback. They check no access: that is for the caller.
 */
export interface Documents {
  /** A page of documents, by id or by last change. Deleted documents are not in it. */
  list (query?: ListQuery): Promise<DocumentPage>
  /** What is known of a document, with its usage. `undefined` if it was never written, or deleted. */
  get (documentId: string): Promise<DocumentInfo | undefined>
  exists (documentId: string): Promise<boolean>
  /** Sums over all documents, or over those whose id begins with `prefix`. Reads one row for each of them: about a second for a million. */
  usage (query?: UsageQuery): Promise<Usage>
  /** The snapshots of a document, the newest first. Each is a version that can be read and restored. `undefined` if there is no such document. */
  history (documentId: string, query?: HistoryQuery): Promise<HistoryPage | undefined>
  /** A snapshot as its author has sent it, encrypted and signed. `undefined` if there is none, or if its data was removed. */
  snapshot (documentId: string, snapshotId: string): Promise<Snapshot | undefined>
  /**
   * Deletes a document for everybody, at once: its connections on all nodes get `document-not-found` and are closed with 4404, and nobody can open or
   * write a document with its id again. Its data is removed in the background, after `restorableFor` milliseconds (default 0).
   * `undefined` if there is no such document.
   */
  delete (documentId: string, options?: DeleteOptions): Promise<Receipt | undefined>
  /** What was deleted, and whether its data is gone. `undefined` if there was no such document, or if it was not deleted. */
  receipt (documentId: string): Promise<Receipt | undefined>
  /** Brings a deleted document back, as it was. False if it was not deleted, or if the time to restore it is over. */
  restore (documentId: string): Promise<boolean>
  /**
   * Removes the data of all documents that can no longer be restored, in small batches, and resolves when it is gone. A server does this by itself.
   * Returns the number of documents. With a `signal` it can be stopped, and run again.
   */
  purge (options?: { signal?: AbortSignal | undefined }): Promise<number>
  /**
   * Removes the text of old snapshots and replaced updates of all documents, in small batches, and resolves with what was removed. The proofs of all
   * snapshots stay. A server with the option `retention` does this by itself. With a `signal` it can be stopped, and run again.
   */
  prune (retention: Retention, options?: Omit<PruneOptions, 'onPruned'>): Promise<Pruned>
  /**
   * Counts all documents that version 0.1 has written, one after the other, and returns how many. After an upgrade, run it once when the last node
   * of version 0.1 has ended. `get` counts a document by itself. With a `signal` it can be stopped, and run again.
   */
  recount (options?: { signal?: AbortSignal | undefined }): Promise<number>
}

/** The same functions for a store of your own, as the option `documentCallbacks`. Those that are missing reject with their name. */
export type DocumentsCallbacks = { [Name in keyof Documents]?: Documents[Name] | undefined }
