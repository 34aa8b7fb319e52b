import type { SecsyncDocument } from './client.ts'
import { OpenDocument } from './document.ts'
import { platform } from './environment.ts'
import type { DocumentOptions } from './options.ts'

/**
 * Opens a document: connects, loads, and keeps it the same as everybody else's from now on, until `destroy()`.
 *
 * ```ts
 * const document = openDocument({
 *   url: 'wss://example.org/documents',
 *   documentId,
 *   sessionKey: () => getSessionKey(),
 *   crdt: yjs(yDoc),
 *   getKey: () => key,
 *   isValidClient: (publicKey) => members.has(publicKey)
 * })
 * ```
 */
export function openDocument (options: DocumentOptions): SecsyncDocument {
  return new OpenDocument(options, platform(options.WebSocket))
}

export { createKey, createKeyPair, keyPairFromSeed, type KeyPair } from './crypto/keys.ts'
export { ClientError, type ClientErrorCode } from './errors.ts'
export { memoryStorage } from './storage/memory.ts'
export type { SecsyncDocument } from './client.ts'
export type { Contents, Crdt } from './crdt.ts'
export type { DocumentHistory, HistoryPage, OpenedVersion } from './history.ts'
export type { HistoryEntry } from './history-source.ts'
export type { DocumentOptions, NewSnapshotData, SnapshotInfo, WebSocketConstructor, WebSocketLike } from './options.ts'
export type { Presence, PresenceEvent } from './presence.ts'
export type { ConnectionState, DocumentState, Refused } from './state.ts'
export type { ClientStorage, OutboxEntry, StorageWrite, StoredDocument, StoredState, StoredUpdate } from './storage/storage.ts'
