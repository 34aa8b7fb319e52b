import { backoff } from './core/backoff.ts'
import { clocksOf, type History } from './core/history.ts'
import type { Outbox, Piece } from './core/outbox.ts'
import type { SnapshotPolicy } from './core/snapshot-policy.ts'
import { encodeChanges } from './crypto/changes.ts'
import { createId, type KeyPair } from './crypto/keys.ts'
import { createSnapshot, createUpdate } from './crypto/messages.ts'
import { proofEntryOf } from './crypto/proof.ts'
import type { Work } from './crypto/work.ts'
import type { Environment } from './environment.ts'
import { ClientError } from './errors.ts'
import type { Journal } from './journal.ts'
import type { Keys } from './keys.ts'
import type { DocumentOptions, NewSnapshotData } from './options.ts'
import type { Replica } from './replica.ts'
import type { Rest } from './at-rest.ts'
import { noParent } from '../protocol/chain.ts'

interface SenderSettings {
  environment: Environment
  journal: Journal
  keyPair: KeyPair
  keys: Keys
  options: DocumentOptions
  outbox: Outbox
  policy: SnapshotPolicy
  replica: Replica
  rest: Rest
  /** Sends now. False: the connection is not live. */
  send: (text: string) => boolean
  isLive: () => boolean
  /** Something cannot be made or is refused again and again. */
  onFault: (error: unknown) => void
  /** Waiting pieces were collected, or sealed ones sent. */
  onChange: () => void
}

/** Milliseconds before a server that had no room is asked again. */
const whenFull = 30_000

/** Updates without an answer. What comes meanwhile goes together into the next one. */
const window = 16
/** Bytes of changes in one update, unless a single change has more. */
const maxUpdateBytes = 256 * 1024
/** Waiting pieces before they are put into one. */
const maxWaiting = 64
/** Milliseconds without updates of others before a snapshot is sent, and how long to wait for that. */
const quiet = { least: 60, most: 5000 }

/** Makes updates and snapshots of local changes, and sends them when it is their turn. */
export class Sender {
  readonly #settings: SenderSettings
  #running = false
  #again = false
  #stopped = false
  #endBatchTimer: (() => void) | undefined
  #batchIsDue = false
  #failures = 0
  #retryAt = 0
  #endRetryTimer: (() => void) | undefined
  #endQuietTimer: (() => void) | undefined
  /** Snapshots that the application has asked for: how many, how many of these are fulfilled, and who waits. */
  #demands = 0
  #fulfilled = 0
  #demanding: Array<{ demand: number, resolve: () => void }> = []
  /** Snapshots that were sent, with the last demand that each fulfils. */
  readonly #made = new Map<string, number>()
  #needsSnapshot = false
  #isMakingSnapshot = false
  #snapshotDueSince: number | undefined
  #lastUpdateAt = -Infinity

  constructor (settings: SenderSettings) {
    this.#settings = settings
  }

