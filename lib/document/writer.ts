import { setImmediate } from 'node:timers/promises'
import type { Connection } from '../connection/connection.ts'
import { CallbackTimeout, isConflict, isError, SecsyncNewSnapshotRequiredError, SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, SnapshotConflict, SnapshotIdTaken, UpdateConflict } from '../errors.ts'
import { textFrame } from '../connection/frame.ts'
import * as answers from '../protocol/answers.ts'
import { changesOf, number, sameChange, snapshotChange, type Change, type SnapshotChange, type UpdateChange } from '../protocol/changes.ts'
import { sameClocks } from '../protocol/clocks.ts'
import { continuing, copyOf, lastClock, positionOf, sameCursor } from '../protocol/cursor.ts'
import type { Snapshot } from '../protocol/messages.ts'
import type { Room, RoomSettings } from './room.ts'
import type { Slots } from './slots.ts'
import type { Known, LoadedDocument, Store } from '../stores/store.ts'

export type AnySave = UpdateSave | Save<SnapshotChange>

/**
 * A change that somebody wants to be saved. `saved` or `refused` is called, once, unless its client has taken it back; the order of the
 * calls is the order of the room.
 */
export interface Save<T extends Change> {
  change: T
  connection: Connection
  /** Runs when the change is saved, before it is relayed. */
  onSend?: (() => Promise<void>) | undefined
  /** Sends the acknowledgement. */
  saved (): void
  /** A snapshot is refused with the part of the document that its sender is missing, if that is why. */
  refused (error: unknown, missing?: T extends SnapshotChange ? answers.DocumentText : never): void
  /** All that follows on `saved`, or on being taken back, has been done. */
  done (): void
}

export interface UpdateSave extends Save<UpdateChange> {
  /** Whether the client has taken back its message, and waits for no answer. */
  isTakenBack (): boolean
}

type Turn = () => Promise<void>

type Updates = UpdateSave[]

/** How many updates go into one statement at the most, and how many bytes of them; a single one may be bigger. */
const maxGroup = 500
const maxGroupBytes = 4 * 1024 * 1024

/**
 * The turns of a room: one write after the other, and whatever else must not happen during one. Updates that arrive during a
 * write are written together by the next.
 */
export class Writer {
  readonly #room: Room
  readonly #store: Store
  readonly #slots: Slots
  readonly #onIdle: () => void
  readonly #queue: Array<AnySave | Turn> = []
  #running = false
  /** Milliseconds. */
  #lastWrite = 1
  /** Updates. */
  #lastGroup = 1

  constructor (room: Room, { store, slots }: RoomSettings, onIdle: () => void) {
    this.#room = room
    this.#store = store
    this.#slots = slots
    this.#onIdle = onIdle
  }

  get busy (): boolean {
    return this.#running
  }

  save (save: AnySave): void {
    this.#queue.push(save)
    void this.#run()
  }

  turn (turn: Turn): void {
    this.#queue.push(turn)
    void this.#run()
  }

