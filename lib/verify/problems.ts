import type { Flaw } from './message.ts'

/**
 * What is wrong with a document:
 *
 * - `json`, `signature`, `row`: with one message, see `Flaw`.
 * - `gap`: updates of an author are missing from `clock` on.
 * - `clocks`: an update is stored that the document, or the next snapshot, does not know.
 * - `version`: changes are out of order, or two have one place.
 * - `chain`: a snapshot does not follow the one before it.
 * - `proof`: a snapshot does not prove the one before it.
 * - `document`: the row of the document contradicts its snapshots and updates.
 * - `archive`: an archive is damaged, or not one.
 * - `counts`: the row of the document counts what is stored wrongly. Harmless: it is counted again.
 */
export interface Problem {
  kind: Flaw['kind'] | 'gap' | 'clocks' | 'version' | 'chain' | 'proof' | 'document' | 'counts' | 'archive'
  /** Empty if an archive is damaged outside of its documents. */
  documentId: string
  snapshotId?: string
  /** The public key of an update's author. */
  author?: string
  clock?: number
  reason: string
}

/** What was found in one document. */
export interface DocumentReport {
  documentId: string
  /** Whether clients can open the document and get all of it: its active snapshot and the updates on it are good. */
  opens: boolean
  checked: Messages
  /** Messages that are signed, in their place, and behind no gap. */
  good: Messages
  /** Messages that the server has put aside. They are not checked. */
  putAside: number
  /** Old snapshots whose message was removed by retention. Their proofs are checked. */
  pruned: number
  /** The first ones. */
  problems: Problem[]
  problemCount: number
}

export interface Messages {
  snapshots: number
  updates: number
}

/** Problems that are kept of one document. */
const maxProblems = 100

export class Problems {
  readonly first: Problem[] = []
  count = 0
  readonly #documentId: string
  readonly #limit: number

  /** `limit`: how many are kept. All are counted. */
  constructor (documentId: string, limit = maxProblems) {
    this.#documentId = documentId
    this.#limit = limit
  }

  add (problem: Omit<Problem, 'documentId'>): void {
    this.count++
    if (this.first.length < this.#limit) this.first.push({ documentId: this.#documentId, ...problem })
  }
}

/** One line for a person: the place, then what is wrong there. */
export function describe ({ documentId, snapshotId, author, clock, reason }: Problem): string {
  const place = [
    documentId === '' ? 'archive' : `document ${JSON.stringify(documentId)}`,
    ...snapshotId === undefined ? [] : [`snapshot ${snapshotId}`],
    ...author === undefined ? [] : [`author ${author}`],
    ...clock === undefined ? [] : [`clock ${clock}`]
  ]
  return `${place.join(', ')}: ${reason}`
}

/** Of a document that cannot be read to its end. */
export function brokenReport (documentId: string, reason: string): DocumentReport {
  const none = { snapshots: 0, updates: 0 }
  return { documentId, opens: false, checked: none, good: none, putAside: 0, pruned: 0, problems: [{ kind: 'archive', documentId, reason }], problemCount: 1 }
}
