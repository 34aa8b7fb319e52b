import { parseClocks } from '../protocol/clocks.ts'
import { noParent, parentSnapshotProof, type ProofOfParent } from '../protocol/proof.ts'
import type { DocumentRow, SnapshotRow, UpdateRow } from '../stores/rows.ts'
import type { Counts } from '../stores/counts.ts'
import type { CheckedSnapshot, Checker } from './checker.ts'
import { Problems, type DocumentReport } from './problems.ts'
import { isAside, nameBeforeAside, SnapshotUpdates } from './updates.ts'

/** A snapshot without its message, and what is known of it. */
export interface SnapshotState extends Pick<SnapshotRow, 'id' | 'version' | 'parentSnapshotProof' | 'ciphertextHash' | 'isPruned'> {
  /** Bytes of its message. `undefined` if it was pruned. */
  dataBytes: number | undefined
  checked: CheckedSnapshot
  updates: SnapshotUpdates | undefined
  /** It is signed, and follows the one before it, which it proves. */
  isGood: boolean
}

/**
 * Checks one document while its rows come in: the snapshots by version, then the updates by snapshot, author and clock. Keeps a little of each
 * snapshot, and a bit of each update.
 */
export class DocumentCheck {
  readonly document: DocumentRow
  readonly snapshots: SnapshotState[] = []
  readonly problems: Problems
  readonly #checker: Checker
  /** The index of each snapshot. */
  readonly #ids = new Map<string, number>()
  readonly #pending = new Set<Promise<void>>()
  /** Those that were put aside, and those that are known to be lost, by the ids that they had. */
  readonly #aside = new Set<string>()
  #current: SnapshotUpdates | undefined
  /** The highest version of a change. */
  lastVersion = 0
  #error: unknown
  #checkedUpdates = 0
  #putAside = 0
  /** Snapshots with a message that were put aside, and the bytes of these. */
  #asideSnapshots = 0
  #asideBytes = 0
  /** All, also those that were put aside. */
  readonly #updates = { count: 0, bytes: 0 }

  /** `maxProblems`: how many are kept. */
  constructor (document: DocumentRow, checker: Checker, maxProblems?: number) {
    this.document = document
    this.problems = new Problems(document.id, maxProblems)
    this.#checker = checker
  }

