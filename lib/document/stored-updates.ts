import { changesOf, type UpdateChange } from '../protocol/changes.ts'
import type { Cursor } from '../protocol/cursor.ts'
import type { StoreCalls } from './store-calls.ts'

/** Updates of which the signature is kept, for all authors together. */
const maxKept = 100_000

/** Characters of a signature that are kept: 96 bits. An author can only deceive themselves with two that begin alike. */
const keptLength = 16

/**
 * Tells which update of an author has a clock, on the active snapshot. The signatures of what was relayed are kept, so that an update that is
 * sent again costs no more than a new one; what was stored earlier is loaded once.
 */
export class StoredUpdates {
  readonly #calls: StoreCalls
  readonly #signatures = new Map<string, Map<number, string>>()
  #kept = 0

  constructor (calls: StoreCalls) {
    this.#calls = calls
  }

  add ({ author, clock, message }: UpdateChange): void {
    if (this.#kept === maxKept) this.clear()
    let clocks = this.#signatures.get(author)
    if (clocks === undefined) this.#signatures.set(author, clocks = new Map())
    clocks.set(clock, message.signature.slice(0, keptLength))
    this.#kept++
  }

  /** Another snapshot is active, or the document was set back. */
  clear (): void {
    this.#signatures.clear()
    this.#kept = 0
  }

  /** Whether this update is stored, byte for byte. Of the author, `cursor` has its clock or a later one. */
  async has (update: UpdateChange, cursor: Cursor): Promise<boolean> {
    if (!this.#signatures.get(update.author)?.has(update.clock)) {
      for (const stored of await this.#loadFrom(update, cursor)) this.add(stored)
    }
    return this.#signatures.get(update.author)?.get(update.clock) === update.message.signature.slice(0, keptLength)
  }

  /** The stored update with the clock of this one. */
  async find (update: UpdateChange, cursor: Cursor): Promise<UpdateChange | undefined> {
    return (await this.#loadFrom(update, cursor)).find(({ clock }) => clock === update.clock)
  }

  async #loadFrom ({ author, snapshotId, clock }: UpdateChange, cursor: Cursor): Promise<UpdateChange[]> {
    const knownSnapshotUpdateClocks = { ...cursor.clocks }
    if (clock === 0) delete knownSnapshotUpdateClocks[author]
    else knownSnapshotUpdateClocks[author] = clock - 1
    const document = await this.#calls.load({ mode: 'delta', knownSnapshotId: snapshotId, knownSnapshotUpdateClocks })
    return changesOf(document).filter((change) => change.kind === 'update' && change.author === author) as UpdateChange[]
  }
}
