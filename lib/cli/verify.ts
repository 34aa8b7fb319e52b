import { readDocuments, type Section, type Selection } from '../stores/rows.ts'
import { createChecker } from '../verify/checker.ts'
import { describe, type DocumentReport } from '../verify/problems.ts'
import { verify } from '../verify/verify.ts'
import { openArchive } from './archives.ts'
import { estimate, withDatabase, type DatabaseOptions } from './database.ts'
import { exitCodes, Report, until, type ExitCode, type Io } from './io.ts'

export interface VerifyOptions extends DatabaseOptions {
  workers: number
  json: boolean
}

export async function verifyCommand (io: Io, file: string | undefined, { workers, json, ...database }: VerifyOptions, selection: Selection): Promise<ExitCode> {
  const report = new Report(io, json)
  if (file !== undefined) return await check(io, report, await openArchive(io, file, report), workers)
  return await withDatabase(io, database, async (client) => {
    if (io.stderr.isTTY === true) report.start('messages', await estimate(client, selection))
    return await check(io, report, readDocuments(client, selection), workers, report.advance)
  })
}

async function check (io: Io, report: Report, sections: AsyncIterable<Section>, workers: number, onRead?: (messages: number) => void): Promise<ExitCode> {
  const checker = createChecker(workers)
  const summary = { documents: 0, broken: 0, closed: 0, snapshots: 0, updates: 0, pruned: 0, putAside: 0, problems: 0 }
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
        report.result({ type: 'document', ...document }, textOf(document))
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
  const { documents, snapshots, updates, broken, closed, problems } = summary
  const found = problems === 0 ? 'No problem found' : `${problems} problems in ${broken} documents, ${closed} of which cannot be opened whole`
  report.result({ type: 'summary', ...summary }, `Checked ${documents} documents with ${snapshots} snapshots and ${updates} updates. ${found}`)
  return problems === 0 ? exitCodes.ok : exitCodes.found
}

function textOf ({ problems, problemCount, opens, checked, good }: DocumentReport): string {
  const more = problemCount > problems.length ? [`  … and ${problemCount - problems.length} more problems`] : []
  const rest = `  good: ${good.snapshots} of ${checked.snapshots} snapshots, ${good.updates} of ${checked.updates} updates. ${opens ? 'It can be opened.' : 'It cannot be opened whole.'}`
  return [...problems.map(describe), ...more, rest].join('\n')
}
