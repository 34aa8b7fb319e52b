import { NodeSelection } from 'prosemirror-state'
import type { EditorView } from 'prosemirror-view'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import { imageOf, imageTypes, type ImageAttributes } from '../files/image-attributes.ts'
import { describeImage, descriptionWanted, imageWanted } from './image-commands.ts'
import type { SayNote } from './note.ts'
import { texts } from '../words/index.ts'

const ImageDialog = lazy(() => import('./ImageDialog.tsx'))

/** Lets people choose an image, and describe the one that is selected. */
export function Images ({ view, open, say }: { view: EditorView, open: OpenDocument, say: SayNote }) {
  const chooser = useRef<HTMLInputElement>(null)
  const [described, setDescribed] = useState<ImageAttributes>()

  useEffect(() => {
    const choose = () => chooser.current?.click()
    const describe = () => {
      const { selection } = view.state
      if (selection instanceof NodeSelection) setDescribed(imageOf(selection.node.attrs))
    }
    view.dom.addEventListener(imageWanted, choose)
    view.dom.addEventListener(descriptionWanted, describe)
    return () => {
      view.dom.removeEventListener(imageWanted, choose)
      view.dom.removeEventListener(descriptionWanted, describe)
    }
  }, [view])

  const put = async (files: File[]) => {
    const { putIn } = await import('./put-in.ts')
    await putIn({ view, open, say }, files)
    if (!view.isDestroyed) view.focus()
  }

  return (
    <>
      <input
        ref={chooser} type='file' hidden multiple accept={imageTypes.join()} aria-label={texts().images.choose}
        onChange={({ target }) => {
          put([...target.files ?? []]).catch(() => say({ text: texts().notDone, isBad: true }))
          // So that the same file can be chosen again.
          target.value = ''
        }}
      />
      {described !== undefined && (
        <Suspense>
          <ImageDialog
            alt={described.alt}
            onClose={() => setDescribed(undefined)}
            onDone={(alt) => {
              describeImage(view, described.file, alt)
              setDescribed(undefined)
              setTimeout(() => view.focus())
            }}
          />
        </Suspense>
      )}
    </>
  )
}