  async #run (): Promise<void> {
    if (this.#running) return
    this.#running = true
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      await this.#gather()
      if (typeof next !== 'function' && isUpdate(next)) {
        // What comes while the database is busy with others goes with it.
        const release = this.#store.groupsUpdates ? await this.#slots.take() : undefined
        await this.#saveUpdates(this.#takeUpdates(next), release)
        release?.()
      } else {
        this.#queue.shift()
        if (typeof next === 'function') await next()
        else await this.#saveSnapshot(next as Save<SnapshotChange>)
      }
    }
    this.#running = false
    this.#onIdle()
  }

  /**
   * A pipeline is committed in two halves, not as its first update and the rest: while one half is written, the other is verified. So
   * it waits for half as many as the last group had, as long as each turn of the event loop brings more, and no longer than a write takes.
   */
  async #gather (): Promise<void> {
    const end = performance.now() + this.#lastWrite
    let length
    do {
      length = this.#queue.length
      await setImmediate()
    } while (this.#queue.length > length && this.#queue.length < this.#lastGroup / 2 && performance.now() < end)
  }

  #takeUpdates ({ change: { snapshotId } }: UpdateSave): Updates {
    let bytes = 0
    const end = this.#queue.findIndex((next, index) => {
      if (typeof next === 'function' || !isUpdate(next) || next.change.snapshotId !== snapshotId || index === maxGroup) return true
      bytes += next.change.text.length
      return bytes > maxGroupBytes && index > 0
    })
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end) as Updates
  }

  // Updates

  /**
   * Saves what continues the cursor. The store may know better: then the room catches up, and what still continues it is tried again.
   * When the room is up to date and saving fails, it is tried for each connection on its own, so that nobody pays for another.
   */
  async #saveUpdates (open: Updates, release?: () => void): Promise<void> {
    let isOneByOne = !this.#store.groupsUpdates
    while (true) {
      // What is relayed to a client meanwhile may make it take back more.
      open = open.filter(isStillWanted)
      if (open.length === 0) return
      const ready = this.#ready(open, isOneByOne)
      let failure: unknown
      if (ready.length > 0) {
        try {
          const startedAt = performance.now()
          const changes = ready.map(({ change }) => change)
          const version = await this.#store.saveUpdates(this.#room.documentId, changes, ready[0]!.connection.request)
          this.#lastWrite = performance.now() - startedAt
          release?.()
          this.#lastGroup = ready.length
          await this.#saved(ready, version, open)
          continue
        } catch (error) {
          release?.()
          failure = error
        }
      }
      if (!this.#isFinal(failure)) {
        if (isConflict(failure) && await this.#room.hearMore()) continue
        const before = copyOf(this.#room.cursor)
        if (!await this.#room.catchUp(open)) {
          open = await this.#refuseUpdates(open, failure)
          continue
        }
        if (!sameCursor(before, this.#room.cursor)) continue
      }
      const failed = new Set((ready.length > 0 ? ready : open).map(({ connection }) => connection))
      if (failed.size > 1 && ready.length > 0 && !isOneByOne && !(failure instanceof CallbackTimeout)) {
        isOneByOne = true
        continue
      }
      open.unshift(...await this.#refuseUpdates(remove(open, ({ connection }) => failed.has(connection)), failure))
    }
  }

  #ready (open: Updates, isOneByOne: boolean): Updates {
    const changes = new Set(continuing(open.map(({ change }) => change), this.#room.cursor))
    const ready = open.filter(({ change }) => changes.has(change))
    if (!isOneByOne) return ready
    return this.#store.groupsUpdates ? ready.filter(({ connection }) => connection === ready[0]!.connection) : ready.slice(0, 1)
  }

  /**
   * In one go, so that a client has all its failures before it begins anew: it takes back all that it has in flight, so that nothing
   * behind a failure may be saved. What is stored already, byte for byte, did not fail; what is behind it is to be tried again.
   */
  async #refuseUpdates (saves: Updates, failure: unknown): Promise<Updates> {
    const { cursor } = this.#room
    const stored = new Map<string, UpdateChange[]>()
    for (const { change } of saves) {
      const isBehind = change.snapshotId === cursor.snapshotId && change.clock <= lastClock(cursor, change.author)
      if (isBehind && !stored.has(change.author)) stored.set(change.author, await this.#storedFrom(change))
    }
    const storedOf = ({ author, snapshotId, clock }: UpdateChange) =>
      stored.get(author)?.find((other) => clock === other.clock && snapshotId === other.snapshotId)
    const same = remove(saves, ({ change }) => {
      const other = storedOf(change)
      return other !== undefined && sameChange(other, change)
    })
    for (const { saved, done } of same) {
      saved()
      done()
    }
    if (same.length > 0 && failure === undefined) return saves
    const told = new Set<string>()
    for (const { change, connection, refused } of saves) {
      const other = storedOf(change)
      // The client numbers on from what it has received: without the stored one it might send this clock for ever.
      if (other && !told.has(change.author)) connection.relay(textFrame(answers.update(other.text)))
      told.add(change.author)
      refused(failure ?? new UpdateConflict())
      // The first failure is the reason, the others follow from it.
      failure = undefined
    }
    return []
  }

  /** The stored updates of an author, from the clock of this one on. */
  async #storedFrom ({ snapshotId, author, clock }: UpdateChange): Promise<UpdateChange[]> {
    const clocks = { ...this.#room.cursor.clocks, [author]: clock - 1 }
    const document = await this.#load({ mode: 'delta', knownSnapshotId: snapshotId, knownSnapshotUpdateClocks: clocks })
    return changesOf(document).filter((change) => change.kind === 'update' && change.author === author) as UpdateChange[]
  }

  // Snapshots

  async #saveSnapshot (save: Save<SnapshotChange>): Promise<void> {
    const { change, connection } = save
    let failure: unknown
    while (true) {
      failure = undefined
      if (positionOf(change, this.#room.cursor) === 'next') {
        try {
          const version = await this.#store.saveSnapshot(this.#room.documentId, change, connection.request)
          return await this.#saved([save], version, [save])
        } catch (error) {
          failure = error
          if (this.#isFinal(error)) break
          if (isConflict(error) && await this.#room.hearMore()) continue
        }
      }
      const before = copyOf(this.#room.cursor)
      const open = [save]
      if (!await this.#room.catchUp(open)) break
      if (open.length === 0) return
      if (sameCursor(before, this.#room.cursor)) break
    }
    await this.#refuseSnapshot(save, failure)
  }

  async #refuseSnapshot ({ change, saved, refused, done }: Save<SnapshotChange>, failure: unknown): Promise<void> {
    const { parentSnapshotId, parentClocks } = change
    const { cursor } = this.#room
    if (parentSnapshotId !== cursor.snapshotId || isError(failure, SecsyncSnapshotBasedOnOutdatedSnapshotError)) {
      const missing = await this.#load({ mode: 'delta', ...parentSnapshotId && { knownSnapshotId: parentSnapshotId } })
      if (missing?.snapshot && sameChange(snapshotChange(JSON.parse(missing.snapshot) as Snapshot), change)) {
        saved()
        return done()
      }
      refused(failure ?? new SnapshotConflict('the active one as its parent'), missing)
    } else if (!sameClocks(parentClocks, cursor.clocks) || isError(failure, SecsyncSnapshotMissesUpdatesError)) {
      const missing = await this.#load({ mode: 'delta', knownSnapshotId: parentSnapshotId, knownSnapshotUpdateClocks: parentClocks })
      refused(failure ?? new SnapshotConflict('all updates of its parent'), missing && { updates: missing.updates })
    } else {
      // Without a failure it was not even tried: it has the id of the active snapshot.
      refused(failure ?? new SnapshotIdTaken())
    }
  }

  // Both

  /** The store has put these behind each other, at this version of the document; they are taken off `open`. */
  async #saved (saves: AnySave[], version: number | undefined, open: AnySave[]): Promise<void> {
    const changes = saves.map(({ change }) => change)
    number(changes, version)
    this.#room.tell(changes)
    await this.#room.reach(changes[0]!, open)
    for (const save of saves) {
      const index = open.indexOf(save)
      if (index === -1) continue
      open.splice(index, 1)
      save.saved()
      await save.onSend?.()
      // A change that the store had already, byte for byte, has been relayed already.
      if (positionOf(save.change, this.#room.cursor) === 'next') this.#room.relay(save.change, save.connection)
      save.done()
    }
  }

  /** Failures after which asking the store what is there makes no sense: it was not asked to save, or does not answer. */
  #isFinal (error: unknown): boolean {
    // It may still be saved, unseen by anybody here.
    if (error instanceof CallbackTimeout) void error.settled.then(() => this.#room.catchUpLater())
    return error instanceof CallbackTimeout || isError(error, SecsyncNewSnapshotRequiredError)
  }

  async #load (known: Known): Promise<LoadedDocument | undefined> {
    try {
      return await this.#store.load(this.#room.documentId, known)
    } catch {
      // The sender is refused without what it is missing; the failed write is what gets reported.
      return undefined
    }
  }
}

function isUpdate (save: AnySave): save is UpdateSave {
  return save.change.kind === 'update'
}

function isStillWanted (save: UpdateSave): boolean {
  const isTakenBack = save.isTakenBack()
  if (isTakenBack) save.done()
  return !isTakenBack
}

/** Takes out what fits. */
function remove<T> (items: T[], fits: (item: T) => boolean): T[] {
  const removed = items.filter(fits)
  items.splice(0, items.length, ...items.filter((item) => !fits(item)))
  return removed
}
