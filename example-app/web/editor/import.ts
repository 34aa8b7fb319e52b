import { prosemirrorToYXmlFragment } from 'y-prosemirror'
import * as Y from 'yjs'
import type { DocumentRecord } from '../device/documents.ts'
import { copyOf } from '../device/new-document.ts'
import { parseMarkdown } from './markdown.ts'
import { schema } from './schema.ts'

/** A new document from a text in Markdown. Its title is the heading that it begins with, or else the name of the file. */
export async function importMarkdown (text: string, fileName: string): Promise<DocumentRecord> {
  const parsed = parseMarkdown(text)
  const first = parsed.firstChild
  const hasTitle = first?.type === schema.nodes.heading && first.attrs.level === 1
  const doc = new Y.Doc()
  prosemirrorToYXmlFragment(hasTitle ? parsed.cut(first.nodeSize) : parsed, doc.getXmlFragment('body'))
  const record = await copyOf(doc, hasTitle ? first.textContent : fileName.replace(/\.\w+$/, ''))
  doc.destroy()
  return record
}
