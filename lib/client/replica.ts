import type { Snapshot, Update } from '../protocol/messages.ts'
import { advance, checkComplete, historyFrom, lastClock, placeSnapshot, placeUpdate, type History } from './core/history.ts'
import type { Outbox } from './core/outbox.ts'
import type { SnapshotPolicy } from './core/snapshot-policy.ts'
import type { Contents, Crdt } from './crdt.ts'
import { ClientError } from './errors.ts'
import type { Journal } from './journal.ts'
import type { SnapshotInfo } from './options.ts'
import type { Reader, ReadSnapshot, ReadUpdates } from './reader.ts'
import type { Refused } from './state.ts'
import type { StoredState } from './storage/storage.ts'
import type { Parts } from './wire.ts'

interface ReplicaSettings {
  crdt: Crdt
  journal: Journal
  outbox: Outbox
  policy: SnapshotPolicy
  publicKey: string
  reader: Reader
  onRefused: () => void
  /** Another snapshot is active. */
  onSnapshot: (snapshotId: string) => void
  /** Pending changes were replaced by others that stand for them. */
  onReplaced: () => void
}

/** A snapshot of this client that was sent, and is neither active nor refused yet. */
export interface SnapshotInFlight {
  message: Snapshot
  info: SnapshotInfo
}

/** The document on this device, and what is verified of the server's: everything that comes from there goes through here, in its order. */
export class Replica {
  readonly #settings: ReplicaSettings
  #history: History | undefined
  /** Acknowledged, behind one that is not. */
  #acknowledged: Update[] = []
  /** What the next load has to be compared with: content that was there before, or all that this client has. */
  #reconciles: 'nothing' | 'content' | 'all' = 'nothing'
  snapshotInFlight: SnapshotInFlight | undefined
  refused: Refused = { invalidClient: 0, broken: 0 }
  loaded: 'no' | 'device' | 'server' = 'no'

  constructor (settings: ReplicaSettings) {
    this.#settings = settings
  }

  get history (): History | undefined {
    return this.#history
  }

  /** The document had content when it was opened: what of it the server has not counts as local changes. */
  holdsContent (changes: readonly Uint8Array[]): void {
    if (changes.length > 0) this.#reconciles = 'content'
    for (const change of changes) this.#settings.outbox.gather(change)
  }

  /** What the device has kept. Throws `KeyMissing`, and errors after which it is of no use. */
  async restore ({ snapshot, updates }: StoredState): Promise<void> {
    const { reader } = this.#settings
    const read = await reader.snapshot(JSON.parse(snapshot), true)
    const content = await reader.content(read)
    const history = historyFrom(read.info)
    const readUpdates = await reader.updates(updates.map(({ text }) => JSON.parse(text) as unknown), history, () => false, true)
    if (this.#history !== undefined) return
    this.#apply({ snapshot: content, changes: readUpdates.changes }, readUpdates)
    this.#history = history
    this.#settings.policy.snapshotTaken(read.message.ciphertext.length)
    this.#commitUpdates(readUpdates)
    this.#reconcile({ snapshot: content, changes: readUpdates.changes })
    this.loaded = 'device'
  }

  /** A `document`. `isComplete`: it has all updates of its snapshot. Throws if it is not what it must be; then nothing has changed. */
  async load ({ snapshot, snapshotProofChain, updates }: Parts, isComplete: boolean): Promise<void> {
    if (snapshot === undefined && this.#history === undefined && (updates?.length ?? 0) > 0) {
      throw new ClientError('SECSYNC_INVALID_MESSAGE', 'The server has sent updates without their snapshot')
    }
    // An empty list: nothing is missing. No list: there is nothing.
    if (snapshot === undefined && updates === undefined && this.#history !== undefined) {
      throw new ClientError('SECSYNC_HISTORY_LOST', 'The server no longer has the document')
    }
    const contents = await this.#take(snapshot, snapshotProofChain, updates ?? [], isComplete)
    this.#settings.outbox.releaseAllBut(this.#history?.active.snapshotId ?? '')
    this.#reconcile(contents)
    this.loaded = 'server'
  }

  /** What a refused snapshot was made without. */
  async missing ({ snapshot, snapshotProofChain, updates }: Parts): Promise<void> {
    this.snapshotInFlight = undefined
    this.#settings.policy.snapshotRefused()
    if (snapshot === undefined && this.#history === undefined) return
    await this.#take(snapshot, snapshotProofChain, updates ?? [], false)
  }

  async takeSnapshot (snapshot: unknown): Promise<void> {
    await this.#take(snapshot, [], [], false)
  }

  /** How many of them were new. */
  async takeUpdates (updates: readonly unknown[]): Promise<void> {
    if (this.#history !== undefined) await this.#take(undefined, [], updates, false)
  }

  async #take (snapshot: unknown, chain: Parts['snapshotProofChain'], updates: readonly unknown[], isComplete: boolean): Promise<Contents> {
    const { reader, outbox } = this.#settings
    let next: ReadSnapshot | undefined
    let content: Uint8Array | undefined
    let history = this.#history
    if (snapshot !== undefined) {
      const read = await reader.snapshot(snapshot)
      if (placeSnapshot(history, read.message, read.info, chain) === 'next') {
        content = await reader.content(read)
        next = read
        history = historyFrom(read.info)
      }
    }
    if (history === undefined) return { changes: [] }
    const read = await reader.updates(updates, history, (signature) => outbox.has(signature))
    if (isComplete && next === undefined) checkComplete(history, read.all)

    const contents = { snapshot: content, changes: read.changes }
    this.#apply(contents, read)
    if (next !== undefined) this.#commitSnapshot(next, history, chain.map(({ snapshotId }) => snapshotId))
    this.#commitUpdates(read)
    if (read.gap !== undefined) {
      const { pubKey, clock } = read.gap.publicData
      throw new ClientError('SECSYNC_MISSING_UPDATE', `The server has left out an update before update ${clock} of ${pubKey}`)
    }
    return contents
  }

  /** All at once. What cannot be applied is found and left out. */
  #apply ({ snapshot, changes }: Contents, { refusals, taken }: Pick<ReadUpdates, 'refusals' | 'taken'>): void {
    const { crdt } = this.#settings
    if (snapshot === undefined && changes.length === 0) return
    try {
      return crdt.apply({ snapshot, changes })
    } catch {}
    if (snapshot !== undefined) {
      try {
        crdt.apply({ snapshot, changes: [] })
      } catch (cause) {
        throw new ClientError('SECSYNC_INVALID_CONTENT', 'The content of the snapshot cannot be applied', { cause })
      }
    }
    // Of a change it is not known in whose update it was, unless all are of one author.
    const [author = '', ...others] = new Set(taken.map(({ publicData }) => publicData.pubKey))
    for (const change of changes) {
      try {
        crdt.apply({ changes: [change] })
      } catch {
        refusals.push({ publicKey: others.length === 0 ? author : '', reason: 'broken' })
      }
    }
  }

  #commitSnapshot ({ message, info }: ReadSnapshot | SnapshotInFlight, history: History, ancestors: readonly string[]): void {
    const { journal, outbox, policy, onSnapshot } = this.#settings
    this.#history = history
    this.#acknowledged = []
    this.snapshotInFlight = undefined
    outbox.moved({ active: message.publicData, snapshotIds: [...ancestors, info.snapshotId] })
    policy.snapshotTaken(message.ciphertext.length)
    journal.snapshotTaken(message)
    onSnapshot(info.snapshotId)
  }

