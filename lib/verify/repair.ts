import { RepairFailed } from '../errors.ts'
import type { AdapterClient } from '../stores/adapter.ts'
import type { PrismaClientLike } from '../stores/prisma.ts'
import { countUpdates, findUpdates, lockDocument, quarantine, type Quarantine } from '../stores/quarantine.ts'
import { readDocument } from '../stores/rows.ts'
import type { Checker } from './checker.ts'
import { DocumentCheck } from './document.ts'
import { planRepair, type Flawed } from './plan.ts'
import { describe, type DocumentReport } from './problems.ts'

/** A message that was put aside, or would be. `updates`: how many went with a snapshot. */
export type PutAside =
  | { kind: 'snapshot', snapshotId: string, updates: number, reason: string }
  | { kind: 'update', snapshotId: string, author: string, clock: number, reason: string }

/**
 * What a repair has done, or would do:
 *
 * - `repaired`, `repairable`: the document is right afterwards, and clients can open it.
 * - `nothing`: nothing is wrong with it any more, or it is gone.
 * - `impossible`: none of its snapshots has a good message. Nothing is changed.
 */
export type RepairReport =
  | { outcome: 'repaired' | 'repairable', putAside: PutAside[], corrected: string[], activeSnapshotId: string }
  | { outcome: 'nothing' }
  | { outcome: 'impossible' }

/** Says what `repairDocument` would do. Changes nothing, and locks nothing. */
export async function planDocumentRepair (client: AdapterClient, documentId: string, checker: Checker): Promise<RepairReport> {
  return await client.transaction('REPEATABLE READ', async (db) => {
    const found = await examine(db, documentId, checker)
    return 'outcome' in found ? found : { outcome: 'repairable', ...found.report }
  })
}

/**
 * Puts aside what cannot be right of a document, so that the rest of it opens. One transaction, in which the document is checked again before and
 * after: it is right then, or as it was. Whoever writes it waits meanwhile. Servers that have it open notice with their next look at it: its version says
 * that more has happened than they know. Throws `FST_SECSYNC_REPAIR_FAILED` if something would still be wrong.
 */
export async function repairDocument (client: AdapterClient, documentId: string, checker: Checker): Promise<RepairReport> {
  return await client.transaction('READ COMMITTED', async (db) => {
    if (!await lockDocument(db, documentId)) return { outcome: 'nothing' }
    const found = await examine(db, documentId, checker)
    if ('outcome' in found) return found
    await quarantine(db, found.plan)
    const { problems: [problem], opens } = await (await check(db, documentId, checker)).report()
    if (problem !== undefined || !opens) throw new RepairFailed(problem === undefined ? `document ${JSON.stringify(documentId)}` : describe(problem))
    return { outcome: 'repaired', ...found.report }
  })
}

async function check (db: PrismaClientLike, documentId: string, checker: Checker): Promise<DocumentCheck> {
  let found: DocumentCheck | undefined
  for await (const section of readDocument(db, documentId)) {
    if (section.kind === 'document') found = new DocumentCheck(section.document, checker, Infinity)
    if (section.kind === 'snapshots') found?.addSnapshots(section.snapshots)
    if (section.kind === 'updates') found?.addUpdates(section.updates)
    await checker.room()
  }
  return found ?? new DocumentCheck({ id: documentId, activeSnapshotId: '', clocks: '{}', version: 0, createdAt: 0 }, checker)
}

type Found = { outcome: 'nothing' } | { outcome: 'impossible' } | {
  plan: Quarantine
  report: { putAside: PutAside[], corrected: string[], activeSnapshotId: string }
}

async function examine (db: PrismaClientLike, documentId: string, checker: Checker): Promise<Found> {
  const checked = await check(db, documentId, checker)
  const report = await checked.report()
  if (report.problemCount === 0) return { outcome: 'nothing' }
  const repair = planRepair(checked)
  if (repair === undefined) return { outcome: 'impossible' }
  const { quarantine: plan, flawed } = repair
  const putAside = await putAsideOf(db, plan, flawed)
  return { plan, report: { putAside, corrected: correctedOf(plan, checked, report), activeSnapshotId: plan.activeSnapshotId } }
}

async function putAsideOf (db: PrismaClientLike, plan: Quarantine, flawed: Flawed[]): Promise<PutAside[]> {
  const snapshots = flawed.flatMap((part) => part.kind === 'snapshot' ? [part] : [])
  const ranges = flawed.flatMap((part) => part.kind === 'updates' ? [part] : [])
  const counts = await countUpdates(db, plan.documentId, [...plan.snapshots, ...plan.withoutSnapshot])
  const updates = await findUpdates(db, plan)
  const reasons = new Map(ranges.map(({ range: { snapshotId, author, first, last }, reason }) =>
    [keyOf(snapshotId, author, first === last ? first : undefined), reason]))
  return [
    ...snapshots.map(({ snapshotId, reason }) => ({ kind: 'snapshot' as const, snapshotId, updates: counts.get(snapshotId) ?? 0, reason })),
    ...updates.map(({ snapshotId, author, clock }) => {
      const reason = reasons.get(keyOf(snapshotId, author, clock)) ?? reasons.get(keyOf(snapshotId, author)) ?? ''
      return { kind: 'update' as const, snapshotId, author, clock, reason }
    })
  ]
}

/** Of one update, or of all others that are put aside. */
function keyOf (snapshotId: string, author: string, clock?: number): string {
  return `${snapshotId} ${author} ${clock ?? ''}`
}

/** In sentences. */
function correctedOf (plan: Quarantine, { document }: DocumentCheck, { problems }: DocumentReport): string[] {
  return [
    ...plan.columns.map(({ snapshotId }) => `the columns of snapshot ${snapshotId} say what its message says`),
    ...plan.lost.map((snapshotId) => `snapshot ${snapshotId} is known to be lost`),
    ...plan.incomplete.map((snapshotId) => `the updates of snapshot ${snapshotId} are known to be incomplete`),
    ...plan.order === undefined ? [] : ['all changes are numbered anew'],
    ...plan.activeSnapshotId === document.activeSnapshotId ? [] : [`the active snapshot is ${plan.activeSnapshotId}`],
    ...plan.isSeen ? ['the clocks and the version of the document are those of its messages'] : [],
    ...problems.some(({ kind }) => kind === 'counts') ? ['the document is counted'] : []
  ]
}
