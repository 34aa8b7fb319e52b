import * as Y from 'yjs'

// The title is one value: of two that are written at the same time, one holds. Earlier versions of this app kept it as a text, in which both were
// merged letter by letter. It is read until somebody changes the title.

/** The origin of what the person types into the title. */
export const fromTitle = Symbol('from the title')

const longest = 200

/** What the title of a document is kept in. */
export function titleMap (doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('properties')
}

export function titleOf (doc: Y.Doc): string {
  const title = titleMap(doc).get('title')
  return (typeof title === 'string' ? title : doc.getText('title').toString()).slice(0, longest)
}

export function setTitle (doc: Y.Doc, title: string): void {
  if (title !== titleOf(doc)) doc.transact(() => titleMap(doc).set('title', title.slice(0, longest)), fromTitle)
}

/** Calls back when it may have changed, until the function that it returns is called. */
export function observeTitle (doc: Y.Doc, listener: () => void): () => void {
  const kept = [titleMap(doc), doc.getText('title')]
  for (const type of kept) type.observe(listener)
  return () => { for (const type of kept) type.unobserve(listener) }
}
