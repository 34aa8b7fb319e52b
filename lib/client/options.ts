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

// docs/client.md has tables that are generated from these comments: `npm run docs`.

export interface NewSnapshotData {
  /** 32 bytes. @type Uint8Array */
  key: Uint8Array
  /** Added to the public data of the snapshot, signed and in the clear, for instance the id of the key. The server needs a schema for it. @type object */
  publicData?: Record<string, unknown> | undefined
  /** For the server alone. It is neither stored nor relayed. @type any */
  additionalServerData?: unknown
}

type Awaitable<T> = T | Promise<T>

export interface DocumentOptions {
  /** `wss://example.org/documents`: where the plugin is registered, without the id of the document. @type string */
  url: string
  /** The id of the document. It may contain any characters: the client encodes it. @type string */
  documentId: string
  /** The data of the user: `yjs(yDoc)`, `automerge(handle)` or your own. @type `Crdt` @see docs/client.md#your-own-crdt */
  crdt: Crdt
  /**
   * The session key, or a function that returns it. The function is called before every connection, and once more when the key was refused. If it
   * rejects, the state is `offline`, and the client tries again. @type string, or async function @default none: a cookie authenticates the handshake
   */
  sessionKey?: string | (() => Awaitable<string>) | undefined
  /**
   * Returns the key of a snapshot: 32 bytes. `undefined`: the key is not there yet, and the state is `noKey`. The client asks once per snapshot, and
   * again if the key is wrong. In a new document there is no snapshot. The function then returns the key of the first one. @type async function
   */
  getKey: (snapshot: SnapshotInfo | undefined) => Awaitable<Uint8Array | undefined>
  /**
   * Returns whether messages of this author count. Refused messages are left out and counted in `state.refused`. If the function rejects, the client
   * asks again later. @type async function
   */
  isValidClient: (publicKey: string, publicData: (Snapshot | Update | EphemeralMessage)['publicData']) => Awaitable<boolean>
  /**
   * Returns `{ key, publicData, additionalServerData }` for a new snapshot. A new key is a rotation. @type async function
   * @default the key of the active snapshot @see docs/client.md#keys
   */
  getNewSnapshotData?: (snapshot: { id: string }) => Awaitable<NewSnapshotData>
  /**
   * Returns whether additional public data of others is accepted. @type function
   * @default that of snapshots is accepted if `getNewSnapshotData` is given, everything else is refused
   */
  isValidPublicData?: (kind: 'snapshot' | 'update' | 'ephemeralMessage', additional: Record<string, unknown>) => boolean
  /** The author: an Ed25519 key pair as libsodium makes it. Pass the same pair again if an identity outlives the page. @type key pair @default a new one */
  signatureKeyPair?: KeyPair
  /** Keeps the document and unsaved changes on this device. @type `ClientStorage` @default none @see docs/client.md#storage */
  storage?: ClientStorage
  /** Local changes within this time become one update. @type integer @unit ms @default 10 */
  batchDelay?: number
  /** Number of updates on the active snapshot after which a snapshot is due. Each client adds up to as many again at random. @type integer @default 200 */
  updatesPerSnapshot?: number
  /**
   * Size of these updates after which a snapshot is due, or the size of the snapshot if that is larger. Each client adds up to as much again at
   * random. @type integer @unit bytes @default 256 KiB
   */
  bytesPerSnapshot?: number
  /** For Node.js 20: `WebSocket` of the package `ws`. @type class @default `globalThis.WebSocket` */
  WebSocket?: WebSocketConstructor
  /** Called with each message that is sent or received: `{ sent, text }`. For diagnosis. @type function */
  onFrame?: (frame: { sent: boolean, text: string }) => void
  /** Called with each message of the server that has an unknown type. @type function */
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