  /** A local change was gathered. */
  changed (): void {
    const { environment, options } = this.#settings
    this.#endBatchTimer ??= environment.setTimer(() => {
      this.#endBatchTimer = undefined
      this.flush()
    }, options.batchDelay ?? 10)
  }

  /** What was gathered is kept now: there may be no later. */
  flush (): void {
    this.#batchIsDue = true
    this.wake()
    if (!this.#isMakingSnapshot) return
    // A big one takes its time.
    this.#collect()
    void this.#keepAll()
  }

  /** The page may be about to end: puts all that is pending on the device, without waiting for what is under way. */
  rescue (): void {
    const { outbox, rest, replica } = this.#settings
    this.#collect()
    void rest.rescue(outbox.waiting, replica.history?.active, (piece) => outbox.waiting.includes(piece))
    this.wake()
  }

  async #keepAll (): Promise<void> {
    while (await this.#keep());
  }

  /** Sends what can be sent now. */
  wake (): void {
    this.#again = true
    if (this.#running || this.#stopped) return
    this.#running = true
    void this.#run()
  }

  async #run (): Promise<void> {
    // Not in the middle of what calls `wake`.
    await Promise.resolve()
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false
        while (!this.#stopped && await this.#step());
      }
    } catch (error) {
      const { isLive, onFault } = this.#settings
      const wasLive = isLive()
      onFault(error)
      // What could not be sent is kept.
      this.#again = wasLive && !isLive()
    }
    this.#running = false
    if (this.#again) this.wake()
  }

  /** One thing at a time. False: there is nothing to do until something happens. */
  async #step (): Promise<boolean> {
    const { outbox, replica, environment, isLive } = this.#settings
    if (this.#batchIsDue) this.#collect()
    if (!isLive()) return await this.#keep()
    if (environment.now() < this.#retryAt) return await this.#keep()
    this.#sendSealed()
    if (replica.snapshotInFlight !== undefined) return await this.#keep()
    if (this.#isSnapshotTurn()) {
      await this.#keepAll()
      this.#isMakingSnapshot = true
      await this.#makeSnapshot().finally(() => { this.#isMakingSnapshot = false })
      return true
    }
    const isBlocked = this.#needsSnapshot || this.#isOverdue || replica.history === undefined
    const sent = outbox.sealed.filter(({ state }) => state !== 'kept').length
    if (isBlocked || sent >= window || outbox.waiting.length === 0) return await this.#keep()
    return await this.#seal(replica.history!)
  }

  /** What was gathered becomes a piece. */
  #collect (): void {
    const { outbox, options: { crdt }, environment } = this.#settings
    this.#batchIsDue = false
    outbox.collect(newId(environment), (changes) => crdt.mergeChanges?.(changes) ?? changes)
  }

  /** Puts on the device what cannot be sent now. */
  async #keep (): Promise<boolean> {
    const { outbox, journal, rest, replica, options: { crdt }, environment } = this.#settings
    if (outbox.waiting.length > maxWaiting) {
      outbox.compact(outbox.waiting.slice(), newId(environment), (changes) => crdt.mergeChanges?.(changes) ?? changes)
    }
    for (const piece of outbox.waiting) {
      if (journal.has(piece.id)) continue
      const isKept = await rest.keepPiece(piece, replica.history?.active, () => outbox.waiting.includes(piece))
      if (!isKept) return false
      return true
    }
    journal.forget(outbox.takeSettled())
    return false
  }

  #sendSealed (): void {
    const { outbox, replica, send } = this.#settings
    if (replica.history === undefined) return
    for (const sealed of outbox.sendable(replica.history.active.snapshotId, replica.ownClock)) {
      // In their order: not past one that is being kept.
      if (sealed.state === 'sealed' || sealed.state === 'refused') return
      if (sealed.state === 'kept' && send(sealed.text)) sealed.state = 'sent'
    }
  }

  async #seal (history: History): Promise<boolean> {
    const { outbox, replica, rest, keys, keyPair, options, environment } = this.#settings
    const pieces = within(outbox.waiting, maxUpdateBytes)
    const key = await keys.of(history.active)
    const merged = pieces.flatMap(({ changes }) => changes)
    const changes = pieces.length > 1 ? options.crdt.mergeChanges?.(merged) ?? merged : merged
    const content = options.crdt.encodeChanges?.(changes) ?? await this.#work(encodeChanges(changes))
    const refSnapshotId = history.active.snapshotId
    const clock = outbox.nextClock(refSnapshotId, replica.ownClock)
    const message = await this.#work(createUpdate(content, { docId: options.documentId, refSnapshotId, clock }, key, keyPair))

    // The document may have moved on. Nobody has seen the message yet.
    const isStillRight = replica.history === history && outbox.nextClock(refSnapshotId, replica.ownClock) === clock &&
      pieces.every((piece) => outbox.waiting.includes(piece))
    if (!isStillRight) return true
    const piece: Piece = {
      id: newId(environment),
      last: Math.max(...pieces.map(({ last }) => last)),
      count: pieces.reduce((sum, { count }) => sum + count, 0),
      changes
    }
    const sealed = outbox.seal(pieces, piece, message, JSON.stringify(message))
    await rest.keepUpdate(sealed, history.active, outbox.takeSettled())
    if (sealed.state === 'sealed') sealed.state = 'kept'
    this.#settings.onChange()
    return true
  }

  // Snapshots

  /** Sends a snapshot as soon as it can be. Resolves when it is active. */
  demandSnapshot (): Promise<void> {
    this.#demands++
    this.wake()
    return new Promise((resolve) => { this.#demanding.push({ demand: this.#demands, resolve }) })
  }

  /** Nothing else than a snapshot will be taken. */
  needSnapshot (): void {
    this.#needsSnapshot = true
    this.wake()
  }

  /** An update of somebody else has come. */
  updateTaken (): void {
    this.#lastUpdateAt = this.#settings.environment.now()
  }

  /** Another snapshot is active, perhaps one that was made here. */
  snapshotTaken (snapshotId: string): void {
    this.#fulfilled = Math.max(this.#fulfilled, this.#made.get(snapshotId) ?? 0)
    for (const { resolve } of this.#demanding.filter(({ demand }) => demand <= this.#fulfilled)) resolve()
    this.#demanding = this.#demanding.filter(({ demand }) => demand > this.#fulfilled)
    this.#made.clear()
    this.#needsSnapshot = false
    this.#snapshotDueSince = undefined
    this.accepted()
  }

  #isSnapshotTurn (): boolean {
    const { outbox, replica, policy, environment } = this.#settings
    const isFirst = replica.history === undefined && (outbox.pending > 0)
    const hasWritten = outbox.pending > 0 || replica.ownClock >= 0
    const isWanted = this.#needsSnapshot || this.#demands > this.#fulfilled
    if (!isFirst && !isWanted && !(policy.isDue && hasWritten)) return false
    const now = environment.now()
    this.#snapshotDueSince ??= now
    // The server has to have what is in flight, or to refuse it, before the clocks of the snapshot are right.
    if (outbox.sealed.some(({ state }) => state === 'sent' || state === 'sealed')) return false
    if (isFirst || this.#needsSnapshot) return true
    const wait = Math.min(this.#lastUpdateAt + quiet.least, this.#snapshotDueSince + quiet.most) - now
    if (wait <= 0) return true
    this.#endQuietTimer?.()
    this.#endQuietTimer = environment.setTimer(() => this.wake(), wait)
    return false
  }

  /** Who writes without a pause holds on for a snapshot that has been due for long. */
  get #isOverdue (): boolean {
    return this.#snapshotDueSince !== undefined && this.#settings.environment.now() > this.#snapshotDueSince + quiet.most
  }

  async #makeSnapshot (): Promise<void> {
    const { outbox, replica, keys, keyPair, options, send, isLive } = this.#settings
    const snapshotId = createId()
    const demand = this.#demands
    const { key, publicData, additionalServerData } = await this.#newSnapshotData(snapshotId)
    const { history } = replica
    this.#collect()
    const { lastNumber } = outbox
    const clocks = history === undefined ? {} : clocksOf(history)
    const content = options.crdt.encodeSnapshot()
    const message = await this.#work(createSnapshot(content, {
      docId: options.documentId,
      snapshotId,
      parent: history?.active ?? noParent,
      parentSnapshotUpdateClocks: clocks,
      additional: publicData
    }, key, keyPair))
    const entry = await this.#work(proofEntryOf(message))

    const isStillRight = isLive() && replica.history === history && (history === undefined || sameClocks(clocks, clocksOf(history)))
    if (!isStillRight) return
    keys.set(snapshotId, key)
    outbox.snapshotSent(snapshotId, lastNumber)
    replica.snapshotInFlight = { message, info: { ...entry, additionalPublicData: publicData } }
    this.#snapshotDueSince = undefined
    this.#made.set(snapshotId, demand)
    send(JSON.stringify({ ...message, ...additionalServerData !== undefined && { additionalServerData } }))
  }

  async #newSnapshotData (id: string): Promise<NewSnapshotData> {
    const { options: { getNewSnapshotData }, keys, replica } = this.#settings
    if (getNewSnapshotData === undefined) return { key: await keys.of(replica.history?.active), publicData: replica.history?.active.additionalPublicData }
    try {
      return await getNewSnapshotData({ id })
    } catch (cause) {
      throw new ClientError('SECSYNC_CALLBACK_FAILED', 'getNewSnapshotData has failed', { cause })
    }
  }

  // Failures

  /** The server takes what is sent. */
  accepted (): void {
    this.#failures = 0
    this.#retryAt = 0
    this.wake()
  }

  /** The server refuses an update or a snapshot. Returns how many times in a row. */
  refused (): number {
    const { environment } = this.#settings
    this.#retryIn(backoff(this.#failures++, environment.random, { first: 50, most: 10_000 }))
    return this.#failures
  }

  /** The server has no room for what is sent. */
  refusedAsFull (): void {
    this.#retryIn(whenFull)
  }

  /** Sends again now what was refused. */
  retry (): void {
    this.#settings.outbox.retry()
    this.lineChanged()
  }

  #retryIn (delay: number): void {
    const { environment, outbox } = this.#settings
    this.#retryAt = environment.now() + delay
    this.#endRetryTimer?.()
    this.#endRetryTimer = environment.setTimer(() => {
      outbox.retry()
      this.wake()
    }, delay)
  }

  /** There is a new connection, and all is loaded. */
  lineChanged (): void {
    this.#endRetryTimer?.()
    this.#endRetryTimer = undefined
    this.#retryAt = 0
    this.wake()
  }

  #work<T> (work: Work<T>): Promise<T> {
    return this.#settings.environment.newPace().run(work)
  }

  /** Puts all that is pending on the device, as the last thing. */
  async stop (): Promise<void> {
    this.#endBatchTimer?.()
    this.#endRetryTimer?.()
    this.#endQuietTimer?.()
    this.#stopped = true
    this.#collect()
    await this.#keepAll()
  }
}

/** The first pieces, as many as have so many bytes together; one at least. */
function within (pieces: readonly Piece[], maxBytes: number): Piece[] {
  let bytes = 0
  const end = pieces.findIndex(({ changes }, index) => {
    bytes += changes.reduce((sum, { length }) => sum + length, 0)
    return bytes > maxBytes && index > 0
  })
  return pieces.slice(0, end === -1 ? undefined : end)
}

function sameClocks (a: Record<string, number>, b: Record<string, number>): boolean {
  const authors = Object.keys(a)
  return authors.length === Object.keys(b).length && authors.every((author) => a[author] === b[author])
}

let count = 0

/** Ids are in the order in which they were made. */
function newId ({ now }: Environment): string {
  return `${String(now()).padStart(15, '0')}-${String(count++).padStart(9, '0')}-${createId()}`
}
