import type { EphemeralMessage, Snapshot, Update } from '../protocol/messages.ts'
import type { KeyPair } from './crypto/keys.ts'
import type { Crdt } from './crdt.ts'
import type { ClientStorage } from './storage/storage.ts'

/** What `getKey` may look at to find the key of a snapshot and its updates. */
export interface SnapshotInfo {
  snapshotId: string
  parentSnapshotProof: string
  snapshotCiphertextHash: string
  /** What its author added to the public data. Signed, but of any shape: check it. */
  additionalPublicData?: Record<string, unknown> | undefined
}

export interface NewSnapshotData {
  /** 32 bytes. */
  key: Uint8Array
  /** Added to the public data of the snapshot, signed and in the clear, for instance the id of the key. The server needs a schema for it. */
  publicData?: Record<string, unknown> | undefined
  /** For the server alone. */
  additionalServerData?: unknown
}

type Awaitable<T> = T | Promise<T>

export interface DocumentOptions {
  /** `wss://example.org/documents`: where the plugin is registered, without the document's id. */
  url: string
  documentId: string
  /** The user's data: `yjs(yDoc)`, `automerge(handle)` or your own. */
  crdt: Crdt
  /**
   * Or a function, called before every connect: an ended session is renewed there. It rejects: `offline`, tried again. Without it, the URL has no
   * session key, and a cookie authenticates the handshake.
   */
  sessionKey?: string | (() => Awaitable<string>) | undefined
  /**
   * The key of a snapshot; `undefined` as long as it is not there: state `noKey`. Asked once per snapshot; again after it has turned out to be wrong.
   * Without a snapshot (a new document) it is the key of the first one, unless `getNewSnapshotData` gives it.
   */
  getKey: (snapshot: SnapshotInfo | undefined) => Awaitable<Uint8Array | undefined>
  /** Key and public data of a new snapshot. Default: the key of the active one. Another key than before is a rotation. */
  getNewSnapshotData?: (snapshot: { id: string }) => Awaitable<NewSnapshotData>
  /** Whether messages of this author count. What it refuses is left out and counted. It rejects: asked again later. */
  isValidClient: (publicKey: string, publicData: (Snapshot | Update | EphemeralMessage)['publicData']) => Awaitable<boolean>
  /**
   * Whether additional public data of others is what the application expects. Default: of snapshots all is taken if `getNewSnapshotData` is given, of
   * the others none is.
   */
  isValidPublicData?: (kind: 'snapshot' | 'update' | 'ephemeralMessage', additional: Record<string, unknown>) => boolean
  /** Who writes: an Ed25519 key pair as libsodium makes it. Default: a new one. */
  signatureKeyPair?: KeyPair
  /** Keeps the document and what is not saved yet on this device. Default: `memoryStorage()`, which forgets it with the page. */
  storage?: ClientStorage
  /** Milliseconds in which local changes are gathered into one update. Default: 10. */
  batchDelay?: number
  /** When a snapshot is due: so many updates of the active one … Default: 200. Each client adds up to as many again at random. */
  updatesPerSnapshot?: number
  /** … or so many bytes of updates, or as many as the snapshot itself has, whichever is more. Default: 256 kB. */
  bytesPerSnapshot?: number
  /** For Node.js 20: `WebSocket` of `ws`. Default: `globalThis.WebSocket`. */
  WebSocket?: WebSocketConstructor
  /** Every message as it goes over the line, for diagnosis. */
  onFrame?: (frame: { sent: boolean, text: string }) => void
  /** A message of the server of an unknown type. */
  onCustomMessage?: (message: Record<string, unknown>) => void
}

export type WebSocketConstructor = new (url: string) => WebSocketLike

/** The part of `WebSocket` that the client uses. */
export interface WebSocketLike {
  readonly readyState: number
  readonly bufferedAmount: number
  send (data: string): void
  close (code?: number, reason?: string): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
}

/** The session key now, as a part of a query. Rejects as the application's function does. */
export async function sessionOf ({ sessionKey }: DocumentOptions): Promise<{ sessionKey?: string }> {
  const key = typeof sessionKey === 'function' ? await sessionKey() : sessionKey
  return { ...key !== undefined && { sessionKey: key } }
}
