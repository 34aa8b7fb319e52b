import type { Node } from 'prosemirror-model'
import { prosemirrorToYXmlFragment } from 'y-prosemirror'
import * as Y from 'yjs'
import type { DocumentRecord } from '../device/documents.ts'
import { copyOf } from '../device/new-document.ts'
import { schema } from './schema.ts'

/** A new document from a file of Word, or else in Markdown. Its title is the heading that it begins with, or else the name of the file. */
export async function importFile (file: File): Promise<DocumentRecord> {
  const parsed = await parse(file)
  const first = parsed.firstChild
  const hasTitle = first?.type === schema.nodes.heading && first.attrs.level === 1
  const doc = new Y.Doc()
  prosemirrorToYXmlFragment(hasTitle ? parsed.cut(first.nodeSize) : parsed, doc.getXmlFragment('body'))
  const record = await copyOf(doc, { title: hasTitle ? first.textContent : file.name.replace(/\.\w+$/, '') })
  doc.destroy()
  return record
}

async function parse (file: File): Promise<Node> {
  if (file.name.toLowerCase().endsWith('.docx')) {
    const { parseDocx } = await import('./docx.ts')
    return await parseDocx(await file.arrayBuffer())
  }
  const { parseMarkdown } = await import('./markdown.ts')
  return parseMarkdown(await file.text())
}
