import { setImmediate } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { SnapshotWrite, UpdateWrite } from './write.ts'

/** Something that must not happen during a write. */
export type Turn = () => void | Promise<void>

type Item =
  | { kind: 'update', write: UpdateWrite }
  | { kind: 'snapshot', write: SnapshotWrite }
  | { kind: 'turn', turn: Turn }

/** How many updates go into one statement at the most, and how many characters. A single update may be longer. */
const maxGroup = 500
const maxGroupLength = 4 * 1024 * 1024

/** What the turns do. */
export interface TurnHandlers {
  /** `take` gives the updates to save together, as late as possible: more may come while this one waits for a connection. */
  saveUpdates (take: () => UpdateWrite[]): Promise<void>
  saveSnapshot (write: SnapshotWrite): Promise<void>
  /** Nothing is left to do. */
  idle (): void
}

/**
 * The turns of a document: one thing after the other, in the order in which it was handed over. Updates that arrive during a write
 * are saved together by the next. A turn that throws is logged, and the next one follows.
 */
export class Turns {
  readonly #handlers: TurnHandlers
  readonly #log: FastifyBaseLogger
  #queue: Item[] = []
  #isRunning = false
  /** Milliseconds that the last write took. */
  #lastWrite = 1
  /** Updates in the last group. */
  #lastGroup = 1

  constructor (handlers: TurnHandlers, log: FastifyBaseLogger) {
    this.#handlers = handlers
    this.#log = log
  }

  get isBusy (): boolean {
    return this.#isRunning
  }

  saveUpdate (write: UpdateWrite): void {
    this.#add({ kind: 'update', write })
  }

  saveSnapshot (write: SnapshotWrite): void {
    this.#add({ kind: 'snapshot', write })
  }

  take (turn: Turn): void {
    this.#add({ kind: 'turn', turn })
  }

  #add (item: Item): void {
    this.#queue.push(item)
    void this.#run()
  }

  async #run (): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    for (let item = this.#queue[0]; item !== undefined; item = this.#queue[0]) {
      await this.#gather()
      try {
        await this.#handle(item)
      } catch (err) {
        this.#log.error({ err }, 'secsync: a turn of a document failed')
      }
      // Updates that could not even be looked at.
      if (this.#queue[0] === item) this.#queue.shift()
    }
    this.#isRunning = false
    this.#handlers.idle()
  }

  async #handle (item: Item): Promise<void> {
    switch (item.kind) {
      case 'update': {
        const startedAt = performance.now()
        await this.#handlers.saveUpdates(() => this.#takeUpdates(item.write.change.snapshotId))
        this.#lastWrite = performance.now() - startedAt
        return
      }
      case 'snapshot':
        this.#queue.shift()
        return await this.#handlers.saveSnapshot(item.write)
      case 'turn':
        this.#queue.shift()
        return await item.turn()
    }
  }

  /**
   * A pipeline is committed in two halves, not as its first update and the rest: while one half is written, the other is verified. So
   * this waits for half as many updates as the last group had. It stops when a turn of the event loop brings no more, or after the time
   * that the last write took.
   */
  async #gather (): Promise<void> {
    const end = performance.now() + this.#lastWrite
    let length
    do {
      length = this.#queue.length
      await setImmediate()
    } while (this.#queue.length > length && this.#queue.length < this.#lastGroup / 2 && performance.now() < end)
  }

  /** Takes out the updates that wait, but those on this snapshot: it is about to replace theirs. */
  takeUpdatesOnOthers (snapshotId: string): UpdateWrite[] {
    const taken: UpdateWrite[] = []
    this.#queue = this.#queue.filter((item) => {
      const isTaken = item.kind === 'update' && item.write.change.snapshotId !== snapshotId
      if (isTaken) taken.push(item.write)
      return !isTaken
    })
    return taken
  }

  /** The updates of one snapshot at the head of the queue. */
  #takeUpdates (snapshotId: string): UpdateWrite[] {
    const group: UpdateWrite[] = []
    let length = 0
    for (const item of this.#queue) {
      if (item.kind !== 'update' || item.write.change.snapshotId !== snapshotId || group.length === maxGroup) break
      length += item.write.change.text.length
      if (length > maxGroupLength && group.length > 0) break
      group.push(item.write)
    }
    this.#queue.splice(0, group.length)
    this.#lastGroup = group.length
    return group
  }
}
