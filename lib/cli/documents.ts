import { createDocuments, type Documents } from '../documents/index.ts'
import { adapterOf, type DatabaseOptions } from './database.ts'
import { exitCodes, Report, type ExitCode, type Io } from './io.ts'

interface Options extends DatabaseOptions {
  json: boolean
}

async function withDocuments<T> (io: Io, options: DatabaseOptions, command: (documents: Documents) => Promise<T>): Promise<T> {
  const documents = createDocuments({ adapter: await adapterOf(io, options) })
  try {
    return await command(documents)
  } finally {
    await documents.close()
  }
}

export async function usageCommand (io: Io, { prefix, json, ...database }: Options & { prefix?: string }): Promise<ExitCode> {
  return await withDocuments(io, database, async (documents) => {
    const usage = await documents.usage(prefix === undefined ? {} : { prefix })
    const text = [
      `documents       ${usage.documents}`,
      `snapshots       ${usage.snapshots}`,
      `updates         ${usage.updates}`,
      `bytes, loaded   ${usage.liveBytes}`,
      `bytes, stored   ${usage.keptBytes}`,
      `deleted         ${usage.deleted.documents} documents with ${usage.deleted.bytes} bytes are still being removed`,
      ...usage.uncounted === 0 ? [] : [`uncounted       ${usage.uncounted} documents, last written by version 0.1, are left out`]
    ]
    new Report(io, json).result({ type: 'summary', ...usage }, text.join('\n'))
    return exitCodes.ok
  })
}

/** Servers on the database learn of it when they next look at the document, and remove the data. */
export async function deleteCommand (io: Io, ids: string[], { restorableFor, json, ...database }: Options & { restorableFor: number }): Promise<ExitCode> {
  const report = new Report(io, json)
  return await withDocuments(io, database, async (documents) => {
    let missing = 0
    for (const documentId of ids) {
      io.signal.throwIfAborted()
      const receipt = await documents.delete(documentId, { restorableFor })
      if (receipt === undefined) {
        missing++
        report.result({ type: 'document', documentId, deleted: false }, `There is no document ${JSON.stringify(documentId)}`)
      } else {
        const { snapshots, updates, bytes } = receipt
        report.result({ type: 'document', deleted: true, ...receipt }, `Deleted ${JSON.stringify(documentId)} with ${snapshots} snapshots, ${updates} updates, ${bytes} bytes`)
      }
    }
    if (restorableFor === 0) await documents.purge({ signal: io.signal })
    return missing === 0 ? exitCodes.ok : exitCodes.found
  })
}
