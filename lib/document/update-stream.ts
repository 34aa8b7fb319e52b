import type { Cursor } from '../protocol/cursor.ts'

/**
 * What happens to an update:
 * - `save`: it continues what its author has saved.
 * - `drop`: its client takes it back anyway, so it gets no answer.
 * - `owe`: as `drop`, and the client must still be told that an update failed.
 * - `fail`: it is refused.
 * - `requireSnapshot`: it cannot be told whether the client takes it back. The client has to send a snapshot.
 */
export type Verdict = 'save' | 'drop' | 'owe' | 'fail' | 'requireSnapshot'

export type StreamState =
  | { name: 'following' }
  /**
   * A failure was sent. `last` is the clock of the last update that was sent before the client knew of it. The client begins again at `next`, or at
   * a later clock if it is sent more updates of its author.
   */
  | { name: 'failed', snapshotId: string, last: number, next: number }
  /** The client was told to send a snapshot. */
  | { name: 'snapshotRequired' }
  /** A failure has to be sent, for an update of a snapshot that was replaced, or for an update of this snapshot. */
  | { name: 'owing', owed: Owed | undefined }

/** A failure that waits, for the update with `clock`. `last` is the clock of the last update that was dropped behind it. */
export interface Owed {
  snapshotId: string
  clock: number
  last: number
}

/** What the stream has to know about an update. */
export interface Position {
  snapshotId: string
  clock: number
}

/**
 * The updates of one author on one connection, in the order in which they were sent.
 *
 * The published client (createSyncMachine.ts) sends update n+1 without waiting for n. When it hears that any update failed, it takes back
 * all that are in flight and sends their changes again, as one update, under the clock after the last one that was confirmed. And
 * it takes `update-saved` for a confirmation of whatever is in flight under that clock. So of two updates with one clock, only the second
 * may be saved: an acknowledgement of the first would confirm the changes of the second, which nobody has.
 *
 * Which of the two an update is can be told by its clock alone. Before a client hears of a failure at clock n, its clocks are n+1, n+2, …
 * without a gap; then it begins again at the next clock that its author may use. What comes in between is dropped. Neither a pong nor
 * time can tell: a pong comes from a network layer or a proxy, and a client may be busy for any length of time.
 *
 * Two cases are ambiguous:
 * - The next clock is also the one that continues what was sent before, or the client was relayed updates of its own author, from another
 *   connection, which move its clock. Then the client is told to send a snapshot. It sends no update
 *   while a snapshot is in flight, and everything that comes before the snapshot is old.
 * - A snapshot of somebody else replaces the active one. Then updates on the new snapshot may be sent before the client knows that those
 *   on the old one have failed. The failure is owed until an update on the new snapshot has come, and is sent for that one.
 */
export class UpdateStream {
  state: StreamState = { name: 'following' }
  /** Failures in a row. */
  failures = 0
  readonly confirmsByClock: boolean
  /** The last update of the author that the client had with its document, or has sent here. */
  #own: Position | undefined

  /**
   * `confirmsByClock` is false for a client that never uses one clock for two different updates. `own` is the last update of the author in
   * the document that the client was sent.
   */
  constructor (confirmsByClock: boolean, own?: Position) {
    this.confirmsByClock = confirmsByClock
    this.#own = own
  }

  /** `next` is the clock that continues what is saved, or is about to be, of the author. */
  admit ({ snapshotId, clock }: Position, active: Cursor, next: number): Verdict {
    const { state } = this
    if (snapshotId !== active.snapshotId) return this.#admitReplaced()
    switch (state.name) {
      case 'following':
        return clock === next ? 'save' : 'fail'
      case 'failed':
        return this.#admitAfterFailure(state, clock, active, next)
      case 'snapshotRequired':
        if (this.confirmsByClock) return 'drop'
        this.state = { name: 'following' }
        return clock === next ? 'save' : 'fail'
      case 'owing':
        // The client may have sent this before it knew that those on the old snapshot have failed. It is told now, for this one.
        if (state.owed?.snapshotId !== snapshotId) return 'fail'
        state.owed.last = clock
        return 'drop'
    }
  }

  #admitReplaced (): Verdict {
    if (!this.confirmsByClock) return 'fail'
    switch (this.state.name) {
      case 'following':
      case 'failed':
        this.state = { name: 'owing', owed: undefined }
        return 'owe'
      case 'snapshotRequired':
      case 'owing':
        return 'drop'
    }
  }

  #admitAfterFailure (state: StreamState & { name: 'failed' }, clock: number, active: Cursor, next: number): Verdict {
    // The client heard of the failure before it heard of the new snapshot: both came in this order.
    if (state.snapshotId !== active.snapshotId) {
      this.state = { name: 'following' }
      return clock === next ? 'save' : 'fail'
    }
    const continuesOld = clock === state.last + 1
    const beginsAgain = clock >= state.next && clock <= next
    // An update of its author that was sent from elsewhere moves the clock of the client, too, before it knows of the failure.
    const wasMoved = next - 1 > (this.#own?.snapshotId === active.snapshotId ? this.#own.clock : -1)
    if ((continuesOld || wasMoved) && beginsAgain && this.confirmsByClock) return 'requireSnapshot'
    if (beginsAgain) {
      this.state = { name: 'following' }
      return clock === next ? 'save' : 'fail'
    }
    const isOld = continuesOld && (this.confirmsByClock || clock > next)
    if (isOld) state.last = clock
    return isOld ? 'drop' : 'fail'
  }

  /** A failure is sent for this update. `next` is the clock that continues what is saved of the author. */
  failed ({ snapshotId, clock }: Position, next: number): void {
    this.failures++
    this.state = { name: 'failed', snapshotId, last: clock, next }
  }

  /** A failure will be sent for this update, later. */
  owes ({ snapshotId, clock }: Position): void {
    this.state = { name: 'owing', owed: { snapshotId, clock, last: clock } }
  }

  /** The failure that is owed for an update of this snapshot. */
  owedOn (snapshotId: string): Owed | undefined {
    return this.state.name === 'owing' && this.state.owed?.snapshotId === snapshotId ? this.state.owed : undefined
  }

  /** The client is told to send a snapshot. */
  requiresSnapshot (): void {
    this.failures++
    this.state = { name: 'snapshotRequired' }
  }

  saved ({ snapshotId, clock }: Position): void {
    this.failures = 0
    this.#own = { snapshotId, clock }
  }

  /**
   * A snapshot of this client has come. It sends no update before that is answered, so that a failure that is owed can be sent now.
   * Returns whether one is: updates in flight when a snapshot was required are not confirmed by it.
   */
  settle (): boolean {
    if (this.state.name !== 'owing' && this.state.name !== 'snapshotRequired') return false
    this.state = { name: 'following' }
    return this.confirmsByClock
  }
}
