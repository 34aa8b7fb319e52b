import { DocumentFull, isError, SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, SnapshotConflict, SnapshotIdTaken } from '../errors.ts'
import type { Link } from '../nodes/link.ts'
import * as answers from '../protocol/answers.ts'
import { number, sameChange, snapshotChange } from '../protocol/changes.ts'
import { sameClocks } from '../protocol/clocks.ts'
import { copyOf, sameCursor } from '../protocol/cursor.ts'
import { textFrame } from '../protocol/frame.ts'
import type { Snapshot } from '../protocol/messages.ts'
import type { Known, LoadedDocument } from '../stores/store.ts'
import type { CatchUp } from './catch-up.ts'
import type { Client } from './client.ts'
import { confirm } from './confirm.ts'
import type { Feed } from './feed.ts'
import { outcomeOf, type Outcome } from './outcome.ts'
import type { StoreCalls } from './store-calls.ts'
import type { Turn } from './turns.ts'
import type { SnapshotWrite } from './write.ts'

export interface SnapshotsSettings {
  calls: StoreCalls
  feed: Feed
  catchUp: CatchUp
  link: Link | undefined
  takeTurn (turn: Turn): void
  /** Bytes. 0: no limit. */
  maxBytes: number
}

/** Milliseconds for which the second refusal in a row of a document that is full waits. Each later one waits twice as long, up to `maxDelay`. */
const firstDelay = 1000
const maxDelay = 30_000

/** Saves snapshots and answers them. Each call is a turn of the document. */
export class Snapshots {
  readonly #settings: SnapshotsSettings
  /** How many snapshots in a row were refused because the document is full. */
  readonly #full = new WeakMap<Client, { times: number, at: number }>()

  constructor (settings: SnapshotsSettings) {
    this.#settings = settings
  }

  async save (write: SnapshotWrite): Promise<void> {
    const { catchUp, feed, maxBytes } = this.#settings
    if (feed.positionOf(write.change) === 'next' && feed.size.isFull(write.change.text.length, maxBytes)) {
      this.refuseFull(write.client)
      return write.settle({ status: 'refused', error: new DocumentFull() })
    }
    const open = [write]
    let failure: unknown
    for (let tries = 0; ; tries++) {
      const outcome = feed.positionOf(write.change) === 'next' ? await this.#try(write) : undefined
      switch (outcome?.status) {
        case 'saved':
          return await this.#publish(write, outcome.version, open)
        case 'timedOut':
        case 'snapshotRequired':
          return await this.#refuse(write, outcome.error)
        case 'conflict':
        case 'unknown':
        case undefined: {
          failure = outcome?.error
          if (outcome?.status === 'conflict' && await catchUp.waitForBus()) continue
          const before = copyOf(feed.cursor)
          if (!await catchUp.run(open)) return await this.#refuse(write, failure)
          if (open.length === 0) return
          const mayRetry = outcome?.status === 'unknown' && tries === 0
          if (sameCursor(before, feed.cursor) && !mayRetry) return await this.#refuse(write, failure)
        }
      }
    }
  }

  /**
   * There is no room for a snapshot. The published client makes another one at once, so that it is told later each time. Meanwhile it sends nothing,
   * and is sent what others write.
   */
  refuseFull (client: Client): void {
    const last = this.#full.get(client)
    const now = performance.now()
    // A client that waits by itself is told at once.
    const times = last === undefined || now - last.at > 20_000 ? 0 : last.times
    const delay = times === 0 ? 0 : Math.min(firstDelay * 2 ** (times - 1), maxDelay)
    this.#full.set(client, { times: times + 1, at: now + delay })
    const tell = (): void => client.relay(textFrame(...answers.snapshotSaveFailed(undefined, answers.documentFull)))
    if (delay === 0) return tell()
    setTimeout(() => { if (!client.closed) this.#settings.takeTurn(tell) }, delay).unref()
  }

  #try ({ change, client }: SnapshotWrite): Promise<Outcome> {
    return outcomeOf(() => this.#settings.calls.saveSnapshot(change, client.request))
  }

  async #publish (write: SnapshotWrite, version: number | undefined, open: SnapshotWrite[]): Promise<void> {
    const { link, catchUp, feed } = this.#settings
    const { change, client } = write
    this.#full.delete(client)
    number([change], version)
    link?.publish([change])
    await catchUp.reach(change, open)
    // It may have been confirmed on the way.
    if (open.length === 0) return
    confirm(write)
    if (feed.positionOf(change) === 'next') feed.relay(change, client)
  }

  /** The author is sent what it is missing, if that is why. */
  async #refuse (write: SnapshotWrite, failure: unknown): Promise<void> {
    const { change, client, settle } = write
    const { parentSnapshotId, parentClocks } = change
    const { cursor } = this.#settings.feed
    let error = failure
    let missing: answers.DocumentText | undefined
    if (parentSnapshotId !== cursor.snapshotId || isError(failure, SecsyncSnapshotBasedOnOutdatedSnapshotError)) {
      missing = await this.#load({ mode: 'delta', ...parentSnapshotId && { knownSnapshotId: parentSnapshotId } })
      // It was saved before, byte for byte.
      if (missing?.snapshot && sameChange(snapshotChange(JSON.parse(missing.snapshot) as Snapshot), change)) return confirm(write)
      error ??= new SnapshotConflict('the active snapshot as its parent')
    } else if (!sameClocks(parentClocks, cursor.clocks) || isError(failure, SecsyncSnapshotMissesUpdatesError)) {
      const document = await this.#load({ mode: 'delta', knownSnapshotId: parentSnapshotId, knownSnapshotUpdateClocks: parentClocks })
      missing = document && { updates: document.updates }
      error ??= new SnapshotConflict('all updates of its parent')
    } else {
      // Without a failure it was not even tried: it has the id of the active snapshot.
      error ??= new SnapshotIdTaken()
    }
    client.relay(textFrame(...answers.snapshotSaveFailed(missing)))
    settle({ status: 'refused', error })
  }

  async #load (known: Known): Promise<LoadedDocument | undefined> {
    try {
      return await this.#settings.calls.load(known)
    } catch {
      // The sender is refused without what it is missing. The failed write is what gets reported.
      return undefined
    }
  }
}
