import { DOMSerializer } from 'prosemirror-model'
import { useLayoutEffect, useRef } from 'react'
import { yXmlFragmentToProseMirrorRootNode } from 'y-prosemirror'
import type * as Y from 'yjs'
import { schema } from '../editor/schema.ts'

/** A version of the document, to look at. */
export function Preview ({ doc }: { doc: Y.Doc }) {
  const place = useRef<HTMLDivElement>(null)

  useLayoutEffect(() => {
    const { content } = yXmlFragmentToProseMirrorRootNode(doc.getXmlFragment('body'), schema)
    place.current?.replaceChildren(DOMSerializer.fromSchema(schema).serializeFragment(content))
  }, [doc])

  return (
    <article className='version-preview' aria-label='This version'>
      <h3>{doc.getText('title').toString() || 'Untitled'}</h3>
      <div ref={place} className='ProseMirror' />
    </article>
  )
}
