import type { Snapshot, Update } from '../../protocol/messages.ts'

/** Local changes that are kept, sent and settled together. */
export interface Piece {
  /** Of its entry in the storage. */
  readonly id: string
  /** Local changes are numbered; this is the number of the last one in here. */
  readonly last: number
  /** How many there are. */
  readonly count: number
  readonly changes: Uint8Array[]
  /** Of the update that it was in, which this session does not send again: if the server has that, this is settled. */
  readonly signature?: string | undefined
}

/** A piece in a signed update. It is never signed twice: as long as the server may take it, it is sent again as it is. */
export interface SealedUpdate {
  readonly piece: Piece
  readonly message: Update
  readonly text: string
  /** Not on the device yet (`sealed`), kept there, and on this connection: sent, or refused by the server. */
  state: 'sealed' | 'kept' | 'sent' | 'refused'
}

/** What has become of a sealed update when the document moved on. */
interface Moved {
  active: Snapshot['publicData']
  /** Of the active snapshot and those before it, as far as they are known. */
  snapshotIds: readonly string[]
}

const maxSnapshots = 32

/**
 * The local changes that the server does not durably have. Each is in exactly one place: gathered, waiting, or in a sealed update.
 * It leaves only when one of these is seen:
 *
 * - the acknowledgement of its update, on the connection on which that was sent,
 * - its update in a load or a relay: the same signature,
 * - a snapshot of this client that contains it, as the active one or one of its ancestors,
 * - a snapshot whose author had its update.
 *
 * When its update can no longer be saved (another one has its clock, or its snapshot has been replaced), the changes wait again.
 */
export class Outbox {
  /** Public key of the author of all updates that are sealed here. */
  readonly #author: string
  /** Nobody else signs with this key, so that a clock stands for one message. */
  readonly #isExclusive: boolean
  #lastNumber = 0
  #gathered: Array<{ number: number, change: Uint8Array }> = []
  #waiting: Piece[] = []
  #sealed: SealedUpdate[] = []
  /** Snapshots that were sent, and the last local change in each. */
  readonly #snapshots = new Map<string, number>()
  #settled: string[] = []

  constructor (author: string, isExclusive: boolean) {
    this.#author = author
    this.#isExclusive = isExclusive
  }

  /** How many local changes are not known to be durable at the server. */
  get pending (): number {
    return this.#gathered.length + sum(this.#waiting) + sum(this.#sealed.map(({ piece }) => piece))
  }

  /** The number of the last local change. */
  get lastNumber (): number {
    return this.#lastNumber
  }

  get gathered (): number {
    return this.#gathered.length
  }

  get waiting (): readonly Piece[] {
    return this.#waiting
  }

  get sealed (): readonly SealedUpdate[] {
    return this.#sealed
  }

