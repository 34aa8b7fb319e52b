import type { UpdateClocks } from '../protocol/clocks.ts'
import type { UpdateRow } from '../stores/rows.ts'
import type { Flaw } from './message.ts'
import type { Problems } from './problems.ts'

/** The updates of one author on one snapshot. */
interface Author {
  /** How many are stored without a gap, from 0 on: the clock that would be next. */
  next: number
  /** Behind a gap. */
  behind: number
  /** The clock of the first one with a flaw. */
  flawed: number
  lastVersion: number
}

/** The updates of one snapshot. They come by author and clock. */
export class SnapshotUpdates {
  readonly snapshotId: string
  readonly #problems: Problems
  readonly #authors = new Map<string, Author>()
  /** Authors whose updates were put aside. */
  readonly #aside = new Set<string>()
  #versions: VersionSet | undefined
  count = 0
  bytes = 0
  hasFlaw = false

  /** The versions of its updates are above `version` and below `nextVersion`. */
  constructor (snapshotId: string, version: number, nextVersion: number, problems: Problems) {
    this.snapshotId = snapshotId
    this.#problems = problems
    this.#versions = new VersionSet(version, nextVersion)
  }

  /** Whether it is to be checked: not one that was put aside, by itself or with its snapshot. */
  add ({ author, clock, version, data }: UpdateRow): boolean {
    if (isAside(author) || isAside(this.snapshotId)) {
      this.#aside.add(nameBeforeAside(author))
      return false
    }
    this.count++
    this.bytes += Buffer.byteLength(data)
    const known = this.#authors.get(author) ?? { next: 0, behind: 0, flawed: Infinity, lastVersion: -Infinity }
    this.#authors.set(author, known)
    const fault = this.#versions?.add(version) ?? (version <= known.lastVersion ? 'is older than the update before it' : undefined)
    known.lastVersion = version
    if (fault !== undefined) {
      this.#problems.add({ kind: 'version', snapshotId: this.snapshotId, author, clock, reason: `the update has version ${version}, which ${fault}` })
      known.flawed = Math.min(known.flawed, clock)
      this.hasFlaw = true
    }
    if (clock === known.next) known.next++
    else known.behind++
    return true
  }

  flaw ({ author, clock }: UpdateRow, { kind, reason }: Flaw): void {
    this.#problems.add({ kind, snapshotId: this.snapshotId, author, clock, reason: `the update ${reason}` })
    this.hasFlaw = true
    const known = this.#authors.get(author)
    if (known !== undefined) known.flawed = Math.min(known.flawed, clock)
  }

  /** No more updates come. */
  end (): void {
    this.#versions = undefined
  }

  /**
   * Compares the updates with the clocks that the next snapshot, or the document, was made with. `undefined` if these are unknown. Whether all
   * are there, and no others.
   */
  compare (expected: UpdateClocks | undefined, by: string): boolean {
    const before = this.#problems.count
    const snapshotId = this.snapshotId
    for (const [author, { next, behind }] of this.#authors) {
      if (behind > 0) {
        this.#problems.add({ kind: 'gap', snapshotId, author, clock: next, reason: `the update is missing, and ${behind} are stored behind it` })
      } else if (expected !== undefined && next - 1 > (expected[author] ?? -1)) {
        this.#problems.add({ kind: 'clocks', snapshotId, author, clock: next - 1, reason: `the update is stored, but ${by} does not know it` })
      }
    }
    for (const [author, last] of Object.entries(expected ?? {})) {
      const { next, behind } = this.#authors.get(author) ?? { next: 0, behind: 0 }
      // What was put aside is known to be missing.
      if (next > last || behind > 0 || this.#aside.has(author)) continue
      this.#problems.add({ kind: 'gap', snapshotId, author, clock: next, reason: `the updates from here to clock ${last} are missing: ${by} knows them` })
    }
    return this.#problems.count === before
  }

  /** The clock that would be next of each author: what is stored before it has no gap. And whether more is stored behind it. */
  get places (): Map<string, { next: number, hasMore: boolean }> {
    return new Map([...this.#authors].map(([author, { next, behind }]) => [author, { next, hasMore: behind > 0 }]))
  }

  get good (): number {
    return [...this.#authors.values()].reduce((sum, { next, flawed }) => sum + Math.min(next, flawed), 0)
  }
}

/** No public key has a space in it, and no id that clients make. */
export function isAside (authorOrId: string): boolean {
  return authorOrId.includes(' ')
}

/** What the author or the id was. */
export function nameBeforeAside (authorOrId: string): string {
  const end = authorOrId.indexOf(' ')
  return end === -1 ? authorOrId : authorOrId.slice(0, end)
}

/** Versions between two others, each once. A bit for each, so that it stays small for millions of updates. */
class VersionSet {
  readonly #above: number
  readonly #below: number
  #bits = new Uint8Array(0)

  constructor (above: number, below: number) {
    this.#above = above
    this.#below = below
  }

  /** What is wrong with it. */
  add (version: number): string | undefined {
    if (version <= this.#above) return `is not above version ${this.#above} of its snapshot`
    if (version >= this.#below) return `is not below version ${this.#below} of the next snapshot`
    const index = version - this.#above - 1
    // Updates of a damaged document may be anywhere. Those that far away are compared with the update before them only.
    if (index >= maxSpan) return undefined
    const byte = index >> 3
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(2 * this.#bits.length, byte + 16))
      grown.set(this.#bits)
      this.#bits = grown
    }
    const bit = 1 << (index & 7)
    const isTaken = ((this.#bits[byte] ?? 0) & bit) !== 0
    this.#bits[byte] = (this.#bits[byte] ?? 0) | bit
    return isTaken ? 'another update has, too' : undefined
  }
}

const maxSpan = 2 ** 30
