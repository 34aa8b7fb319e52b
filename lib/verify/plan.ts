import { parseClocks, sameClocks, type UpdateClocks } from '../protocol/clocks.ts'
import type { Quarantine, UpdateRange } from '../stores/quarantine.ts'
import { isRight, rightChain } from './chain.ts'
import type { DocumentCheck, SnapshotState } from './document.ts'
import type { Problem } from './problems.ts'

/** Messages that are put aside, and why. Of a snapshot, its updates go with it. */
export type Flawed =
  | { kind: 'snapshot', snapshotId: string, reason: string }
  | { kind: 'updates', range: UpdateRange, reason: string }

export interface RepairPlan {
  quarantine: Quarantine
  flawed: Flawed[]
}

const missingBefore = 'an update before it is missing or was put aside'

/**
 * Decides what to put aside of a document that was checked, with all of its problems. What is left is right together. `undefined`: nothing can be
 * opened, because no snapshot has a good message.
 */
export function planRepair (check: DocumentCheck): RepairPlan | undefined {
  const { document, snapshots, problems: { first: problems } } = check
  const chain = rightChain(snapshots, document.activeSnapshotId)
  const active = chain?.kept.at(-1)
  if (chain === undefined || active === undefined) return undefined
  const { kept, dropped, lost } = chain
  const flaws = new Flaws(problems)
  const parts = kept.map((state, index) => {
    const child = kept[index + 1]
    const knownClocks = child !== undefined && isRight(child) && child.checked.parent?.snapshotId === state.id ? child.checked.parent.clocks : undefined
    return child === undefined ? planActive(state, flaws) : planReplaced(state, flaws, knownClocks)
  })
  const texts = kept.filter((state) => state.dataBytes !== undefined && !isRight(state))
  const withoutSnapshot = [...new Set(problems.flatMap(({ kind, snapshotId }) =>
    kind === 'chain' && snapshotId !== undefined && !snapshots.some(({ id }) => id === snapshotId) ? [snapshotId] : []))]
  const clocks = parts.at(-1)?.clocks ?? {}
  const isOrdered = kept.every(({ version }, index) => version > (kept[index - 1]?.version ?? 0)) &&
    (kept[0]?.checked.parent?.snapshotId !== '' || kept[0].version === 1) && !problems.some(({ kind, author }) => kind === 'version' && author !== undefined)
  const stored = parseClocks(document.clocks)
  const isSeen = document.activeSnapshotId !== active.id || stored === undefined || !sameClocks(stored, clocks) || !isOrdered ||
    document.version < check.lastVersion || parts.at(-1)?.updates.length !== 0
  return {
    quarantine: {
      documentId: document.id,
      columns: kept.flatMap(({ id, checked: { columns } }) => columns === undefined ? [] : [{ snapshotId: id, ...columns }]),
      snapshots: dropped.map(({ state }) => state.id),
      texts: texts.map(({ id }) => id),
      lost: [...new Set([...lost, ...withoutSnapshot])],
      withoutSnapshot,
      updates: parts.flatMap(({ updates }) => updates.map(({ range }) => range)),
      incomplete: parts.flatMap(({ isIncomplete }, index) => isIncomplete ? kept[index]?.id ?? [] : []),
      order: isOrdered ? undefined : kept.map(({ id }) => id),
      activeSnapshotId: active.id,
      clocks,
      isSeen
    },
    flawed: [
      ...dropped.map(({ state: { id }, reason }) => ({ kind: 'snapshot' as const, snapshotId: id, reason })),
      ...texts.map(({ id, checked: { flaw } }) => ({ kind: 'snapshot' as const, snapshotId: id, reason: `the snapshot ${flaw?.reason}` })),
      ...withoutSnapshot.map((snapshotId) => ({ kind: 'snapshot' as const, snapshotId, reason: 'updates are stored for a snapshot that is not there' })),
      ...parts.flatMap(({ updates }) => updates.map(({ range, reason }) => ({ kind: 'updates' as const, range, reason })))
    ]
  }
}

interface UpdatesPlan {
  /** The single ones come first, so that a row gets its own reason. */
  updates: Array<{ range: UpdateRange, reason: string }>
  isIncomplete: boolean
  clocks: UpdateClocks
}

/** Nobody can read an update without those before it. */
function planActive ({ id: snapshotId, updates }: SnapshotState, flaws: Flaws): UpdatesPlan {
  const clocks: UpdateClocks = {}
  const aside: UpdatesPlan['updates'] = []
  for (const [author, { next, hasMore }] of updates?.places ?? []) {
    const flawed = flaws.of(snapshotId, author)
    const end = Math.min(next, ...flawed.keys())
    if (end > 0) clocks[author] = end - 1
    aside.push(...[...flawed].map(([clock, reason]) => ({ range: { snapshotId, author, first: clock, last: clock }, reason })))
    if (hasMore || end < next) aside.push({ range: { snapshotId, author, first: end, last: Number.MAX_SAFE_INTEGER }, reason: missingBefore })
  }
  return { updates: aside, isIncomplete: false, clocks }
}

/** Nobody reads the updates of a snapshot that was replaced. Those that are good stay. */
function planReplaced ({ id: snapshotId, updates, isPruned }: SnapshotState, flaws: Flaws, known: UpdateClocks | undefined): UpdatesPlan {
  const aside: UpdatesPlan['updates'] = []
  const places = updates?.places ?? new Map<string, { next: number, hasMore: boolean }>()
  let isIncomplete = false
  for (const [author, { next, hasMore }] of places) {
    const flawed = flaws.of(snapshotId, author)
    const end = known?.[author] ?? -1
    aside.push(...[...flawed].map(([clock, reason]) => ({ range: { snapshotId, author, first: clock, last: clock }, reason })))
    if (known !== undefined && !isPruned && (hasMore || next - 1 > end)) {
      aside.push({ range: { snapshotId, author, first: end + 1, last: Number.MAX_SAFE_INTEGER }, reason: 'the next snapshot does not know it' })
    }
    isIncomplete ||= hasMore || flawed.size > 0
  }
  isIncomplete ||= Object.entries(known ?? {}).some(([author, clock]) => (places.get(author)?.next ?? 0) <= clock)
  return { updates: aside, isIncomplete: isIncomplete && !isPruned, clocks: {} }
}

/** What is wrong with single updates, by snapshot, author and clock. A wrong version is not among it: it is not signed, and can be corrected. */
class Flaws {
  readonly #reasons = new Map<string, Map<number, string>>()

  constructor (problems: readonly Problem[]) {
    for (const { kind, snapshotId, author, clock, reason } of problems) {
      if (author === undefined || clock === undefined || !['json', 'signature', 'row'].includes(kind)) continue
      const key = `${snapshotId} ${author}`
      const ofAuthor = this.#reasons.get(key) ?? new Map<number, string>()
      this.#reasons.set(key, ofAuthor.set(clock, reason))
    }
  }

  of (snapshotId: string, author: string): Map<number, string> {
    return this.#reasons.get(`${snapshotId} ${author}`) ?? new Map()
  }
}