  addSnapshots (rows: SnapshotRow[]): void {
    const stored = rows.filter(({ id, data }) => {
      if (!isAside(id)) return true
      this.#aside.add(nameBeforeAside(id))
      this.#putAside++
      if (data !== null) this.#asideSnapshots++
      this.#asideBytes += Buffer.byteLength(data ?? '')
      return false
    })
    const states = stored.map(({ id, version, parentSnapshotProof, ciphertextHash, isPruned, data }): SnapshotState => ({
      id,
      version,
      parentSnapshotProof,
      ciphertextHash,
      isPruned,
      dataBytes: data === null ? undefined : Buffer.byteLength(data),
      checked: {},
      updates: undefined,
      isGood: true
    }))
    for (const state of states) {
      this.#ids.set(state.id, this.snapshots.push(state) - 1)
      this.lastVersion = Math.max(this.lastVersion, state.version)
    }
    this.#await(this.#checker.snapshots(stored).then((checked) => {
      states.forEach((state, index) => {
        state.checked = checked[index] ?? {}
        const { flaw } = state.checked
        if (flaw !== undefined) this.problems.add({ kind: flaw.kind, snapshotId: state.id, reason: `the snapshot ${flaw.reason}` })
      })
    }))
  }

  addUpdates (rows: UpdateRow[]): void {
    const places: SnapshotUpdates[] = []
    const stored = rows.filter((row) => {
      this.#updates.count++
      this.#updates.bytes += Buffer.byteLength(row.data)
      const updates = this.#updatesOf(row.snapshotId)
      if (!updates.add(row)) {
        this.#putAside++
        return false
      }
      places.push(updates)
      this.lastVersion = Math.max(this.lastVersion, row.version)
      return true
    })
    this.#checkedUpdates += stored.length
    this.#await(this.#checker.updates(stored).then((flaws) => {
      for (const [index, flaw] of flaws) {
        const row = stored[index]
        if (row !== undefined) places[index]?.flaw(row, flaw)
      }
    }))
  }

  #updatesOf (snapshotId: string): SnapshotUpdates {
    if (this.#current?.snapshotId === snapshotId) return this.#current
    this.#current?.end()
    const index = this.#ids.get(snapshotId) ?? -1
    const snapshot = this.snapshots[index]
    const next = index === -1 ? undefined : this.snapshots[index + 1]
    const updates = new SnapshotUpdates(snapshotId, snapshot?.version ?? 0, next?.version ?? Infinity, this.problems)
    if (snapshot !== undefined) snapshot.updates = updates
    else if (!isAside(snapshotId)) this.problems.add({ kind: 'chain', snapshotId, reason: 'updates are stored for a snapshot that is not there' })
    this.#current = updates
    return updates
  }

  #await (checked: Promise<void>): void {
    const pending = checked.catch((error: unknown) => { this.#error = error }).finally(() => this.#pending.delete(pending))
    this.#pending.add(pending)
  }

  /** No more rows come. Resolves once all messages are checked. */
  async report (): Promise<DocumentReport> {
    await Promise.all(this.#pending)
    if (this.#error !== undefined) throw this.#error
    this.#checkChain()
    const isWhole = this.#checkUpdates()
    const active = this.snapshots.find(({ id }) => id === this.document.activeSnapshotId)
    this.#checkCounts()
    const pruned = this.snapshots.filter(({ dataBytes }) => dataBytes === undefined).length
    return {
      documentId: this.document.id,
      opens: active?.dataBytes !== undefined && active === this.snapshots.at(-1) && active.checked.flaw === undefined && isWhole,
      checked: { snapshots: this.snapshots.length - pruned, updates: this.#checkedUpdates },
      good: {
        snapshots: this.snapshots.filter(({ isGood, dataBytes }) => isGood && dataBytes !== undefined).length,
        updates: this.snapshots.reduce((sum, { updates }) => sum + (updates?.good ?? 0), 0)
      },
      putAside: this.#putAside,
      pruned,
      problems: this.problems.first,
      problemCount: this.problems.count
    }
  }

  #checkChain (): void {
    const { activeSnapshotId, version } = this.document
    let parent: ProofOfParent = noParent
    for (const state of this.snapshots) {
      const { id: snapshotId, checked, parentSnapshotProof: proof, ciphertextHash } = state
      state.isGood = checked.flaw === undefined
      const fail = (kind: 'chain' | 'proof' | 'version', reason: string) => {
        state.isGood = false
        this.problems.add({ kind, snapshotId, reason })
      }
      // Its parent was put aside, so that the chain begins anew.
      const begins = checked.parent !== undefined && this.#aside.has(checked.parent.snapshotId) && !this.#ids.has(checked.parent.snapshotId)
      if (begins) {
        // What it says of its parent cannot be checked any more.
      } else if (checked.parent !== undefined && checked.parent.snapshotId !== parent.snapshotId) {
        fail('chain', `the parent of the snapshot is ${name(checked.parent.snapshotId)}, and the snapshot before it is ${name(parent.snapshotId)}`)
      } else if (proof !== parentSnapshotProof(parent)) {
        fail('proof', 'the snapshot does not prove the one before it')
      }
      if (parent === noParent && !begins ? state.version !== 1 : state.version < 1) fail('version', `the snapshot has version ${state.version}`)
      parent = { snapshotId, parentSnapshotProof: proof, snapshotCiphertextHash: ciphertextHash }
    }
    const last = this.snapshots.at(-1)
    if (last === undefined) this.problems.add({ kind: 'document', reason: 'the document has no snapshot' })
    else if (last.id !== activeSnapshotId) {
      this.problems.add({ kind: 'document', reason: `the active snapshot is ${name(activeSnapshotId)}, and the last one that is stored is ${last.id}` })
    }
    if (last !== undefined && last.dataBytes === undefined) this.problems.add({ kind: 'document', snapshotId: last.id, reason: 'the last snapshot was pruned' })
    if (version < this.lastVersion) {
      this.problems.add({ kind: 'document', reason: `the document has version ${version}, and changes up to version ${this.lastVersion}` })
    }
  }

  /** Whether clients get all updates of the active snapshot. */
  #checkUpdates (): boolean {
    let isWhole = false
    this.snapshots.forEach((state, index) => {
      const next = this.snapshots[index + 1]
      const updates = state.updates ?? new SnapshotUpdates(state.id, state.version, Infinity, this.problems)
      if (next !== undefined) {
        // What retention removes it removes in batches.
        if (!state.isPruned) updates.compare(next.checked.parent?.snapshotId === state.id ? next.checked.parent.clocks : undefined, `snapshot ${next.id}`)
        return
      }
      const clocks = parseClocks(this.document.clocks)
      if (clocks === undefined) this.problems.add({ kind: 'document', reason: 'the clocks of the document are not clocks' })
      isWhole = updates.compare(clocks, 'the document') && clocks !== undefined && !updates.hasFlaw
    })
    return isWhole
  }

  /** Of what was put aside, too. */
  #checkCounts (): void {
    const { counts } = this.document
    if (counts === undefined) return
    const active = this.snapshots.find(({ id }) => id === this.document.activeSnapshotId)
    const bytes = this.snapshots.reduce((sum, { dataBytes = 0 }) => sum + dataBytes, 0)
    const stored: Counts = {
      snapshots: this.snapshots.filter(({ dataBytes }) => dataBytes !== undefined).length + this.#asideSnapshots,
      updates: this.#updates.count,
      keptBytes: bytes + this.#asideBytes + this.#updates.bytes,
      activeUpdates: active?.updates?.count ?? 0,
      activeUpdateBytes: active?.updates?.bytes ?? 0,
      activeSnapshotBytes: active?.dataBytes ?? 0
    }
    for (const [name, value] of Object.entries(counts)) {
      const found = stored[name as keyof Counts]
      if (value !== found) this.problems.add({ kind: 'counts', reason: `the document counts ${value} ${name}, and ${found} are stored` })
    }
  }
}

function name (snapshotId: string): string {
  return snapshotId === '' ? 'none' : snapshotId
}