  /** Whether all changes up to this number are settled. */
  isSettled (number: number): boolean {
    const first = Math.min(
      this.#gathered[0]?.number ?? Infinity,
      ...[...this.#waiting, ...this.#sealed.map(({ piece }) => piece)].map(({ last, count }) => last - count + 1))
    return number < first
  }

  /** The CRDT has reported a local change. */
  gather (change: Uint8Array): void {
    this.#gathered.push({ number: ++this.#lastNumber, change })
  }

  /** Makes one piece of what was gathered. */
  collect (id: string, merge: (changes: Uint8Array[]) => Uint8Array[]): Piece | undefined {
    if (this.#gathered.length === 0) return undefined
    const gathered = this.#gathered.splice(0)
    const piece = { id, last: this.#lastNumber, count: gathered.length, changes: merge(gathered.map(({ change }) => change)) }
    this.#waiting.push(piece)
    return piece
  }

  /**
   * Changes of another session, from the storage; they are applied to the CRDT, too. An update that another session has sealed with the same key is sent
   * again as it is; of another key the changes are sent in a new one.
   */
  adopt (id: string, changes: Uint8Array[], message?: Update, text = ''): void {
    this.#lastNumber += changes.length
    const piece = { id, last: this.#lastNumber, count: changes.length, changes }
    if (message?.publicData.pubKey === this.#author) this.#addSealed({ piece, message, text, state: 'kept' })
    else this.#waiting.push({ ...piece, signature: message?.signature })
  }

  /** Puts several waiting pieces into one. The ids of the others are settled. */
  compact (pieces: readonly Piece[], id: string, merge: (changes: Uint8Array[]) => Uint8Array[]): Piece {
    const piece = {
      id,
      last: Math.max(...pieces.map(({ last }) => last)),
      count: sum(pieces),
      changes: merge(pieces.flatMap(({ changes }) => changes))
    }
    this.#takeOut(pieces)
    this.#waiting.push(piece)
    return piece
  }

  /** The clock of the next update on this snapshot: the first that no sealed update has. `last`: of this author, at the server. */
  nextClock (snapshotId: string, last: number): number {
    let clock = last + 1
    for (const { message: { publicData } } of this.#on(snapshotId)) {
      if (publicData.clock === clock) clock++
    }
    return clock
  }

  /** Waiting pieces are now in a sealed update, with one id for all. */
  seal (pieces: readonly Piece[], piece: Piece, message: Update, text: string): SealedUpdate {
    this.#takeOut(pieces)
    const sealed: SealedUpdate = { piece, message, text, state: 'sealed' }
    this.#addSealed(sealed)
    return sealed
  }

  #addSealed (sealed: SealedUpdate): void {
    this.#sealed.push(sealed)
    this.#sealed.sort((a, b) => a.message.publicData.clock - b.message.publicData.clock)
  }

  #takeOut (pieces: readonly Piece[]): void {
    const out = new Set(pieces)
    this.#waiting = this.#waiting.filter((piece) => !out.has(piece))
    this.#settled.push(...pieces.map(({ id }) => id))
  }

  /** The sealed updates on a snapshot, in the order of their clocks. */
  #on (snapshotId: string): SealedUpdate[] {
    return this.#sealed.filter(({ message }) => message.publicData.refSnapshotId === snapshotId)
  }

  /** A snapshot with the whole state was sent. */
  snapshotSent (snapshotId: string, lastNumber: number): void {
    this.#snapshots.set(snapshotId, lastNumber)
    const [oldest] = this.#snapshots.keys()
    if (this.#snapshots.size > maxSnapshots && oldest !== undefined) this.#snapshots.delete(oldest)
  }

  /** The connection is new: nothing was sent on it. */
  lineChanged (): void {
    for (const sealed of this.#sealed) {
      if (sealed.state !== 'sealed') sealed.state = 'kept'
    }
  }

  /** The updates on this snapshot that the server can take now: each continues the last. `last`: the clock of this author's last one at the server. */
  sendable (snapshotId: string, last: number): SealedUpdate[] {
    return this.#on(snapshotId).filter(({ message }, index) => message.publicData.clock === last + 1 + index)
  }

  /** What was refused is to be sent again. */
  retry (): void {
    for (const sealed of this.#sealed) {
      if (sealed.state === 'refused') sealed.state = 'kept'
    }
  }

  /** The server refuses one update, and leaves out what was sent behind it. */
  refused (): void {
    for (const sealed of this.#sealed) {
      if (sealed.state === 'sent') sealed.state = 'refused'
    }
  }

  /** `update-saved`: gives the update that was sent on this connection. */
  acknowledged (snapshotId: string, clock: number): Update | undefined {
    const acknowledged = this.#on(snapshotId).find(({ state, message }) => (state === 'sent' || state === 'refused') && message.publicData.clock === clock)
    if (acknowledged === undefined) return undefined
    this.#settle([acknowledged])
    return acknowledged.message
  }

  /** Whether an update with this signature holds changes that are pending here. */
  has (signature: string): boolean {
    return this.#sealed.some(({ message }) => message.signature === signature) || this.#waiting.some((piece) => piece.signature === signature)
  }

  /** The server has an update: perhaps one that is sealed here, perhaps another with its clock, so that the sealed one can never be saved. */
  seen ({ signature, publicData: { refSnapshotId, pubKey, clock } }: Update): void {
    const sealed = this.#sealed.find(({ message }) => message.signature === signature)
    if (sealed !== undefined) return this.#settle([sealed])
    const waiting = this.#waiting.filter((piece) => piece.signature === signature)
    if (waiting.length > 0) return this.#takeOut(waiting)
    if (pubKey !== this.#author) return
    this.#release(this.#on(refSnapshotId).filter(({ message }) => message.publicData.clock === clock))
  }

  /** Another snapshot is active. What it contains is settled; no update on one before it will ever be saved. */
  moved ({ active, snapshotIds }: Moved): void {
    const contained = Math.max(-1, ...snapshotIds.map((id) => this.#snapshots.get(id) ?? -1))
    this.#takeOut(this.#waiting.filter(({ last }) => last <= contained))
    // What is gathered when a snapshot is made is collected before.
    this.#settle(this.#sealed.filter(({ piece }) => piece.last <= contained))
    if (this.#isExclusive) {
      const clock = active.parentSnapshotUpdateClocks[this.#author] ?? -1
      this.#settle(this.#on(active.parentSnapshotId).filter(({ message }) => message.publicData.clock <= clock))
    }
    this.releaseAllBut(active.snapshotId)
    for (const id of snapshotIds) this.#snapshots.delete(id)
  }

  /** This snapshot is active: updates on others can no longer be saved. */
  releaseAllBut (snapshotId: string): void {
    this.#release(this.#sealed.filter(({ message }) => message.publicData.refSnapshotId !== snapshotId))
  }

  /** Forgets what is not sealed: what of it the server has not is reported anew. */
  clear (): void {
    this.#gathered = []
    this.#takeOut(this.#waiting)
  }

  /** Forgets sealed updates, too: the history that they belong to is no longer believed. */
  clearAll (): void {
    this.clear()
    this.#settle(this.#sealed)
    this.#snapshots.clear()
  }

  #settle (updates: readonly SealedUpdate[]): void {
    this.#settled.push(...updates.map(({ piece }) => piece.id))
    this.#remove(updates)
  }

  #release (updates: readonly SealedUpdate[]): void {
    this.#remove(updates)
    const pieces = updates.map(({ piece, message }) => ({ ...piece, signature: message.signature }))
    this.#waiting = [...pieces, ...this.#waiting].sort((a, b) => a.last - b.last)
  }

  #remove (updates: readonly SealedUpdate[]): void {
    const out = new Set(updates)
    this.#sealed = this.#sealed.filter((sealed) => !out.has(sealed))
  }

  /** The ids of entries that the storage need not keep any longer, each once. */
  takeSettled (): string[] {
    return this.#settled.splice(0)
  }
}

function sum (pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { count }) => sum + count, 0)
}
