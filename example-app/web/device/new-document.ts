import * as Y from 'yjs'
import { commentMaps } from '../comments/comments.ts'
import { setTitle, titleOf } from '../sync/title.ts'
import { write } from './database.ts'
import { forgetDocument, newDocument, saveDocument, type DocumentRecord } from './documents.ts'

interface CopyOptions {
  from?: string | undefined
  title?: string | undefined
}

/**
 * A document of one's own with the text of another, without its comments. It is on this device first, as a copy that is sent when the document is
 * opened. `from` is the id of the other: its images are copied, too.
 */
export async function copyOf (source: Y.Doc, { from, title = titleOf(source) }: CopyOptions): Promise<DocumentRecord> {
  const doc = new Y.Doc()
  Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(source))
  setTitle(doc, title)
  for (const map of commentMaps(doc)) map.clear()
  const record = await newDocument()
  try {
    if (from !== undefined) {
      const { copyFiles } = await import('../files/copy-files.ts')
      await copyFiles(doc, from, record.id)
    }
  } catch (error) {
    await forgetDocument(record.id)
    throw error
  }
  await write('contents', Y.encodeStateAsUpdateV2(doc), record.id)
  record.title = titleOf(doc)
  await saveDocument(record)
  doc.destroy()
  return record
}
