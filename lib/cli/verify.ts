import { CommandInvalid } from '../errors.ts'
import { readDocuments, type Section, type Selection } from '../stores/rows.ts'
import { createChecker, type Checker } from '../verify/checker.ts'
import { describe, type DocumentReport } from '../verify/problems.ts'
import { planDocumentRepair, repairDocument, type RepairReport } from '../verify/repair.ts'
import { verify } from '../verify/verify.ts'
import { openArchive } from './archives.ts'
import { estimate, withDatabase, type DatabaseOptions } from './database.ts'
import { exitCodes, Report, until, type ExitCode, type Io } from './io.ts'

export interface VerifyOptions extends DatabaseOptions {
  repair: boolean
  workers: number
  json: boolean
}

/** Repairs a document that was found broken, or says what a repair would do. */
type Repair = (documentId: string, checker: Checker) => Promise<RepairReport>

export async function verifyCommand (
  io: Io, file: string | undefined, { repair, workers, json, ...database }: VerifyOptions, selection: Selection
): Promise<ExitCode> {
  const report = new Report(io, json)
  if (file !== undefined) {
    if (repair) throw new CommandInvalid('An archive cannot be repaired: it is what somebody has exported. Import it: what is good is imported')
    return await check(io, report, await openArchive(io, file, report), workers)
  }
  return await withDatabase(io, database, async (client) => {
    if (io.stderr.isTTY === true) report.start('messages', await estimate(client, selection))
    const act = repair ? repairDocument : planDocumentRepair
    const repairOf: Repair = async (documentId, checker) => await act(client, documentId, checker)
    return await check(io, report, readDocuments(client, selection), workers, repairOf, report.advance)
  })
}

async function check (
  io: Io, report: Report, sections: AsyncIterable<Section>, workers: number, repair?: Repair, onRead?: (messages: number) => void
): Promise<ExitCode> {
  const checker = createChecker(workers)
  const summary = { documents: 0, broken: 0, closed: 0, snapshots: 0, updates: 0, pruned: 0, putAside: 0, problems: 0, repaired: 0 }
  let last: string | undefined
  try {
    for await (const document of verify(until(io.signal, sections), checker, onRead)) {
      summary.documents++
      summary.snapshots += document.checked.snapshots
      summary.updates += document.checked.updates
      summary.pruned += document.pruned
      summary.putAside += document.putAside
      summary.problems += document.problemCount
      if (document.problemCount > 0) {
        summary.broken++
        if (!document.opens) summary.closed++
        const repaired = await repair?.(document.documentId, checker)
        if (repaired?.outcome === 'repaired') summary.repaired++
        report.result({ type: 'document', ...document, ...repaired && { repair: repaired } }, [textOf(document), ...repaired === undefined ? [] : textOfRepair(repaired)].join('\n'))
      }
      last = document.documentId
    }
  } catch (error) {
    if (io.signal.aborted && last !== undefined) report.note(`Checked up to document ${JSON.stringify(last)}. Go on with --after ${JSON.stringify(last)}`)
    throw error
  } finally {
    report.end()
    await checker.close()
  }
  const { documents, snapshots, updates, broken, closed, problems, repaired } = summary
  const found = problems === 0 ? 'No problem found' : `${problems} problems in ${broken} documents, ${closed} of which cannot be opened whole${repaired === 0 ? '' : `. ${repaired} documents were repaired`}`
  report.result({ type: 'summary', ...summary }, `Checked ${documents} documents with ${snapshots} snapshots and ${updates} updates. ${found}`)
  return broken === repaired ? exitCodes.ok : exitCodes.found
}

function textOf ({ problems, problemCount, opens, checked, good }: DocumentReport): string {
  const more = problemCount > problems.length ? [`  … and ${problemCount - problems.length} more problems`] : []
  const rest = `  good: ${good.snapshots} of ${checked.snapshots} snapshots, ${good.updates} of ${checked.updates} updates. ${opens ? 'It can be opened.' : 'It cannot be opened whole.'}`
  return [...problems.map(describe), ...more, rest].join('\n')
}

/** Messages of one document that are named on a terminal. */
const maxNamed = 10

function textOfRepair (repair: RepairReport): string[] {
  if (repair.outcome === 'nothing') return ['  repair: nothing is wrong any more, or the document is gone.']
  if (repair.outcome === 'impossible') return ['  repair: not possible. No snapshot is good. Restore the document from a backup, or delete it.']
  const { outcome, putAside, corrected } = repair
  const named = putAside.slice(0, maxNamed).map((part) => part.kind === 'snapshot'
    ? `snapshot ${part.snapshotId} with ${part.updates} updates: ${part.reason}`
    : `snapshot ${part.snapshotId}, author ${part.author}, clock ${part.clock}: ${part.reason}`)
  const more = putAside.length > maxNamed ? [`… and ${putAside.length - maxNamed} more`] : []
  const head = outcome === 'repaired' ? '  repaired. Put aside:' : '  --repair would put aside:'
  const lines = [...named, ...more, ...corrected]
  return [`${head} ${putAside.length === 0 ? 'nothing' : putAside.length === 1 ? '1 message' : `${putAside.length} messages`}`, ...lines.map((line) => `    ${line}`)]
}
