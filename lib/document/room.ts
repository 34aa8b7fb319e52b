import { randomInt } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Access } from './access.ts'
import { closeCodes, type Connection } from '../connection/connection.ts'
import { textFrame } from '../connection/frame.ts'
import { Gate } from './gate.ts'
import { patience, type Link } from '../nodes/link.ts'
import { Loads, maxRelayedDuringLoad, type Relayed } from './loads.ts'
import { Members } from './members.ts'
import type { Nodes } from '../nodes/nodes.ts'
import * as answers from '../protocol/answers.ts'
import { changesOf, number, type Change, type SnapshotChange } from '../protocol/changes.ts'
import { advance, copyOf, isAtLeast, positionOf, sameCursor, type Cursor } from '../protocol/cursor.ts'
import type { Slots } from './slots.ts'
import type { Known, LoadedDocument, Store } from '../stores/store.ts'
import { Writer, type AnySave } from './writer.ts'

/** Milliseconds. After an outage of the store, nobody is behind for longer than by default without one (`checkInterval`). */
const maxCatchUpDelay = 10_000

export interface RoomSettings {
  store: Store
  /** For the writes of all rooms, where the store groups updates. */
  slots: Slots
  access: Access
  /** The other ones, if there are any. */
  nodes?: Nodes | undefined
  log: FastifyBaseLogger
}

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
  readonly #members = new Members()
  readonly #loads: Loads
  /** Unknown until the first document was loaded. */
  #cursor: Cursor | undefined
  readonly #link: Link | undefined
  #catchUpTimer: NodeJS.Timeout | undefined
  #isLooking = false
  #failedCatchUps = 0

  constructor (documentId: string, settings: RoomSettings, onEmpty: (room: Room) => void) {
    this.documentId = documentId
    this.#settings = { ...settings, log: settings.log.child({ documentId }) }
    this.#onEmpty = onEmpty
    this.#loads = new Loads(documentId, settings.store)
    this.#gate = new Gate(documentId, settings.access)
    this.#writer = new Writer(this, settings, () => this.#endIfEmpty())
    this.#link = settings.nodes?.link(documentId, {
      heard: () => this.#writer.turn(async () => this.#hear()),
      missed: (version) => this.#look(version),
      ephemeralMessage: (text) => this.relayEphemeral(text)
    })
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
    this.#members.add(connection)
    let hasJoined = false
    try {
      while (true) {
        const load = this.#loads.join(known, connection.request, this.#cursor === undefined)
        try {
          const document = await load.document
          if (document === undefined) return false
          // Nobody may move the room by what they only claim to know.
          if (document.claimed && this.#cursor === undefined && !await this.#open(connection)) return false
          if (!this.#members.has(connection)) return true
          if (this.#cursor === undefined) {
            this.#begin(document.cursor)
            load.isCold = false
          }
          // Another load opened the room meanwhile: what it has seen may not be in this one, nor relayed since this one began.
          if (load.isCold) continue
          this.#joined(connection, document, load.relayed)
          hasJoined = true
          return true
        } finally {
          this.#loads.leave(load)
        }
      }
    } finally {
      if (!hasJoined) this.leave(connection)
    }
  }

  #joined (connection: Connection, document: LoadedDocument, relayed: Relayed[]): void {
    this.#members.join(connection, document.cursor)
    document.frame ??= textFrame(...answers.document(document, document.cursor.snapshotId === ''))
    connection.sendDocument(document.frame)
    if (relayed.length > maxRelayedDuringLoad) return this.#leaveBehind(connection)
    for (const { change, frame } of relayed) {
      if (this.#members.follows(connection, change)) connection.send(frame)
    }
    if (!this.#members.isAt(connection, this.cursor)) this.#writer.turn(() => this.#align())
  }

  async #open (connection: Connection): Promise<boolean> {
    const document = await this.#settings.store.load(this.documentId, { mode: 'complete' }, connection.request)
    if (document !== undefined && this.#cursor === undefined) this.#begin(document.cursor)
    return document !== undefined
  }

  #begin (cursor: Cursor): void {
    this.#cursor = copyOf(cursor)
    // The document may have been read before the link was there.
    if (this.#link?.isConnected) this.#link.look()
  }

  /** A joiner whose document is ahead of the room, by what other processes saved: the room must come up to it. */
  async #align (): Promise<void> {
    const { ahead } = this.#members
    if (ahead.length === 0 || !await this.catchUp()) return
    const still = new Set(this.#members.ahead)
    for (const connection of ahead) {
      if (still.has(connection)) this.#leaveBehind(connection)
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

  #endIfEmpty (): void {
    if (this.#members.size > 0 || this.#writer.busy) return
    clearTimeout(this.#catchUpTimer)
    this.#link?.end()
    this.#gate.end()
    this.#onEmpty(this)
  }

  // Relaying

  /** Moves the cursor by a change that continues it, and relays it to all but its sender. */
  relay (change: Change, sender?: Connection): void {
    advance(this.cursor, change)
    const frame = change.kind === 'update' ? textFrame(answers.update(change.text)) : textFrame(...answers.snapshot(change.text))
    this.#loads.relayed(change, frame)
    if (!this.#gate.isOpen) this.#gate.close(this.#members.joined, sender)
    for (const connection of this.#members.following(change, this.cursor)) {
      if (connection !== sender) this.#send(connection, change, frame)
    }
  }

  #send (connection: Connection, change: Change, frame: Buffer): void {
    connection.relay(frame)
    if (change.kind === 'snapshot' || !connection.hasFailed(change.author)) return
    // Its own, which it may have been told to have failed. It numbers on from there, so that what it has in flight may have the clocks of
    // what it sends next.
    connection.takeBack(change.author, textFrame(answers.updateSaveFailed(change.snapshotId, change.clock + 1)))
  }

  /** To the readers on this node, and on others if it came in here. */
  relayEphemeral (text: string, sender?: Connection): void {
    if (sender !== undefined) this.#link?.tellEphemeralMessage(text)
    const frame = textFrame(answers.ephemeralMessage(text))
    const { joined } = this.#members
    if (!this.#gate.isOpen) this.#gate.close(joined, sender)
    for (const connection of joined) {
      if (connection !== sender) connection.relay(frame, true)
    }
  }

  // Catching up

  /** Tells other nodes what was saved here. */
  tell (changes: Change[]): void {
    this.#link?.tell(changes)
  }

  /** Relays what other nodes have told, as far as it continues the cursor. Of `old` nothing needs to wait for what is missing. */
  #hear (old: Change[] = []): void {
    if (this.#link === undefined || this.#cursor === undefined) return
    const told = new Set(old)
    const early = this.#link.take(old).filter((change) => {
      const position = positionOf(change, this.cursor)
      if (position === 'next') this.relay(change)
      return position === 'gap' && !told.has(change)
    })
    this.#link.putBack(early)
  }

  /** Relays what other nodes tell, until it is enough, and not for long. Whether it was enough. */
  async #hearUntil (isEnough: () => boolean): Promise<boolean> {
    const deadline = performance.now() + patience
    do this.#hear()
    while (!isEnough() && await this.#link?.more(deadline))
    return isEnough()
  }

  /** Brings the room up to a change that was saved here, when others have saved something before it. */
  async reach (change: Change, open: AnySave[]): Promise<void> {
    const isReached = (): boolean => positionOf(change, this.cursor) !== 'gap'
    if (!isReached() && !await this.#hearUntil(isReached)) await this.catchUp(open)
  }

  /** After a conflict: what it is with may be on its way, with all that came before it. */
  async hearMore (): Promise<boolean> {
    const before = copyOf(this.cursor)
    return await this.#hearUntil(() => !sameCursor(before, this.cursor))
  }

  /** Catches up if there may be something, unless it does so anyway. */
  #look (version?: number): void {
    if (this.#isLooking || this.#catchUpTimer !== undefined || this.#cursor === undefined) return
    if (version !== undefined && version <= (this.#cursor.version ?? -1)) return
    this.#isLooking = true
    this.#writer.turn(async () => {
      this.#isLooking = false
      await this.catchUp()
    })
  }

  /**
   * Asks the store what the room has missed and relays it. Changes of which it was unknown whether they were saved, and that
   * turn out to be, are confirmed instead and taken off `open`. False: the store failed; another try follows by itself.
   */
  async catchUp (open: AnySave[] = []): Promise<boolean> {
    clearTimeout(this.#catchUpTimer)
    this.#catchUpTimer = undefined
    const before = copyOf(this.cursor)
    // It was in the store before that is asked.
    const told = this.#link?.take() ?? []
    let document: LoadedDocument | undefined
    try {
      const { snapshotId, clocks } = before
      document = await this.#settings.store.load(this.documentId,
        { mode: 'delta', ...snapshotId && { knownSnapshotId: snapshotId, knownSnapshotUpdateClocks: clocks } })
    } catch (err) {
      this.#settings.log.error({ err }, 'secsync: catching up with the store failed')
    }
    if (document === undefined) {
      this.#link?.putBack(told)
      this.catchUpLater()
      return false
    }
    this.#failedCatchUps = 0
    let hasConfirmed = false
    if (isSetBack(document.cursor, before)) this.#setBack(document.cursor)
    // A document has no updates of snapshots that were replaced. If they were told, nobody has to do without.
    else if (before.version !== undefined) this.#hear(told)
    const { version } = document.cursor
    if (version !== undefined && version <= this.cursor.version!) return true
    const changes = changesOf(document)
    number(changes, version)
    for (const change of changes) {
      const position = positionOf(change, this.cursor)
      if (position === 'behind') continue
      if (position === 'gap') {
        for (const connection of this.#members.unableToJump(change as SnapshotChange, this.cursor)) this.#leaveBehind(connection)
      }
      const index = open.findIndex((save) => save.change.message.signature === change.message.signature)
      const [save] = index === -1 ? [] : open.splice(index, 1)
      save?.saved()
      await save?.onSend?.()
      this.relay(change, save?.connection)
      save?.done()
      hasConfirmed ||= save !== undefined
    }
    this.cursor.version = version
    if (hasConfirmed) this.#link?.tellSaved(version)
    return true
  }

  /** The document was deleted, or the database has lost what it had. Whoever has more of it comes back, for what there is. */
  #setBack (cursor: Cursor): void {
    this.#cursor = copyOf(cursor)
    for (const connection of this.#members.elsewhere(cursor)) this.#leaveBehind(connection)
  }

  catchUpLater (): void {
    if (this.#catchUpTimer !== undefined || this.#members.size === 0) return
    const delay = Math.min(1000 * 2 ** this.#failedCatchUps++, maxCatchUpDelay)
    this.#catchUpTimer = setTimeout(() => this.#writer.turn(async () => { await this.catchUp() }), randomInt(delay / 2, delay))
  }
}

/** Whether a store has less than a room, or something else: as far as can be told without versions, of the same snapshot or nothing at all. */
function isSetBack (stored: Cursor, room: Cursor): boolean {
  if (stored.version !== undefined && room.version !== undefined) {
    return stored.version < room.version || (stored.version === room.version && !sameCursor(stored, room))
  }
  if (stored.snapshotId !== room.snapshotId) return stored.snapshotId === ''
  return !isAtLeast(stored, room)
}
