import { randomInt } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Access } from './access.ts'
import { closeCodes, type Connection } from './connection.ts'
import { textFrame } from './frame.ts'
import { Gate } from './gate.ts'
import * as answers from './protocol/answers.ts'
import { changesOf, type Change, type SnapshotChange } from './protocol/changes.ts'
import { advance, copyOf, isAtLeast, lastClock, positionOf, sameCursor, type Cursor } from './protocol/cursor.ts'
import type { Slots } from './slots.ts'
import type { Known, LoadedDocument, Store } from './stores/store.ts'
import { Writer, type AnySave } from './writer.ts'

export interface RoomSettings {
  store: Store
  /** For the writes of all rooms, where the store groups updates. */
  slots: Slots
  access: Access
  log: FastifyBaseLogger
}

interface Member {
  /** Has been sent the document. */
  joined: boolean
  /** Where it is, as long as that is not where the room is. */
  cursor?: Cursor | undefined
}

/** A load that joiners wait for, and what has been relayed since it began. */
interface Load {
  document: Promise<LoadedDocument | undefined>
  relayed: Relayed[]
  joiners: number
  /** Began before the room had a cursor. */
  isCold: boolean
}

interface Relayed {
  change: Change
  frame: Buffer
}

/** What a joiner may miss while its document is loaded, before it has to come back. */
const maxRelayedDuringLoad = 50_000

/**
 * The connections of one document on this node. The store decides the order; the room knows, with its cursor, how far its
 * connections are in it, and relays what continues the cursor. When something is missing it asks the store for the delta.
 */
export class Room {
  readonly documentId: string
  readonly #settings: RoomSettings
  readonly #onEmpty: (room: Room) => void
  readonly #writer: Writer
  readonly #gate: Gate
  readonly #members = new Map<Connection, Member>()
  readonly #loads = new Set<Load>()
  readonly #sharedLoads = new Map<string, Load>()
  /** Unknown until the first document was loaded. */
  #cursor: Cursor | undefined
  #catchUpTimer: NodeJS.Timeout | undefined
  #failedCatchUps = 0

  constructor (documentId: string, settings: RoomSettings, onEmpty: (room: Room) => void) {
    this.documentId = documentId
    this.#settings = { ...settings, log: settings.log.child({ documentId }) }
    this.#onEmpty = onEmpty
    this.#gate = new Gate(documentId, settings.access)
    this.#writer = new Writer(this, settings, () => this.#endIfEmpty())
  }

  get size (): number {
    return this.#members.size
  }

  get cursor (): Cursor {
    return this.#cursor!
  }

  /** Stores a change after all that were handed over before, and relays it. */
  save (save: AnySave): void {
    this.#writer.save(save)
  }

