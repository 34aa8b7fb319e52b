import { createHash, type Hash } from 'node:crypto'
import type { Section } from '../stores/rows.ts'
import { isAside } from '../verify/updates.ts'
import { documentLine, formatName, formatVersion, snapshotLine, updateLine } from './format.ts'

/** What was written. Messages that were put aside are left out: another database would refuse them. */
export interface Exported {
  documents: number
  snapshots: number
  updates: number
  putAside: number
}

/**
 * Writes documents as an archive: NDJSON, in pieces of some kilobytes. `counts` is brought up to date while it is written. Each document, and the
 * whole, ends with a checksum.
 */
export async function * writeArchive (sections: AsyncIterable<Section>, counts: Exported): AsyncGenerator<Buffer> {
  const whole = createHash('sha256')
  let section: Hash | undefined
  let messages = { snapshots: 0, updates: 0 }
  const piece = (lines: string[], ...hashes: Array<Hash | undefined>): Buffer => {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    for (const hash of hashes) hash?.update(bytes)
    return bytes
  }
  yield piece([JSON.stringify({ format: formatName, version: formatVersion, createdAt: new Date().toISOString() })], whole)
  for await (const part of sections) {
    switch (part.kind) {
      case 'document':
        section = createHash('sha256')
        messages = { snapshots: 0, updates: 0 }
        yield piece([documentLine(part.document)], section)
        break
      case 'snapshots': {
        const snapshots = part.snapshots.filter(({ id }) => !isAside(id))
        messages.snapshots += snapshots.length
        counts.putAside += part.snapshots.length - snapshots.length
        yield piece(snapshots.map(snapshotLine), section)
        break
      }
      case 'updates': {
        const updates = part.updates.filter(({ author, snapshotId }) => !isAside(author) && !isAside(snapshotId))
        messages.updates += updates.length
        counts.putAside += part.updates.length - updates.length
        yield piece(updates.map(updateLine), section)
        break
      }
      case 'end': {
        counts.documents++
        counts.snapshots += messages.snapshots
        counts.updates += messages.updates
        // The checksum of the whole is that of the header and of the ends of all documents: each has the checksum of its lines.
        yield piece([JSON.stringify({ type: 'document-end', ...messages, sha256: section?.digest('hex') })], whole)
      }
    }
  }
  yield piece([JSON.stringify({ type: 'archive-end', documents: counts.documents, sha256: whole.digest('hex') })])
}