  #commitUpdates ({ taken, refusals, all }: ReadUpdates): void {
    const { journal, outbox, onRefused } = this.#settings
    for (const update of taken) this.#advance(update)
    // One that is known already may still be sealed here, if its acknowledgement got lost.
    for (const update of all) {
      if (outbox.has(update.signature)) outbox.seen(update)
    }
    if (taken.length > 0) journal.updatesTaken(this.#history!.active.snapshotId, taken)
    journal.forget(outbox.takeSettled())
    for (const refusal of refusals) {
      this.refused = { ...this.refused, [refusal.reason]: this.refused[refusal.reason] + 1, last: refusal }
    }
    if (refusals.length > 0) onRefused()
  }

  #advance (update: Update): void {
    const { outbox, policy } = this.#settings
    advance(this.#history!.marks, update)
    outbox.seen(update)
    policy.updateTaken(update.ciphertext.length)
  }

  /** What the server has not is a local change. */
  #reconcile (contents: Contents): void {
    if (this.#reconciles === 'nothing') return
    const { crdt, journal, outbox, onReplaced } = this.#settings
    if (this.#reconciles === 'all') outbox.clearAll()
    else outbox.clear()
    this.#reconciles = 'nothing'
    for (const change of crdt.changesSince(contents)) outbox.gather(change)
    // Else the device forgets the old ones when it takes the new ones.
    if (outbox.gathered === 0) journal.forget(outbox.takeSettled())
    onReplaced()
  }

  /** `update-saved` */
  updateSaved (snapshotId: string, clock: number): void {
    const { journal, outbox } = this.#settings
    const saved = outbox.acknowledged(snapshotId, clock)
    if (saved === undefined || snapshotId !== this.#history?.active.snapshotId) return journal.forget(outbox.takeSettled())
    this.#acknowledged.push(saved)
    const taken: Update[] = []
    // Acknowledgements may come in another order than updates were saved.
    for (let next; (next = this.#acknowledged.find((update) => placeUpdate(this.#history!, update) === 'next')) !== undefined;) {
      this.#advance(next)
      taken.push(next)
    }
    this.#acknowledged = this.#acknowledged.filter((update) => placeUpdate(this.#history!, update) === 'gap')
    journal.updatesTaken(snapshotId, taken)
    journal.forget(outbox.takeSettled())
  }

  /** `snapshot-saved` */
  snapshotSaved (snapshotId: string): void {
    const { journal, outbox } = this.#settings
    const saved = this.snapshotInFlight
    if (saved === undefined || saved.info.snapshotId !== snapshotId) return
    this.#commitSnapshot(saved, historyFrom(saved.info), [])
    journal.forget(outbox.takeSettled())
  }

  /** The connection is new. A snapshot that was in flight is made anew, unless it turns out to be saved. */
  lineChanged (): void {
    this.snapshotInFlight = undefined
    this.#settings.outbox.lineChanged()
  }

  /** The clock of the last update of this author on the active snapshot. */
  get ownClock (): number {
    return this.#history === undefined ? -1 : lastClock(this.#history, this.#settings.publicKey)
  }

  /** Forgets what was verified, for a load of what the server has now. What is pending stays so until then. */
  forgetHistory (): void {
    this.#history = undefined
    this.#acknowledged = []
    this.snapshotInFlight = undefined
    this.#reconciles = 'all'
  }
}
