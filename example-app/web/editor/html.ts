import { DOMSerializer, type Node } from 'prosemirror-model'
import { schema } from './schema.ts'

/** A page that shows a document, and loads nothing. */
export function writeHtml (title: string, doc: Node): string {
  const page = document.implementation.createHTMLDocument(title)
  const charset = page.createElement('meta')
  charset.setAttribute('charset', 'utf-8')
  page.head.prepend(charset)
  const heading = page.createElement('h1')
  heading.textContent = title
  page.body.append(heading, DOMSerializer.fromSchema(schema).serializeFragment(doc.content, { document: page }))
  return `<!doctype html>\n${page.documentElement.outerHTML}\n`
}
