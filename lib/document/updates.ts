import { DocumentFull, isError, SecsyncNewSnapshotRequiredError, StoreUnavailable, UpdateConflict } from '../errors.ts'
import type { Link } from '../nodes/link.ts'
import * as answers from '../protocol/answers.ts'
import { number } from '../protocol/changes.ts'
import { copyOf, lastClock, sameCursor } from '../protocol/cursor.ts'
import { textFrame } from '../protocol/frame.ts'
import type { CatchUp } from './catch-up.ts'
import type { Compaction } from './compaction.ts'
import { confirm } from './confirm.ts'
import type { Feed } from './feed.ts'
import { outcomeOf } from './outcome.ts'
import type { StoreCalls } from './store-calls.ts'
import type { StoredUpdates } from './stored-updates.ts'
import { failuresAtOnce, type UpdateFailures } from './update-failures.ts'
import type { UpdateStream } from './update-stream.ts'
import { removeWrite, type RefusedUpdate, type UpdateWrite } from './write.ts'

/** A conflict with an update that has more behind it than this costs no load. */
const maxLoadedAgain = 100

export interface UpdatesSettings {
  calls: StoreCalls
  feed: Feed
  catchUp: CatchUp
  stored: StoredUpdates
  failures: UpdateFailures
  link: Link | undefined
  /** On one snapshot. A client that comes back has the clock of each in its URL. */
  maxAuthors: number
  /** Bytes. 0: no limit. */
  maxBytes: number
  compaction: Compaction
}

/** Why a batch was not saved. */
interface Failure {
  error: unknown
  /** To try again makes no sense. */
  isFinal: boolean
}

interface Admitted {
  /** These continue the cursor. */
  batch: UpdateWrite[]
  /** These are refused without being tried. */
  failing: Array<{ write: UpdateWrite, error: Error }>
}

/** Saves updates and answers them. Each call is a turn of the document. */
export class Updates {
  readonly #settings: UpdatesSettings
  /** The updates that are being saved. */
  #open: UpdateWrite[] = []

  constructor (settings: UpdatesSettings) {
    this.#settings = settings
  }

  /**
   * Saves what continues the cursor. The store may have more: then the clients are brought up to date, and what still continues is tried
   * again. A group that fails is tried for each connection on its own, so that nobody pays for another.
   */
  async save (take: () => UpdateWrite[]): Promise<void> {
    const { calls, catchUp } = this.#settings
    // More updates can come while this one waits for a slot.
    let slot = await calls.takeSlot()
    const open = this.#open = take()
    let isSplit = !calls.groupsUpdates
    if (this.#mayBeBehind(open.map(({ change }) => change)) && !await catchUp.run(open)) {
      // A client that takes an update back anyway is not told of a second failure.
      const { batch, failing } = this.#admit(open, isSplit)
      for (const write of firstOfEachStream(batch)) await this.#refuse(write, open, new StoreUnavailable())
      for (const { write, error } of failing) {
        await this.#refuse(write, open, isError(error, SecsyncNewSnapshotRequiredError) ? error : new StoreUnavailable())
      }
    }
    for (;;) {
      const { batch, failing } = this.#admit(open, isSplit)
      if (batch.length + failing.length === 0) break
      if (batch.length > 0) {
        const failure = await this.#saveBatch(batch, open, slot)
        slot = undefined
        if (failure !== undefined && !failure.isFinal && hasSeveralClients(batch)) isSplit = true
        else if (failure !== undefined) for (const write of firstOfEachStream(batch)) await this.#refuse(write, open, failure.error)
      }
      for (const { write, error } of failing) await this.#refuse(write, open, error)
    }
    slot?.()
  }

