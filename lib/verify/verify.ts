import type { Section } from '../stores/rows.ts'
import type { Checker } from './checker.ts'
import { DocumentCheck } from './document.ts'
import { brokenReport, type DocumentReport } from './problems.ts'

/** Documents whose messages are still being checked while later ones are read. */
const maxPending = 1000

/** Checks documents without keys, in the order in which they are read. `onRead` is called with the number of messages that were read. */
export async function * verify (
  sections: AsyncIterable<Section>, checker: Checker, onRead: (messages: number) => void = () => {}
): AsyncGenerator<DocumentReport> {
  const pending: Array<Promise<DocumentReport>> = []
  let check: DocumentCheck | undefined
  for await (const section of sections) {
    switch (section.kind) {
      case 'document':
        check = new DocumentCheck(section.document, checker)
        break
      case 'snapshots':
        check?.addSnapshots(section.snapshots)
        onRead(section.snapshots.length)
        break
      case 'updates':
        check?.addUpdates(section.updates)
        onRead(section.updates.length)
        break
      case 'end':
        if (check !== undefined) pending.push(settled(check.report()))
        break
      case 'broken':
        pending.push(Promise.resolve(brokenReport(section.documentId ?? '', section.reason)))
        check = undefined
    }
    await checker.room()
    while (pending.length > maxPending) yield await next(pending)
  }
  while (pending.length > 0) yield await next(pending)
}

/** It is awaited later. */
function settled<T> (promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

async function next (pending: Array<Promise<DocumentReport>>): Promise<DocumentReport> {
  const [first] = pending.splice(0, 1)
  return await (first as Promise<DocumentReport>)
}
