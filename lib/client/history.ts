import { noParent } from '../protocol/chain.ts'
import type { Snapshot } from '../protocol/messages.ts'
import { parentSnapshotProof } from './crypto/proof.ts'
import type { Crdt } from './crdt.ts'
import { ClientError } from './errors.ts'
import type { HistoryAnswer, HistoryEntry, HistorySource } from './history-source.ts'
import { KeyMissing } from './keys.ts'
import type { SnapshotInfo } from './options.ts'
import type { Reader } from './reader.ts'

export interface HistoryPage {
  /** The newest first. */
  snapshots: HistoryEntry[]
  /** For the next page. Absent on the last one. */
  before?: number
}

/** A snapshot that was verified and decrypted. */
export interface OpenedVersion {
  snapshotId: string
  /** The author. Its signature was verified, and `isValidClient` accepts it. */
  publicKey: string
  additionalPublicData?: Record<string, unknown> | undefined
  /** What `encodeSnapshot` of a client gave: `yDocOf(version)` and `automergeDocOf(version)` read it. */
  content: Uint8Array
}

/**
 * The snapshots of a document, each a version of it. The server needs the option `history`. All functions wait until the document is loaded, and reject with a
 * `ClientError`: docs/client.md has its codes.
 */
export interface DocumentHistory {
  /**
   * A page of snapshots, the newest first. It is verified that all of them, and no others, lead to the snapshot that this client has: the server can hide
   * none, and add none. Default of `limit`: 100.
   */
  list (query?: { limit?: number, before?: number | undefined }): Promise<HistoryPage>
  /** Loads a snapshot, verifies that it is in the history and by its author, and decrypts it with the key that `getKey` gives for it. */
  open (snapshotId: string): Promise<OpenedVersion>
  /**
   * Makes the document as it was, by a change like any other: nothing is taken out of the history, and what others write at the same time stays. The state
   * before it is made a version, and so is the restored one. Resolves when the server has both. Needs `restore` of the CRDT.
   */
  restore (snapshotId: string): Promise<void>
}

interface HistorySettings {
  source: HistorySource
  crdt: Crdt
  /** With keys of its own: those of old snapshots do not push out the one in use. */
  reader: Reader
  whenLoaded: () => Promise<void>
  active: () => SnapshotInfo | undefined
  /** Whether there is something that is not in the active snapshot. */
  isChanged: () => boolean
  createSnapshot: () => Promise<void>
}

/** Entries that one request asks for. */
const pageSize = 100

/** The part of the history that was loaded: from the newest snapshot on, without a gap. */
interface Chain {
  entries: HistoryEntry[]
  /** What this client knew when the first page was asked for. */
  anchor: SnapshotInfo
  hasAnchor: boolean
  before: number | undefined
}

/** The history that the server tells, checked against the snapshot that this client has verified. */
export class VerifiedHistory implements DocumentHistory {
  readonly #settings: HistorySettings
  #chain: Chain | undefined

  constructor (settings: HistorySettings) {
    this.#settings = settings
  }

  readonly list = async ({ limit = pageSize, before }: { limit?: number, before?: number | undefined } = {}): Promise<HistoryPage> => {
    const chain = before === undefined || this.#chain === undefined ? await this.#start() : this.#chain
    if (chain === undefined) return { snapshots: [] }
    const wanted = () => chain.entries.filter(({ version }) => before === undefined || version < before)
    while (wanted().length <= limit && chain.before !== undefined) await this.#extend(chain)
    const snapshots = wanted().slice(0, limit)
    const last = snapshots.at(-1)
    return { snapshots, ...wanted().length > limit && last && { before: last.version } }
  }

  readonly open = async (snapshotId: string): Promise<OpenedVersion> => {
    const entry = await this.#find(snapshotId)
    const value = entry?.isKept === true ? await this.#settings.source.snapshot(snapshotId) : undefined
    if (entry === undefined || value === undefined) {
      throw new ClientError('SECSYNC_SNAPSHOT_NOT_FOUND', entry === undefined ? `The history has no snapshot ${snapshotId}` : `The server no longer has the snapshot ${snapshotId}`)
    }
    const { reader } = this.#settings
    const read = await reader.snapshot(value)
    if (!isSame(read.info, entry)) throw new ClientError('SECSYNC_INVALID_HISTORY', `The server has sent another snapshot for ${snapshotId}`)
    try {
      return versionOf(read.message, read.info, await reader.content(read))
    } catch (error) {
      if (error instanceof KeyMissing) throw new ClientError('SECSYNC_NO_KEY', `getKey has no key for the snapshot ${snapshotId}`, { cause: error })
      throw error
    }
  }