  /** Resolves between two writes, when all that was handed over before is done. */
  turn (): Promise<void> {
    return new Promise((resolve) => this.#writer.turn(async () => resolve()))
  }

  // Joining

  /** Sends the document to a connection, then all that is saved later. False: there is no such document. */
  async join (connection: Connection, known: Known): Promise<boolean> {
    const member: Member = { joined: false }
    this.#members.set(connection, member)
    try {
      while (true) {
        const load = this.#load(known, connection)
        try {
          const document = await load.document
          if (document === undefined) return false
          // Nobody may move the room by what they only claim to know.
          if (document.claimed && this.#cursor === undefined && !await this.#open(connection)) return false
          if (!this.#members.has(connection)) return true
          if (this.#cursor === undefined) {
            this.#cursor = copyOf(document.cursor)
            load.isCold = false
          }
          // Another load opened the room meanwhile: what it has seen may not be in this one, nor relayed since this one began.
          if (load.isCold) continue
          this.#joined(connection, member, document, load.relayed)
          return true
        } finally {
          if (--load.joiners === 0) this.#loads.delete(load)
        }
      }
    } finally {
      if (!member.joined) this.leave(connection)
    }
  }

  #joined (connection: Connection, member: Member, document: LoadedDocument, relayed: Relayed[]): void {
    member.joined = true
    member.cursor = copyOf(document.cursor)
    document.frame ??= textFrame(...answers.document(document, document.cursor.snapshotId === ''))
    connection.sendDocument(document.frame)
    if (relayed.length > maxRelayedDuringLoad) return this.#leaveBehind(connection)
    for (const { change, frame } of relayed) {
      if (this.#follows(member, change)) connection.send(frame)
    }
    this.#alignIfThere(member)
    if (member.cursor !== undefined) this.#writer.turn(() => this.#align())
  }

  /** One load may serve several joiners that ask for the same. */
  #load (known: Known, connection: Connection): Load {
    const { store } = this.#settings
    const key = store.sharesLoads ? JSON.stringify(known) : undefined
    let load = key === undefined ? undefined : this.#sharedLoads.get(key)
    if (load === undefined) {
      const document = store.load(this.documentId, known, connection.request)
      load = { document, relayed: [], joiners: 0, isCold: this.#cursor === undefined }
      this.#loads.add(load)
      if (key !== undefined) {
        this.#sharedLoads.set(key, load)
        const loaded = () => this.#sharedLoads.delete(key)
        load.document.then(loaded, loaded)
      }
    }
    load.joiners++
    return load
  }

  async #open (connection: Connection): Promise<boolean> {
    const document = await this.#settings.store.load(this.documentId, { mode: 'complete' }, connection.request)
    if (document !== undefined) this.#cursor ??= copyOf(document.cursor)
    return document !== undefined
  }

  #alignIfThere (member: Member): void {
    if (member.cursor !== undefined && sameCursor(member.cursor, this.cursor)) member.cursor = undefined
  }

  /** A joiner whose document is ahead of the room, by what other processes saved: the room must come up to it. */
  async #align (): Promise<void> {
    const ahead = [...this.#members].filter(([, member]) => member.cursor !== undefined)
    if (ahead.length === 0 || !await this.catchUp()) return
    for (const [connection, member] of ahead) {
      if (member.cursor !== undefined) this.#leaveBehind(connection)
    }
  }

  /** It comes back by itself, with what it knows, and gets the rest. */
  #leaveBehind (connection: Connection): void {
    connection.close(closeCodes.tryAgainLater, 'missed too much')
    this.leave(connection)
  }

