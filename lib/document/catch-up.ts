import { randomInt } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import { patience, type Link } from '../nodes/link.ts'
import { changesOf, number, type Change } from '../protocol/changes.ts'
import { copyOf, isAtLeast, isCounted, isLater, sameCursor, type Cursor } from '../protocol/cursor.ts'
import type { Known, LoadedDocument } from '../stores/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { confirm } from './confirm.ts'
import type { Feed } from './feed.ts'
import type { StoreCalls } from './store-calls.ts'
import type { Turn } from './turns.ts'
import { takeWrite, type Write } from './write.ts'

/** Milliseconds. After an outage of the store, nobody is behind for longer than by default without one (`checkInterval`). */
const maxDelay = 10_000

export interface CatchUpSettings {
  calls: StoreCalls
  feed: Feed
  /** To the other nodes, if there are any. */
  link: Link | undefined
  takeTurn (turn: Turn): void
  telemetry: Telemetry
  log: FastifyBaseLogger
}

/** Brings the clients of a document up to the store: by what other nodes tell, or by asking the store what is missing. */
export class CatchUp {
  readonly #settings: CatchUpSettings
  #timer: NodeJS.Timeout | undefined
  #isPlanned = false
  #failures = 0
  #hasEnded = false

  constructor (settings: CatchUpSettings) {
    this.#settings = settings
  }

  /** Whether the store could not be asked: the clients may lack what others have saved. */
  get isBehind (): boolean {
    return this.#failures > 0
  }

  /** Relays what other nodes have told, as far as it continues the cursor. Of `old`, nothing needs to wait for what is missing. */
  relayReceived (old: Change[] = []): void {
    const { link, feed } = this.#settings
    if (link === undefined) return
    const before = new Set(old)
    const early = link.take(old).filter((change) => {
      const position = feed.positionOf(change)
      if (position === 'next') feed.relay(change)
      return position === 'gap' && !before.has(change)
    })
    link.keepEarly(early)
  }

  /** Waits a short time for what other nodes tell. Returns whether it was enough. */
  async #waitForBus (isEnough: () => boolean): Promise<boolean> {
    const deadline = performance.now() + patience
    do this.relayReceived()
    while (!isEnough() && await this.#settings.link?.more(deadline))
    return isEnough()
  }

  /** Brings the clients up to a change that was saved here, when others have saved something before it. */
  async reach (change: Change, open: Write[]): Promise<void> {
    const isReached = (): boolean => this.#settings.feed.positionOf(change) !== 'gap'
    if (!isReached() && !await this.#waitForBus(isReached)) await this.run(open)
  }

  /** After a conflict: what another node has saved may be on its way. Returns whether something came. */
  async waitForBus (): Promise<boolean> {
    const { feed } = this.#settings
    const before = copyOf(feed.cursor)
    return await this.#waitForBus(() => !sameCursor(before, feed.cursor))
  }

  /** Plans a catch-up, unless one is planned. `version`, if known, is that of the store: nothing is done when the clients are there. */
  plan (version?: number): void {
    const { feed, takeTurn } = this.#settings
    if (this.#hasEnded || this.#isPlanned || this.#timer !== undefined) return
    if (version !== undefined && version <= (feed.cursor.version ?? -1)) return
    this.#isPlanned = true
    takeTurn(async () => {
      this.#isPlanned = false
      await this.run()
    })
  }

  /** After a failure: plans a catch-up, later each time. */
  #planLater (): void {
    if (this.#hasEnded || this.#timer !== undefined) return
    const delay = Math.min(1000 * 2 ** this.#failures++, maxDelay)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.plan()
    }, randomInt(delay / 2, delay))
  }

  /**
   * Asks the store what is missing and relays it. Writes of `open` that turn out to be saved are confirmed, in their place in the order,
   * and taken out. Returns false when the store failed; another catch-up follows by itself.
   *
   * A store of the user's may answer a delta with nothing when the document was deleted or set back: `mode: 'complete'` finds that out.
   */
  async run (open: Write[] = [], mode: Known['mode'] = 'delta'): Promise<boolean> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { calls, feed, link, log, telemetry } = this.#settings
    const before = copyOf(feed.cursor)
    // These changes were in the store before it is asked.
    const received = link?.take() ?? []
    let document: LoadedDocument | undefined
    const { snapshotId, clocks } = before
    const isDelta = mode === 'delta' && snapshotId !== ''
    try {
      document = await calls.load({ mode, ...isDelta && { knownSnapshotId: snapshotId, knownSnapshotUpdateClocks: clocks } })
    } catch (err) {
      log.error({ err }, 'secsync: catching up with the store failed')
      link?.keepEarly(received)
      this.#planLater()
      telemetry.caughtUp('failed')
      return false
    }
    this.#failures = 0
    const stored = document?.cursor ?? { snapshotId: '', clocks: {} }
    const isRolledBack = wasRolledBack(stored, before) || (isDelta && isCounted(stored) && document?.snapshotProofChain === '[]')
    if (document === undefined) {
      feed.rollBack(stored)
    } else {
      // A delta has the proofs of all snapshots behind the known one, if that is there.
      if (isRolledBack) feed.rollBack(document.cursor, document.bytes)
      this.#follow(document, before, received, open, isRolledBack)
    }
    telemetry.caughtUp(isRolledBack ? 'rolledBack' : sameCursor(before, feed.cursor) ? 'current' : 'behind')
    return true
  }

  #follow (document: LoadedDocument, before: Cursor, received: Change[], open: Write[], isRolledBack: boolean): void {
    const { feed, link } = this.#settings
    const { version } = document.cursor
    // A document has no updates of snapshots that were replaced. If they were told, nobody has to do without.
    if (!isRolledBack && before.version !== undefined) this.relayReceived(received)
    if (version !== undefined && feed.cursor.version !== undefined && version <= feed.cursor.version) return
    const changes = changesOf(document)
    number(changes, version)
    let hasConfirmed = false
    for (const change of changes) {
      const position = feed.positionOf(change)
      if (position === 'behind') continue
      // Only the snapshot can leave a gap: its parent's updates are gone. What follows it continues it.
      if (position === 'gap' && change.kind === 'snapshot') feed.dropThoseBehind(change)
      const write = takeWrite(open, change)
      if (write !== undefined) {
        confirm(write)
        hasConfirmed = true
      }
      feed.relay(change, write?.client)
    }
    feed.countTo(version)
    feed.size.loaded(document.bytes, feed.cursor)
    if (hasConfirmed) link?.publishSaved(version)
  }

  end (): void {
    this.#hasEnded = true
    clearTimeout(this.#timer)
  }
}

/** Whether a store has less than the clients, or something else. Without versions this can be told of one snapshot only, or of no document. */
function wasRolledBack (stored: Cursor, clients: Cursor): boolean {
  if (isCounted(stored) && isCounted(clients)) return !isLater(stored, clients)
  if (stored.snapshotId !== clients.snapshotId) return stored.snapshotId === ''
  return !isAtLeast(stored, clients)
}
