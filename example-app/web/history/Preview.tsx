import { DOMSerializer } from 'prosemirror-model'
import { useLayoutEffect, useRef } from 'react'
import type * as Y from 'yjs'
import { Reading } from '../editor/reading.ts'
import { schema } from '../editor/schema.ts'
import { titleOf } from '../sync/title.ts'
import { texts } from '../words/index.ts'

/** A version of the document, to look at. */
export function Preview ({ doc }: { doc: Y.Doc }) {
  const place = useRef<HTMLDivElement>(null)

  useLayoutEffect(() => {
    const { content } = new Reading().document(doc.getXmlFragment('body'))
    place.current?.replaceChildren(DOMSerializer.fromSchema(schema).serializeFragment(content))
  }, [doc])

  return (
    <article className='version-preview' aria-label={texts().history.thisVersion}>
      <h3>{titleOf(doc) || texts().untitled}</h3>
      <div ref={place} className='ProseMirror' />
    </article>
  )
}
