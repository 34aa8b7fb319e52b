import { randomInt } from 'node:crypto'
import { DocumentFull, isConflict, isError, SecsyncNewSnapshotRequiredError } from '../errors.ts'
import * as answers from '../protocol/answers.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { lastClock } from '../protocol/cursor.ts'
import { textFrame } from '../protocol/frame.ts'
import type { Client } from './client.ts'
import type { Feed } from './feed.ts'
import type { Turn } from './turns.ts'
import type { Position } from './update-stream.ts'

/** Milliseconds for which a failure that is owed waits for an update on the new snapshot. Then the client has to come back. */
const maxOwed = 1000

/** So many failures in a row are told at once. Later ones wait, for longer each time (milliseconds). A conflict may need some tries. */
export const failuresAtOnce = 2
const conflictsAtOnce = 50
const firstDelay = 200
const maxDelay = 5000

/** For a client that can tell its user. */
function reasonOf (error: unknown): answers.Reason | undefined {
  return error instanceof DocumentFull ? answers.documentFull : undefined
}

export interface UpdateFailuresSettings {
  feed: Feed
  takeTurn (turn: Turn): void
}

/** Tells clients that their updates have failed: at once, later, or with the first update on the next snapshot. See `UpdateStream`. */
export class UpdateFailures {
  readonly #settings: UpdateFailuresSettings

  constructor (settings: UpdateFailuresSettings) {
    this.#settings = settings
  }

  tell (client: Client, author: string, position: Position, error: unknown): void {
    const stream = client.streamOf(author)
    if (isError(error, SecsyncNewSnapshotRequiredError)) {
      stream.requiresSnapshot()
      client.relay(textFrame(answers.updateSaveFailed(position.snapshotId, position.clock, true)))
      return
    }
    const late = stream.failures - (isConflict(error) ? conflictsAtOnce : failuresAtOnce)
    if (late < 0) {
      stream.failed(position, lastClock(this.#settings.feed.cursor, author) + 1)
      client.relay(textFrame(answers.updateSaveFailed(position.snapshotId, position.clock, false, reasonOf(error))))
    } else {
      // No retry mends it at once.
      stream.owes(position)
      const delay = Math.min(firstDelay * 2 ** late, maxDelay)
      this.#tellLater(client, author, randomInt(delay / 2, delay))
    }
  }

  /** The update was on a snapshot that has been replaced. Its client is told with its first update on the new one. */
  tellOnNextSnapshot (client: Client, author: string): void {
    this.#tellLater(client, author, maxOwed)
  }

  /** A snapshot of this client has come: it sends no update until that is answered. */
  tellBeforeSnapshot (client: Client, author: string): void {
    const { feed: { cursor } } = this.#settings
    if (client.streamOf(author).settle()) client.relay(textFrame(answers.updateSaveFailed(cursor.snapshotId, undefined)))
  }

  #tellLater (client: Client, author: string, ms: number): void {
    const stream = client.streamOf(author)
    const owing = stream.state
    setTimeout(() => {
      if (stream.state === owing && !client.closed) this.#settings.takeTurn(() => { if (stream.state === owing) this.#tellOwed(client, author) })
    }, ms).unref()
  }

  /** Sends a failure that is owed, in a turn: what is relayed before and after it matters. */
  #tellOwed (client: Client, author: string): void {
    const { feed: { cursor } } = this.#settings
    const stream = client.streamOf(author)
    const owed = stream.owedOn(cursor.snapshotId)
    if (owed === undefined) {
      client.relay(textFrame(answers.updateSaveFailed(cursor.snapshotId, undefined)))
      if (stream.confirmsByClock) client.close(closeCodes.tryAgainLater, 'missed a snapshot')
      else stream.state = { name: 'following' }
      return
    }
    stream.failed({ snapshotId: cursor.snapshotId, clock: owed.last }, lastClock(cursor, author) + 1)
    client.relay(textFrame(answers.updateSaveFailed(cursor.snapshotId, owed.clock)))
  }
}
