import { setImmediate } from 'node:timers/promises'
import type { Connection } from './connection.ts'
import { CallbackTimeout, isError, SecsyncNewSnapshotRequiredError, SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, SnapshotConflict, SnapshotIdTaken, UpdateConflict } from './errors.ts'
import { textFrame } from './frame.ts'
import * as answers from './protocol/answers.ts'
import { changesOf, sameChange, snapshotChange, type Change, type SnapshotChange, type UpdateChange } from './protocol/changes.ts'
import { sameClocks } from './protocol/clocks.ts'
import { continuing, copyOf, lastClock, positionOf, sameCursor } from './protocol/cursor.ts'
import type { Snapshot } from './protocol/messages.ts'
import type { Room } from './room.ts'
import type { Known, LoadedDocument, Store } from './stores/store.ts'

export type AnySave = Save<UpdateChange> | Save<SnapshotChange>

/** A change that somebody wants to be saved. One of the two functions is called, once; the order of the calls is the order of the room. */
export interface Save<T extends Change> {
  change: T
  connection: Connection
  /** Runs when the change is saved, before it is relayed. */
  onSend?: (() => Promise<void>) | undefined
  saved (): void
  /** A snapshot is refused with the part of the document that its sender is missing, if that is why. */
  refused (error: unknown, missing?: T extends SnapshotChange ? answers.DocumentText : never): void
  /** Whether the client has taken back its message, and waits for no answer. */
  isTakenBack (): boolean
  ignored (): void
}

type Turn = () => Promise<void>

/** How many updates go into one statement at the most. */
const maxGroup = 500

/**
 * The turns of a room: one write after the other, and whatever else must not happen during one. Updates that arrive during a
 * write are written together by the next.
 */
export class Writer {
  readonly #room: Room
  readonly #store: Store
  readonly #onIdle: () => void
  readonly #queue: Array<AnySave | Turn> = []
  #running = false

  constructor (room: Room, store: Store, onIdle: () => void) {
    this.#room = room
    this.#store = store
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
      // What has been received is read first: a pipeline is committed as one group, not as its first update and the rest.
      await setImmediate()
      if (typeof next !== 'function' && isUpdate(next)) {
        await this.#saveUpdates(this.#takeUpdates(next).filter(isStillWanted))
      } else {
        this.#queue.shift()
        if (typeof next === 'function') await next()
        else await this.#saveSnapshot(next as Save<SnapshotChange>)
      }
    }
    this.#running = false
    this.#onIdle()
  }

  #takeUpdates ({ change: { snapshotId } }: Save<UpdateChange>): Array<Save<UpdateChange>> {
    const end = this.#queue.findIndex((next, index) => index === maxGroup ||
      typeof next === 'function' || !isUpdate(next) || next.change.snapshotId !== snapshotId)
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end) as Array<Save<UpdateChange>>
  }

  // Updates

  /** Saves what continues the cursor. The store may know better: then the room catches up, and what still continues it is tried again. */
  async #saveUpdates (open: Array<Save<UpdateChange>>): Promise<void> {
    let failure: unknown
    while (open.length > 0) {
      const ready = this.#ready(open)
      failure = undefined
      if (ready.length > 0) {
        try {
          await this.#store.saveUpdates(this.#room.documentId, ready.map(({ change }) => change), ready[0]!.connection.request)
          for (const save of ready) {
            open.splice(open.indexOf(save), 1)
            await this.#saved(save)
          }
          continue
        } catch (error) {
          failure = error
          if (this.#isFinal(error)) break
        }
      }
      const before = copyOf(this.#room.cursor)
      if (!await this.#room.catchUp(open) || sameCursor(before, this.#room.cursor)) break
    }
    await this.#refuseUpdates(open, failure)
  }

  #ready (open: Array<Save<UpdateChange>>): Array<Save<UpdateChange>> {
    const changes = new Set(continuing(open.map(({ change }) => change), this.#room.cursor))
    const ready = open.filter(({ change }) => changes.has(change))
    return this.#store.groupsUpdates ? ready : ready.slice(0, 1)
  }

  /** In one go, so that a client has all its failures before it begins anew. */
  async #refuseUpdates (saves: Array<Save<UpdateChange>>, failure: unknown): Promise<void> {
    for (const { change, connection, saved, refused } of saves) {
      if (change.clock <= lastClock(this.#room.cursor, change.author) && change.snapshotId === this.#room.cursor.snapshotId) {
        const stored = await this.#stored(change)
        if (stored && sameChange(stored, change)) {
          saved()
          continue
        }
        // The client numbers on from what it has received: without the stored one it might send this clock for ever.
        if (stored) connection.relay(textFrame(answers.update(stored.text)))
      }
      refused(failure ?? new UpdateConflict())
      // The first failure is the reason, the others follow from it.
      failure = undefined
    }
  }

  /** What is stored under the clock of this update. */
  async #stored ({ snapshotId, author, clock }: UpdateChange): Promise<UpdateChange | undefined> {
    const clocks = { ...this.#room.cursor.clocks, [author]: clock - 1 }
    const document = await this.#load({ mode: 'delta', knownSnapshotId: snapshotId, knownSnapshotUpdateClocks: clocks })
    return changesOf(document).find((change) => change.kind === 'update' && change.author === author && change.clock === clock) as UpdateChange | undefined
  }

  // Snapshots

  async #saveSnapshot (save: Save<SnapshotChange>): Promise<void> {
    const { change, connection } = save
    let failure: unknown
    while (true) {
      failure = undefined
      if (positionOf(change, this.#room.cursor) === 'next') {
        try {
          await this.#store.saveSnapshot(this.#room.documentId, change, connection.request)
          return await this.#saved(save)
        } catch (error) {
          failure = error
          if (this.#isFinal(error)) break
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

  async #refuseSnapshot ({ change, saved, refused }: Save<SnapshotChange>, failure: unknown): Promise<void> {
    const { parentSnapshotId, parentClocks } = change
    const { cursor } = this.#room
    if (parentSnapshotId !== cursor.snapshotId || isError(failure, SecsyncSnapshotBasedOnOutdatedSnapshotError)) {
      const missing = await this.#load({ mode: 'delta', ...parentSnapshotId && { knownSnapshotId: parentSnapshotId } })
      if (missing?.snapshot && sameChange(snapshotChange(JSON.parse(missing.snapshot) as Snapshot), change)) return saved()
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

  async #saved (save: AnySave): Promise<void> {
    save.saved()
    await save.onSend?.()
    // A change that the store had already, byte for byte, has been relayed already.
    if (positionOf(save.change, this.#room.cursor) === 'next') this.#room.relay(save.change, save.connection)
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

function isUpdate (save: AnySave): save is Save<UpdateChange> {
  return save.change.kind === 'update'
}

function isStillWanted (save: AnySave): boolean {
  const isTakenBack = save.isTakenBack()
  if (isTakenBack) save.ignored()
  return !isTakenBack
}
