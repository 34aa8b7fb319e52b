import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { Readable, type Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { importDocuments } from '../archive/import.ts'
import { readArchive } from '../archive/read.ts'
import { writeArchive } from '../archive/write.ts'
import { CommandInvalid } from '../errors.ts'
import { readDocuments, type Section, type Selection } from '../stores/rows.ts'
import { createChecker } from '../verify/checker.ts'
import { estimate, withDatabase, type DatabaseOptions } from './database.ts'
import { exitCodes, Report, until, type ExitCode, type Io } from './io.ts'

/** Opens an archive, or stdin for `-`. Its progress is in bytes of the file. */
export async function openArchive (io: Io, file: string, report: Report): Promise<AsyncIterable<Section>> {
  if (file === '-') return readArchive(until(io.signal, io.stdin as AsyncIterable<Buffer>))
  const { size } = await stat(file).catch((error: Error) => { throw new CommandInvalid(`Cannot read the archive: ${error.message}`) })
  report.start('bytes', size)
  return readArchive(counted(until(io.signal, createReadStream(file) as AsyncIterable<Buffer>), report.advance))
}

async function * counted (chunks: AsyncIterable<Buffer>, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    onRead(chunk.length)
    yield chunk
  }
}

export interface ExportOptions extends DatabaseOptions {
  output: string
  gzip?: boolean
  json: boolean
}

/** A file gets its name when it is complete. */
export async function exportCommand (io: Io, { output, gzip = output.endsWith('.gz'), json, ...database }: ExportOptions, selection: Selection): Promise<ExitCode> {
  const isStdout = output === '-'
  if (isStdout && io.stdout.isTTY === true) throw new CommandInvalid('An archive is not for a terminal. Pass --output documents.ndjson.gz, or redirect the output to a file')
  const report = new Report(io, json, isStdout ? io.stderr : io.stdout)
  return await withDatabase(io, database, async (client) => {
    const counts = { documents: 0, snapshots: 0, updates: 0, putAside: 0 }
    report.start('messages', io.stderr.isTTY === true ? await estimate(client, selection) : 0)
    const source = Readable.from(writeArchive(progressing(until(io.signal, readDocuments(client, selection)), report.advance), counts))
    const partial = `${output}.partial`
    try {
      const target: Writable = isStdout ? io.stdout : createWriteStream(partial, { flags: 'w', mode: 0o600 })
      const options = { signal: io.signal, end: !isStdout }
      if (gzip) await pipeline(source, createGzip(), target, options)
      else await pipeline(source, target, options)
      if (!isStdout) {
        await finished(target)
        await rename(partial, output)
      }
    } catch (error) {
      if (!isStdout) await rm(partial, { force: true })
      throw error
    } finally {
      report.end()
    }
    const { documents, snapshots, updates, putAside } = counts
    const missing = putAside === 0 ? '' : `. ${putAside} messages that were put aside are left out`
    report.result({ type: 'summary', ...counts, output }, `Exported ${documents} documents with ${snapshots} snapshots and ${updates} updates${missing}`)
    return exitCodes.ok
  })
}

async function * progressing (sections: AsyncIterable<Section>, onRead: (messages: number) => void): AsyncGenerator<Section> {
  for await (const section of sections) {
    if (section.kind === 'snapshots') onRead(section.snapshots.length)
    if (section.kind === 'updates') onRead(section.updates.length)
    yield section
  }
}

export interface ImportOptions extends DatabaseOptions {
  workers: number
  json: boolean
}

export async function importCommand (io: Io, file: string, { workers, json, ...database }: ImportOptions): Promise<ExitCode> {
  const report = new Report(io, json)
  return await withDatabase(io, database, async (client) => {
    const sections = await openArchive(io, file, report)
    const checker = createChecker(workers)
    const outcomes = { created: 0, extended: 0, unchanged: 0, newer: 0, refused: 0 }
    try {
      for await (const document of importDocuments(client, until(io.signal, sections), checker)) {
        outcomes[document.outcome]++
        const { documentId, outcome, reason = '' } = document
        report.result({ type: 'document', ...document }, outcome === 'refused' ? `Refused ${documentId === '' ? 'the archive' : JSON.stringify(documentId)}: ${reason}` : undefined)
      }
    } finally {
      report.end()
      await checker.close()
    }
    const text = Object.entries(outcomes).filter(([, count]) => count > 0).map(([outcome, count]) => `${count} ${outcome}`).join(', ')
    report.result({ type: 'summary', ...outcomes }, `Documents: ${text === '' ? 'none' : text}`)
    return outcomes.refused === 0 ? exitCodes.ok : exitCodes.found
  })
}