  leave (connection: Connection): void {
    this.#gate.leave(connection)
    if (this.#members.delete(connection)) this.#endIfEmpty()
  }

  #joinedMembers (): Connection[] {
    return [...this.#members].filter(([, { joined }]) => joined).map(([connection]) => connection)
  }

  #endIfEmpty (): void {
    if (this.#members.size > 0 || this.#writer.busy) return
    clearTimeout(this.#catchUpTimer)
    this.#gate.end()
    this.#onEmpty(this)
  }

  // Relaying

  /** Moves the cursor by a change that continues it, and relays it to all but its sender. */
  relay (change: Change, sender?: Connection): void {
    advance(this.cursor, change)
    const frame = change.kind === 'update' ? textFrame(answers.update(change.text)) : textFrame(...answers.snapshot(change.text))
    for (const { relayed } of this.#loads) {
      if (relayed.length <= maxRelayedDuringLoad) relayed.push({ change, frame })
    }
    if (!this.#gate.isOpen) this.#gate.close(this.#joinedMembers(), sender)
    for (const [connection, member] of this.#members) {
      if (!member.joined) continue
      if (this.#follows(member, change) && connection !== sender) this.#send(connection, change, frame)
      this.#alignIfThere(member)
    }
  }

  #send (connection: Connection, change: Change, frame: Buffer): void {
    connection.relay(frame)
    if (change.kind === 'snapshot' || !connection.hasFailed(change.author)) return
    // Its own, which it may have been told to have failed. It numbers on from there, so that what it has in flight may have the clocks of
    // what it sends next.
    connection.takeBack(change.author, textFrame(answers.updateSaveFailed(change.snapshotId, change.clock + 1)))
  }

  relayEphemeral (frame: Buffer, sender: Connection): void {
    if (!this.#gate.isOpen) this.#gate.close(this.#joinedMembers(), sender)
    for (const [connection, { joined }] of this.#members) {
      if (joined && connection !== sender) connection.relay(frame, true)
    }
  }

  /** Whether a member is to get a change. One with a cursor of its own is ahead of the room, and has some already. */
  #follows (member: Member, change: Change): boolean {
    if (member.cursor === undefined) return true
    if (positionOf(change, member.cursor) !== 'next') return false
    advance(member.cursor, change)
    return true
  }

  // Catching up

  /** Brings the room up to a change that was saved here, when others have saved something before it. */
  async reach (change: Change, open: AnySave[]): Promise<void> {
    if (positionOf(change, this.cursor) === 'gap') await this.catchUp(open)
  }

  /**
   * Asks the store what the room has missed and relays it. Changes of which it was unknown whether they were saved, and that
   * turn out to be, are confirmed instead and taken off `open`. False: the store failed; another try follows by itself.
   */
  async catchUp (open: AnySave[] = []): Promise<boolean> {
    clearTimeout(this.#catchUpTimer)
    this.#catchUpTimer = undefined
    let document: LoadedDocument | undefined
    try {
      const { snapshotId, clocks } = this.cursor
      document = await this.#settings.store.load(this.documentId,
        { mode: 'delta', ...snapshotId && { knownSnapshotId: snapshotId, knownSnapshotUpdateClocks: clocks } })
    } catch (err) {
      this.#settings.log.error({ err }, 'secsync: catching up with the store failed')
    }
    if (document === undefined) {
      this.catchUpLater()
      return false
    }
    this.#failedCatchUps = 0
    if (isSetBack(document.cursor, this.cursor)) this.#setBack(document.cursor)
    for (const change of changesOf(document)) {
      if (positionOf(change, this.cursor) === 'gap') this.#jump(change as SnapshotChange)
      const index = open.findIndex((save) => save.change.message.signature === change.message.signature)
      const [save] = index === -1 ? [] : open.splice(index, 1)
      save?.saved()
      await save?.onSend?.()
      this.relay(change, save?.connection)
      save?.done()
    }
    this.cursor.version = document.cursor.version
    return true
  }

  /** The document was deleted, or the database has lost what it had. Whoever has more of it comes back, for what there is. */
  #setBack (cursor: Cursor): void {
    this.#cursor = copyOf(cursor)
    for (const [connection, member] of [...this.#members]) {
      if (!member.joined) continue
      if (member.cursor !== undefined && sameCursor(member.cursor, cursor)) member.cursor = undefined
      else this.#leaveBehind(connection)
    }
  }

  catchUpLater (): void {
    if (this.#catchUpTimer !== undefined || this.#members.size === 0) return
    const delay = Math.min(1000 * 2 ** this.#failedCatchUps++, 30_000)
    this.#catchUpTimer = setTimeout(() => this.#writer.turn(async () => { await this.catchUp() }), randomInt(delay / 2, delay))
  }

  /**
   * A snapshot whose parent's updates were not all relayed is only good for those who wrote none of these: the client fails for
   * good on a snapshot that knows more of its own updates than it does itself. And no client can follow over two snapshots.
   */
  #jump ({ parentSnapshotId, parentClocks }: SnapshotChange): void {
    for (const [connection, member] of [...this.#members]) {
      const isAuthor = [...connection.authors].some((author) => (parentClocks[author] ?? -1) !== lastClock(this.cursor, author))
      const cannotFollow = parentSnapshotId !== this.cursor.snapshotId || isAuthor || member.cursor !== undefined
      if (member.joined && cannotFollow) this.#leaveBehind(connection)
    }
  }
}

/** Whether a store has less than a room: of the same snapshot, or nothing at all. */
function isSetBack (stored: Cursor, room: Cursor): boolean {
  if (stored.snapshotId !== room.snapshotId) return stored.snapshotId === ''
  return !isAtLeast(stored, room)
}
