import { useLayoutEffect, useRef } from 'react'
import type * as Y from 'yjs'
import { imageSource } from '../editor/images.ts'
import { Reading } from '../editor/reading.ts'
import { serializerWith } from '../editor/serializer.ts'
import { imageOf } from '../files/image-attributes.ts'
import { ShownImage } from '../files/shown-image.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { titleOf } from '../sync/title.ts'
import { texts } from '../words/index.ts'

/** A version of the document, to look at. Its images are files of the document, which stay as long as it. */
export function Preview ({ open, doc }: { open: OpenDocument, doc: Y.Doc }) {
  const place = useRef<HTMLDivElement>(null)

  useLayoutEffect(() => {
    const { content } = new Reading().document(doc.getXmlFragment('body'))
    const images: ShownImage[] = []
    const serializer = serializerWith(({ attrs }) => {
      const attributes = imageOf(attrs)
      if (attributes === undefined) return ['figure']
      const image = new ShownImage(imageSource(open), attributes)
      images.push(image)
      return image.dom
    })
    place.current?.replaceChildren(serializer.serializeFragment(content))
    return () => { for (const image of images) image.destroy() }
  }, [open, doc])

  return (
    <article className='version-preview' aria-label={texts().history.thisVersion}>
      <h3>{titleOf(doc) || texts().untitled}</h3>
      <div ref={place} className='ProseMirror' />
    </article>
  )
}
