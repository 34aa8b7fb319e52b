import type { Change, UpdateChange } from './changes.ts'
import { sameClocks, type UpdateClocks } from './clocks.ts'

/**
 * A position in a document: the active snapshot and the last clock of each author. Clients send it as `knownSnapshotId` and
 * `knownSnapshotUpdateClocks`. `getDocument` returns the changes after it.
 */
export interface Cursor {
  /** Empty if the document has no snapshot. */
  snapshotId: string
  clocks: UpdateClocks
  /** Number of changes of the document, if the store counts them. It orders changes of different authors. */
  version?: number | undefined
}

/** Position of a change relative to a cursor: `next` continues it, `behind` is known already, `gap` requires missing changes first. */
export type Position = 'next' | 'behind' | 'gap'

export function lastClock (cursor: Cursor, author: string): number {
  return cursor.clocks[author] ?? -1
}

export function positionOf (change: Change, cursor: Cursor): Position {
  if (change.version !== undefined && cursor.version !== undefined) {
    if (change.version <= cursor.version) return 'behind'
    if (change.version > cursor.version + 1) return 'gap'
  }
  if (change.kind === 'snapshot') {
    if (change.snapshotId === cursor.snapshotId) return 'behind'
    return change.parentSnapshotId === cursor.snapshotId && sameClocks(change.parentClocks, cursor.clocks) ? 'next' : 'gap'
  }
  if (change.snapshotId !== cursor.snapshotId) return 'gap'
  const last = lastClock(cursor, change.author)
  if (change.clock <= last) return 'behind'
  return change.clock === last + 1 ? 'next' : 'gap'
}

export function advance (cursor: Cursor, change: Change): void {
  if (change.kind === 'snapshot') {
    cursor.snapshotId = change.snapshotId
    cursor.clocks = {}
  } else {
    cursor.clocks[change.author] = change.clock
  }
  if (change.version !== undefined) cursor.version = change.version
}

export function copyOf (cursor: Cursor): Cursor {
  return { ...cursor, clocks: { ...cursor.clocks } }
}

/** Whether two cursors have the same snapshot and clocks. */
export function sameCursor (a: Cursor, b: Cursor): boolean {
  return a.snapshotId === b.snapshotId && sameClocks(a.clocks, b.clocks)
}

/** Whether `cursor` contains all updates of `other`. Both must have the same snapshot. */
export function isAtLeast (cursor: Cursor, other: Cursor): boolean {
  return Object.entries(other.clocks).every(([author, clock]) => lastClock(cursor, author) >= clock)
}

/**
 * Whether a document can have come from `earlier` to `later` by changes alone. Both versions must be known. A deletion, a restored backup and a repair
 * leave another number of changes between the two than their versions say.
 */
export function isLater (later: Counted, earlier: Counted): boolean {
  const changes = later.version - earlier.version
  if (later.snapshotId !== earlier.snapshotId) return changes >= 1 + countUpdates(later)
  return isAtLeast(later, earlier) && countUpdates(later) - countUpdates(earlier) === changes
}

type Counted = Cursor & { version: number }

export function isCounted (cursor: Cursor): cursor is Counted {
  return cursor.version !== undefined
}

/** On the active snapshot. */
export function countUpdates ({ clocks }: Cursor): number {
  return Object.values(clocks).reduce((sum, clock) => sum + clock + 1, 0)
}

/** Returns the updates that continue the cursor or a previous update. After a gap, all later updates of the author are left out. */
export function continuing (updates: readonly UpdateChange[], cursor: Cursor): UpdateChange[] {
  const next = new Map<string, number>()
  return updates.filter((update) => {
    const clock = next.get(update.author) ?? lastClock(cursor, update.author) + 1
    const continues = update.snapshotId === cursor.snapshotId && update.clock === clock
    next.set(update.author, continues ? clock + 1 : NaN)
    return continues
  })
}
