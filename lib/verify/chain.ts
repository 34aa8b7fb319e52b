import { noParent, parentSnapshotProof, type ProofOfParent } from '../protocol/proof.ts'
import type { SnapshotState } from './document.ts'

/** The snapshots of a damaged document that can be right together. */
export interface RightChain {
  /** From the oldest one on. The last one has a good message: clients can open it. */
  kept: SnapshotState[]
  /** Those that cannot be right, and why. */
  dropped: Array<{ state: SnapshotState, reason: string }>
  /** Parents of kept snapshots that are not stored. */
  lost: string[]
}

/** Whether its message is right. Else the rest of its row may be, and proves its parent: as of a snapshot that was pruned. */
export function isRight ({ dataBytes, checked: { flaw, columns } }: SnapshotState): boolean {
  return dataBytes !== undefined && (flaw === undefined || columns !== undefined)
}

/** What a child must prove. Wrong columns are corrected by the message. */
function proofOf (state: SnapshotState | undefined): string {
  return parentSnapshotProof(state === undefined ? noParent : linkOf(state))
}

function linkOf ({ id, parentSnapshotProof, ciphertextHash, checked: { columns } }: SnapshotState): ProofOfParent {
  return {
    snapshotId: id, parentSnapshotProof: columns?.parentSnapshotProof ?? parentSnapshotProof, snapshotCiphertextHash: columns?.ciphertextHash ?? ciphertextHash
  }
}

/**
 * Walks from the newest right snapshot to the oldest one. A snapshot is kept if its message is right, or if the next one proves it. Where the way is
 * broken, the older part is kept as well: it cannot be proven to belong to the newer one, but is good by itself.
 *
 * Returns `undefined` if no snapshot has a good message.
 */
export function rightChain (snapshots: readonly SnapshotState[], activeSnapshotId: string): RightChain | undefined {
  return new Walk(snapshots).from(activeSnapshotId)
}

class Walk {
  readonly #snapshots: readonly SnapshotState[]
  readonly #byId: Map<string, SnapshotState>
  /** From the newest one on. */
  readonly #kept: SnapshotState[] = []
  readonly #dropped: RightChain['dropped'] = []
  readonly #lost: string[] = []
  readonly #left: Set<SnapshotState>

  constructor (snapshots: readonly SnapshotState[]) {
    this.#snapshots = snapshots
    this.#byId = new Map(snapshots.map((state) => [state.id, state]))
    this.#left = new Set(snapshots)
  }

  /** It is signed, and still does not prove its parent, which is right and not forged itself: its author has forged it. */
  #isForged (state: SnapshotState, descendants: SnapshotState[] = []): boolean {
    const parentId = state.checked.parent?.snapshotId
    if (!isRight(state) || parentId === undefined) return false
    const parent = this.#byId.get(parentId)
    if (linkOf(state).parentSnapshotProof === proofOf(parent)) return false
    return parentId === '' || (parent !== undefined && parent !== state && isRight(parent) && !descendants.includes(parent) && !this.#isForged(parent, [...descendants, state]))
  }

  /** The newest one that is right: nobody's parent, and of several the active one, or the last one that was stored. */
  #newest (activeSnapshotId: string): SnapshotState | undefined {
    const right = this.#snapshots.filter((state) => isRight(state) && !this.#isForged(state))
    const parents = new Set(right.map(({ checked: { parent } }) => parent?.snapshotId))
    const newest = right.filter(({ id }) => !parents.has(id))
    return newest.find(({ id }) => id === activeSnapshotId) ?? newest.reduce<SnapshotState | undefined>(
      (last, state) => last === undefined || state.version > last.version ? state : last, undefined)
  }

  from (activeSnapshotId: string): RightChain | undefined {
    const newest = this.#newest(activeSnapshotId)
    if (newest === undefined) return undefined
    this.#keep(newest)
    for (let current: SnapshotState | undefined = newest; current !== undefined;) current = this.#before(current)
    for (const state of this.#left) this.#drop(state, this.#reasonOf(state))
    return { kept: this.#kept.reverse(), dropped: this.#dropped, lost: this.#lost }
  }

  /** Keeps the snapshot that comes before this one, and returns it. */
  #before (current: SnapshotState): SnapshotState | undefined {
    const parentId = isRight(current) ? current.checked.parent?.snapshotId : undefined
    const parent = parentId === undefined ? this.#previous(current) : this.#byId.get(parentId)
    const isProven = linkOf(current).parentSnapshotProof === proofOf(parent)
    if (isProven && (parent === undefined ? parentId === '' || parentId === undefined : this.#left.has(parent))) return parent && this.#keep(parent)
    if (parentId === undefined) this.#dropKept('the row does not prove the snapshot before it')
    else if (parent !== undefined && !this.#left.has(parent)) this.#dropKept('its parent descends from it')
    else if (this.#isForged(current)) this.#dropKept('the snapshot is signed, but does not prove its parent')
    else if (parent === undefined) this.#lost.push(parentId)
    else this.#drop(parent, 'the next snapshot does not prove it')
    return this.#begin(current)
  }

  /** The newest right snapshot of the older part. */
  #begin (current: SnapshotState): SnapshotState | undefined {
    for (let state = this.#previous(current); state !== undefined; state = this.#previous(state)) {
      if (isRight(state)) return this.#keep(state)
      this.#drop(state, this.#reasonOf(state))
    }
    return undefined
  }

  /** By version. */
  #previous ({ version }: SnapshotState): SnapshotState | undefined {
    return this.#snapshots.findLast((state) => state.version < version && this.#left.has(state))
  }

  #keep (state: SnapshotState): SnapshotState {
    this.#left.delete(state)
    this.#kept.push(state)
    return state
  }

  #drop (state: SnapshotState, reason: string): void {
    this.#left.delete(state)
    this.#dropped.push({ state, reason })
  }

  /** Takes back the one that was kept last, and those that only it has proven to be right. */
  #dropKept (reason: string): void {
    for (let why = reason, last = this.#kept.pop(); last !== undefined; last = this.#kept.pop()) {
      this.#dropped.push({ state: last, reason: why })
      why = 'its parent was put aside'
      const child = this.#kept.at(-1)
      if (child === undefined || isRight(child)) return
    }
  }

  #reasonOf (state: SnapshotState): string {
    const { flaw } = state.checked
    if (flaw !== undefined) return `the snapshot ${flaw.reason}`
    if (this.#isForged(state)) return 'the snapshot is signed, but does not prove its parent'
    return state.dataBytes === undefined ? 'no snapshot proves it' : 'the active snapshot does not descend from it'
  }
}