  readonly restore = async (snapshotId: string): Promise<void> => {
    const { createSnapshot, crdt, isChanged } = this.#settings
    if (crdt.restore === undefined) throw new ClientError('SECSYNC_RESTORE_UNSUPPORTED', 'The CRDT has no function restore')
    const { content } = await this.open(snapshotId)
    if (isChanged()) await createSnapshot()
    try {
      crdt.restore(content)
    } catch (cause) {
      throw new ClientError('SECSYNC_INVALID_CONTENT', `The content of the snapshot ${snapshotId} cannot be restored`, { cause })
    }
    await createSnapshot()
  }

  async #find (snapshotId: string): Promise<HistoryEntry | undefined> {
    const find = (chain: Chain) => chain.entries.find((entry) => entry.snapshotId === snapshotId)
    // What was loaded may be from before the snapshot.
    for (const chain of [this.#chain, undefined]) {
      const searched = chain ?? await this.#start()
      if (searched === undefined) return undefined
      while (find(searched) === undefined && searched.before !== undefined) await this.#extend(searched)
      const entry = find(searched)
      if (entry !== undefined) return entry
    }
    return undefined
  }

  /** `undefined`: the document has no snapshot yet. */
  async #start (): Promise<Chain | undefined> {
    const { active, whenLoaded } = this.#settings
    await whenLoaded()
    const anchor = active()
    if (anchor === undefined) return undefined
    const chain: Chain = { entries: [], anchor, hasAnchor: false, before: undefined }
    await this.#extend(chain)
    // Before it, nothing is proven.
    while (!chain.hasAnchor && chain.before !== undefined) await this.#extend(chain)
    if (!chain.hasAnchor) throw new ClientError('SECSYNC_INVALID_HISTORY', `The history of the server does not have the snapshot ${anchor.snapshotId}`)
    this.#chain = chain
    return chain
  }

  async #extend (chain: Chain): Promise<void> {
    const answer = await this.#settings.source.page(pageSize, chain.before)
    if (answer === undefined) throw new ClientError('SECSYNC_SNAPSHOT_NOT_FOUND', 'The server has no such document')
    const before = nextOf(answer, chain.before)
    for (const entry of answer.entries) this.#append(chain, entry)
    chain.before = before
    const last = chain.entries.at(-1)
    if (before === undefined && last !== undefined && last.parentSnapshotProof !== initialProof) {
      throw new ClientError('SECSYNC_INVALID_HISTORY', `The server has left out what was before the snapshot ${last.snapshotId}`)
    }
  }

  #append (chain: Chain, entry: HistoryEntry): void {
    const child = chain.entries.at(-1)
    if (child !== undefined && child.parentSnapshotProof !== parentSnapshotProof(entry)) {
      throw new ClientError('SECSYNC_INVALID_HISTORY', `The snapshot ${entry.snapshotId} is not the parent of ${child.snapshotId}`)
    }
    if (entry.snapshotId === chain.anchor.snapshotId) {
      if (!isSame(entry, chain.anchor)) throw new ClientError('SECSYNC_INVALID_HISTORY', `There are two snapshots with the id ${entry.snapshotId}`)
      chain.hasAnchor = true
    }
    chain.entries.push(entry)
  }
}

/** The first snapshot of a document has this proof. */
const initialProof = parentSnapshotProof(noParent)

/** A server that goes on without an end, or in circles, is not followed. */
function nextOf ({ entries, before }: HistoryAnswer, asked: number | undefined): number | undefined {
  if (before !== undefined && (entries.length === 0 || before >= (asked ?? Infinity))) {
    throw new ClientError('SECSYNC_INVALID_MESSAGE', 'The server has sent a history that makes no sense')
  }
  return before
}

function isSame (a: SnapshotInfo, b: SnapshotInfo): boolean {
  return a.snapshotId === b.snapshotId && a.parentSnapshotProof === b.parentSnapshotProof && a.snapshotCiphertextHash === b.snapshotCiphertextHash
}

function versionOf ({ publicData: { pubKey } }: Snapshot, { snapshotId, additionalPublicData }: SnapshotInfo, content: Uint8Array): OpenedVersion {
  return { snapshotId, publicKey: pubKey, additionalPublicData, content }
}
