import { isError, SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, SnapshotConflict, SnapshotIdTaken } from '../errors.ts'
import type { Link } from '../nodes/link.ts'
import * as answers from '../protocol/answers.ts'
import { number, sameChange, snapshotChange } from '../protocol/changes.ts'
import { sameClocks } from '../protocol/clocks.ts'
import { copyOf, sameCursor } from '../protocol/cursor.ts'
import { textFrame } from '../protocol/frame.ts'
import type { Snapshot } from '../protocol/messages.ts'
import type { Known, LoadedDocument } from '../stores/store.ts'
import type { CatchUp } from './catch-up.ts'
import { confirm } from './confirm.ts'
import type { Feed } from './feed.ts'
import { outcomeOf, type Outcome } from './outcome.ts'
import type { StoreCalls } from './store-calls.ts'
import type { SnapshotWrite } from './write.ts'

export interface SnapshotsSettings {
  calls: StoreCalls
  feed: Feed
  catchUp: CatchUp
  link: Link | undefined
}

/** Saves snapshots and answers them. Each call is a turn of the document. */
export class Snapshots {
  readonly #settings: SnapshotsSettings

  constructor (settings: SnapshotsSettings) {
    this.#settings = settings
  }

  async save (write: SnapshotWrite): Promise<void> {
    const { catchUp, feed } = this.#settings
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

  #try ({ change, client }: SnapshotWrite): Promise<Outcome> {
    return outcomeOf(() => this.#settings.calls.saveSnapshot(change, client.request))
  }

  async #publish (write: SnapshotWrite, version: number | undefined, open: SnapshotWrite[]): Promise<void> {
    const { link, catchUp, feed } = this.#settings
    const { change, client } = write
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
