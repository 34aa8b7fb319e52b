import { NodeSelection } from 'prosemirror-state'
import type { EditorView } from 'prosemirror-view'
import { lazy, Suspense, useRef, useState } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import { imageOf, imageTypes, type ImageAttributes } from '../files/image-attributes.ts'
import { describeImage, descriptionWanted, imageWanted } from './image-commands.ts'
import type { SayNote } from './note.ts'
import { useWanted } from './useWanted.ts'
import { texts } from '../words/index.ts'

const ImageDialog = lazy(() => import('./ImageDialog.tsx'))

/** Lets people choose an image, and describe the one that is selected. */
export function Images ({ view, open, say }: { view: EditorView, open: OpenDocument, say: SayNote }) {
  const chooser = useRef<HTMLInputElement>(null)
  const [described, setDescribed] = useState<ImageAttributes>()

  useWanted(view, imageWanted, () => chooser.current?.click())
  useWanted(view, descriptionWanted, ({ state: { selection } }) => {
    if (selection instanceof NodeSelection) setDescribed(imageOf(selection.node.attrs))
  })

  const put = async (files: File[]) => {
    // Not after it: until the image is sent, people write on elsewhere.
    view.focus()
    const { putIn } = await import('./put-in.ts')
    await putIn({ view, open, say }, files)
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
