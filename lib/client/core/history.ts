import { isChild, isDescendant } from '../crypto/proof.ts'
import { ClientError } from '../errors.ts'
import type { SnapshotInfo } from '../options.ts'
import type { Snapshot, Update } from '../../protocol/messages.ts'
import type { SnapshotProofChainEntry } from '../../protocol/chain.ts'

/** What this client has verified of a document: the active snapshot, and of each author the updates on it. */
export interface History {
  readonly active: SnapshotInfo
  /** By author, a mark of each update: its index is the clock. A server that puts another update in its place is found out. */
  readonly marks: Marks
}

export function historyFrom (active: SnapshotInfo): History {
  return { active, marks: new Map() }
}

export function lastClock ({ marks }: History, author: string): number {
  return (marks.get(author)?.length ?? 0) - 1
}

export function clocksOf ({ marks }: History): Record<string, number> {
  return Object.fromEntries([...marks].map(([author, { length }]) => [author, length - 1]))
}

/** 48 bits of a signature. */
function markOf (signature: string): number {
  let mark = 0
  for (let i = 0; i < 8; i++) mark = mark * 64 + (signature.charCodeAt(i) & 63)
  return mark
}

/**
 * Whether a snapshot continues what is known: it is the active one (`known`), or becomes it (`next`). Throws `SECSYNC_INVALID_HISTORY` if it does
 * not descend from the active one, and `SECSYNC_HISTORY_LOST` if its author had not been given updates that this client has been given.
 */
export function placeSnapshot (
  history: History | undefined, snapshot: Snapshot, entry: SnapshotProofChainEntry, chain: readonly SnapshotProofChainEntry[]
): 'known' | 'next' {
  if (history === undefined) return 'next'
  const { active } = history
  if (entry.snapshotId === active.snapshotId) {
    const isSame = entry.snapshotCiphertextHash === active.snapshotCiphertextHash && entry.parentSnapshotProof === active.parentSnapshotProof
    if (!isSame) throw new ClientError('SECSYNC_INVALID_HISTORY', `There are two snapshots with the id ${entry.snapshotId}`)
    return 'known'
  }
  if (chain.length > 0 ? !isDescendant(entry, active, chain) : !isChild(snapshot, active)) {
    throw new ClientError('SECSYNC_INVALID_HISTORY', `The snapshot ${entry.snapshotId} does not descend from ${active.snapshotId}`)
  }
  const { parentSnapshotId, parentSnapshotUpdateClocks } = snapshot.publicData
  if (parentSnapshotId === active.snapshotId) {
    for (const [author, clock] of Object.entries(clocksOf(history))) {
      if ((parentSnapshotUpdateClocks[author] ?? -1) < clock) {
        throw new ClientError('SECSYNC_HISTORY_LOST', `The snapshot ${entry.snapshotId} was made without update ${clock} of ${author}`)
      }
    }
  }
  return 'next'
}

/** Where an update stands: `next` continues its author's clocks, what is `behind` is known, a `gap` means that one is missing before it. */
export type UpdatePosition = 'next' | 'behind' | 'gap' | 'otherSnapshot'

/** Marks of updates by author, as in `History`. */
export type Marks = Map<string, number[]>

/** `ahead`: updates that continue the history and are about to be taken. Throws `SECSYNC_HISTORY_LOST` if another update is known under its clock. */
export function placeUpdate (
  history: History, { signature, publicData: { refSnapshotId, pubKey, clock } }: Update, ahead?: Marks
): UpdatePosition {
  if (refSnapshotId !== history.active.snapshotId) return 'otherSnapshot'
  const marks = history.marks.get(pubKey) ?? []
  const more = ahead?.get(pubKey) ?? []
  const known = clock < marks.length ? marks[clock] : more[clock - marks.length]
  if (known === undefined) return clock === marks.length + more.length ? 'next' : 'gap'
  if (known === markOf(signature)) return 'behind'
  throw new ClientError('SECSYNC_HISTORY_LOST', `The server has replaced update ${clock} of ${pubKey}`)
}

/** The server has this update, which is `next`. */
export function advance (marks: Marks, { signature, publicData: { pubKey } }: Update): void {
  const known = marks.get(pubKey)
  if (known === undefined) marks.set(pubKey, [markOf(signature)])
  else known.push(markOf(signature))
}

/**
 * Compares the whole document as the server has it now with what is known. Throws `SECSYNC_HISTORY_LOST` if the server has less of the
 * active snapshot: its store was set back.
 */
export function checkComplete (history: History, updates: readonly Update[]): void {
  const clocks = new Map<string, number>()
  for (const { publicData: { pubKey, clock } } of updates) clocks.set(pubKey, Math.max(clock, clocks.get(pubKey) ?? -1))
  for (const [author, clock] of Object.entries(clocksOf(history))) {
    if ((clocks.get(author) ?? -1) < clock) throw new ClientError('SECSYNC_HISTORY_LOST', `The server has lost update ${clock} of ${author}`)
  }
}
