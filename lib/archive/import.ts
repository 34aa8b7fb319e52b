import type { AdapterClient, Transaction } from '../stores/adapter.ts'
import type { Section } from '../stores/rows.ts'
import type { Checker } from '../verify/checker.ts'
import { DocumentCheck } from '../verify/document.ts'
import { describe } from '../verify/problems.ts'
import { ImportedDocument, type ImportReport } from './imported-document.ts'

export type { ImportReport }

/**
 * Loads documents into a database, and verifies all that they say. Each document is one transaction: it is there as a whole, or not at all. What
 * was imported before an interruption stays, and is `unchanged` the next time.
 */
export async function * importDocuments (
  client: AdapterClient, sections: AsyncIterable<Section>, checker: Checker, onRead: (messages: number) => void = () => {}
): AsyncGenerator<ImportReport> {
  let current: Importing | undefined
  try {
    for await (const section of sections) {
      switch (section.kind) {
        case 'document': {
          const transaction = await client.begin('READ COMMITTED')
          current = { transaction, check: new DocumentCheck(section.document, checker), document: new ImportedDocument(transaction, section.document) }
          await current.document.begin()
          break
        }
        case 'snapshots':
          current?.check.addSnapshots(section.snapshots)
          await current?.document.addSnapshots(section.snapshots)
          onRead(section.snapshots.length)
          break
        case 'updates':
          current?.check.addUpdates(section.updates)
          await current?.document.addUpdates(section.updates)
          onRead(section.updates.length)
          break
        case 'broken':
          await current?.transaction.rollback()
          current = undefined
          yield refused(section.documentId ?? '', section.reason)
          break
        case 'end': {
          const ended = current
          current = undefined
          if (ended !== undefined) yield await finish(ended)
        }
      }
      await checker.room()
    }
  } finally {
    // Also if whoever reads the reports reads no further.
    await current?.transaction.rollback()
  }
}

interface Importing {
  transaction: Transaction
  check: DocumentCheck
  document: ImportedDocument
}

/** Commits a document, or rolls it back. */
async function finish ({ transaction, check, document }: Importing): Promise<ImportReport> {
  let isOpen = true
  try {
    const { problems: [problem], problemCount } = await check.report()
    if (problem !== undefined) {
      const more = problemCount === 1 ? '' : ` (and ${problemCount - 1} more)`
      return refused(document.id, `${describe(problem)}${more}`)
    }
    const report = await document.finish()
    if (report.outcome === 'created' || report.outcome === 'extended') {
      isOpen = false
      await transaction.commit()
    }
    return report
  } finally {
    if (isOpen) await transaction.rollback()
  }
}

function refused (documentId: string, reason: string): ImportReport {
  return { documentId, outcome: 'refused', snapshots: 0, updates: 0, reason }
}