  /** Whether one of these may continue something that is stored and was not relayed yet. */
  #mayBeBehind (updates: Array<{ snapshotId: string, author: string, clock: number }>): boolean {
    const { feed } = this.#settings
    const next = new Map<string, number>()
    return updates.some(({ snapshotId, author, clock }) => {
      if (feed.hasReplaced(snapshotId)) return false
      const expected = next.get(author) ?? lastClock(feed.cursor, author) + 1
      next.set(author, expected + 1)
      return snapshotId !== feed.cursor.snapshotId || clock > expected
    })
  }

  /** Decides what may be saved now. Of an author, nothing is looked at behind an update that may not. */
  #admit (open: UpdateWrite[], isSplit: boolean): Admitted {
    const { feed, calls, failures, compaction, maxBytes } = this.#settings
    const { cursor } = feed
    const batch: UpdateWrite[] = []
    const failing: Admitted['failing'] = []
    const next = new Map<string, number>()
    const blocked = new Set<string>()
    let bytes = 0
    for (const write of [...open]) {
      const { change, client } = write
      const { author } = change
      if (blocked.has(author)) continue
      const stream = client.streamOf(author)
      const expected = next.get(author) ?? lastClock(cursor, author) + 1
      const verdict = stream.admit(change, cursor, expected)
      switch (verdict) {
        case 'save':
          if (feed.size.isFull(bytes + change.text.length, maxBytes)) {
            failing.push({ write, error: new DocumentFull() })
            blocked.add(author)
          } else if (expected === 0 && this.#hasTooManyAuthors(next)) {
            failing.push({ write, error: new SecsyncNewSnapshotRequiredError('The snapshot has updates of too many authors') })
            blocked.add(author)
          } else if (!next.has(author) && compaction.asks(client)) {
            failing.push({ write, error: new SecsyncNewSnapshotRequiredError('The snapshot has too many updates') })
            blocked.add(author)
          } else if (isSplit && batch.length > 0 && (!calls.groupsUpdates || batch[0]?.client !== client)) {
            blocked.add(author)
          } else {
            batch.push(write)
            next.set(author, expected + 1)
            bytes += change.text.length
          }
          break
        case 'fail':
        case 'requireSnapshot':
          failing.push({ write, error: verdict === 'fail' ? new UpdateConflict() : new SecsyncNewSnapshotRequiredError('The update is ambiguous') })
          blocked.add(author)
          break
        case 'owe':
        case 'drop':
          if (verdict === 'owe') failures.tellOnNextSnapshot(client, author)
          removeWrite(open, write)
          write.settle({ status: 'dropped' })
          break
      }
    }
    return { batch, failing }
  }

  #hasTooManyAuthors (next: Map<string, number>): boolean {
    const { feed: { cursor: { clocks } }, maxAuthors } = this.#settings
    const newAuthors = [...next.keys()].filter((author) => clocks[author] === undefined)
    return Object.keys(clocks).length + newAuthors.length >= maxAuthors
  }

  /** Returns why the batch was not saved. After `undefined`, the rest of `open` is looked at again. */
  async #saveBatch (batch: UpdateWrite[], open: UpdateWrite[], slot: (() => void) | undefined): Promise<Failure | undefined> {
    const { calls, catchUp, feed } = this.#settings
    const changes = batch.map(({ change }) => change)
    let giveBack = slot
    for (let hasCaughtUp = false; ;) {
      giveBack ??= await calls.takeSlot()
      const outcome = await outcomeOf(() => calls.saveUpdates(changes, batch[0]?.client.request, giveBack))
      giveBack = undefined
      switch (outcome.status) {
        case 'saved':
          await this.#publish(batch, outcome.version, open)
          return undefined
        case 'timedOut':
        case 'snapshotRequired':
          return { error: outcome.error, isFinal: true }
        case 'conflict':
        case 'unknown': {
          if (outcome.status === 'conflict' && await catchUp.waitForBus()) return undefined
          const before = copyOf(feed.cursor)
          if (!await catchUp.run(open)) return { error: outcome.error, isFinal: true }
          if (!sameCursor(before, feed.cursor)) return undefined
          if (hasCaughtUp || outcome.status === 'conflict') return await this.#failureOf(batch, outcome.error)
          // It is not there. Upstream's server tries again, too, before it tells the client.
          hasCaughtUp = true
        }
      }
    }
  }

  /** Of a client that fails again and again, it may be that the document is no longer there. */
  async #failureOf (batch: UpdateWrite[], error: unknown): Promise<Failure> {
    const failsAgain = batch.some(({ change, client }) => client.streamOf(change.author).failures >= failuresAtOnce)
    if (failsAgain) await this.#settings.catchUp.run([], 'complete')
    return { error, isFinal: false }
  }

  /** The store has put these behind each other; the document has this version with the last. */
  async #publish (batch: UpdateWrite[], version: number | undefined, open: UpdateWrite[]): Promise<void> {
    const { link, catchUp, feed } = this.#settings
    const changes = batch.map(({ change }) => change)
    number(changes, version)
    link?.publish(changes)
    const [first] = changes
    if (first !== undefined) await catchUp.reach(first, open)
    for (const write of batch) {
      // It may have been confirmed on the way.
      if (!removeWrite(open, write)) continue
      confirm(write)
      // What the store had already, byte for byte, was relayed already.
      if (feed.positionOf(write.change) === 'next') feed.relay(write.change, write.client)
    }
  }

  /** What is stored already, byte for byte, did not fail. */
  async #refuse (write: UpdateWrite, open: UpdateWrite[], error: unknown): Promise<void> {
    const { feed: { cursor }, stored, failures } = this.#settings
    const { change, client } = write
    // It may have been confirmed meanwhile.
    if (!removeWrite(open, write)) return
    if (change.snapshotId === cursor.snapshotId && change.clock <= lastClock(cursor, change.author)) {
      try {
        if (await stored.has(change, cursor)) return confirm(write)
        // The client numbers on from what it has received.
        const isRecent = lastClock(cursor, change.author) - change.clock < maxLoadedAgain
        const taken = isRecent ? await stored.find(change, cursor) : undefined
        if (taken !== undefined) client.relay(textFrame(answers.update(taken.text)))
      } catch {
        // The store is away. The failure that is reported is the first one.
      }
    }
    failures.tell(client, change.author, change, error)
    write.settle({ status: 'refused', error })
  }

  /**
   * Another snapshot is about to be relayed. Updates that were received and not saved are refused before that: what their clients send on the
   * new snapshot comes after they have heard of it. For updates that are still under way, see `UpdateStream`.
   */
  refuseReplaced (waiting: UpdateWrite[]): void {
    const error = new UpdateConflict()
    for (const { change, client, settle } of [...this.#open.splice(0), ...waiting]) this.#refuseNow({ ...change, client, error, settle })
  }

  /** Answers an update that was refused before it came to the store. */
  async refuse (refused: RefusedUpdate): Promise<void> {
    if (this.#mayBeBehind([refused])) await this.#settings.catchUp.run()
    this.#refuseNow(refused)
  }

  #refuseNow ({ client, author, snapshotId, clock, error, settle }: RefusedUpdate): void {
    const { feed: { cursor }, failures } = this.#settings
    const stream = client.streamOf(author)
    const position = { snapshotId, clock }
    const verdict = stream.admit(position, cursor, lastClock(cursor, author) + 1)
    switch (verdict) {
      case 'owe':
      case 'drop':
        if (verdict === 'owe') failures.tellOnNextSnapshot(client, author)
        return settle({ status: 'dropped' })
      case 'save':
      case 'fail':
      case 'requireSnapshot':
        failures.tell(client, author, position, verdict === 'requireSnapshot' ? new SecsyncNewSnapshotRequiredError('The update is ambiguous') : error)
        return settle({ status: 'refused', error })
    }
  }
}

function hasSeveralClients (batch: UpdateWrite[]): boolean {
  return batch.some(({ client }) => client !== batch[0]?.client)
}

function firstOfEachStream (batch: UpdateWrite[]): UpdateWrite[] {
  const streams = new Set<UpdateStream>()
  return batch.filter(({ change, client }) => {
    const stream = client.streamOf(change.author)
    const isFirst = !streams.has(stream)
    streams.add(stream)
    return isFirst
  })
}
