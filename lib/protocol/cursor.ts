import type { Change, UpdateChange } from './changes.ts'
import { sameClocks, type UpdateClocks } from './clocks.ts'

/**
 * How far somebody is in a document: the active snapshot and the last clock of each of its authors. It is what a client
 * sends as `knownSnapshotId` and `knownSnapshotUpdateClocks`, and what `getDocument` takes to tell what is missing.
 */
export interface Cursor {
  /** Empty: the document has no snapshot yet. */
  snapshotId: string
  clocks: UpdateClocks
  /** How many changes the document has taken, if its store counts them: its order across authors. */
  version?: number | undefined
}

/** Where a change stands: `next` continues the cursor, what is `behind` is known already, anything else leaves a `gap`. */
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

/** Whether two have the same of a document. */
export function sameCursor (a: Cursor, b: Cursor): boolean {
  return a.snapshotId === b.snapshotId && sameClocks(a.clocks, b.clocks)
}

/** Whether one cursor has all that another of the same snapshot has. */
export function isAtLeast (cursor: Cursor, other: Cursor): boolean {
  return Object.entries(other.clocks).every(([author, clock]) => lastClock(cursor, author) >= clock)
}

/** The updates, in their order, of which each continues the cursor or one before it; of an author none behind one that does not. */
export function continuing (updates: readonly UpdateChange[], cursor: Cursor): UpdateChange[] {
  const next = new Map<string, number>()
  return updates.filter((update) => {
    const clock = next.get(update.author) ?? lastClock(cursor, update.author) + 1
    const continues = update.snapshotId === cursor.snapshotId && update.clock === clock
    next.set(update.author, continues ? clock + 1 : NaN)
    return continues
  })
}
