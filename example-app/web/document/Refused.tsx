import { useEffect, useState } from 'react'
import * as Y from 'yjs'
import { copyOf } from '../device/new-document.ts'
import { forgetRefused, readRefused, type RefusedChanges } from '../device/refused.ts'
import { documentHref } from '../route.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { titleOf } from '../sync/title.ts'
import { Bar } from './Bar.tsx'
import { texts } from '../words/index.ts'

/** Changes of this person that the document did not take, until they say what becomes of them. */
export function useRefused ({ id }: OpenDocument): { refused: RefusedChanges | undefined, forget: () => void } {
  const [refused, setRefused] = useState<RefusedChanges>()
  useEffect(() => { void readRefused(id).then(setRefused, () => {}) }, [id])
  return { refused, forget: () => { void forgetRefused(id).then(() => setRefused(undefined)) } }
}

export function Refused ({ open, refused, onDone }: { open: OpenDocument, refused: RefusedChanges, onDone: () => void }) {
  const [doc] = useState(() => {
    const doc = new Y.Doc()
    Y.applyUpdateV2(doc, refused.content)
    return doc
  })
  const title = texts().document.withMyChanges(titleOf(doc) || texts().untitled)

  return (
    <Bar
      icon='eye' tone='plain'
      action={
        <div className='notice-actions'>
          <CopyToNew source={doc} from={open.id} title={title} onDone={() => forgetRefused(open.id)} />
          <button type='button' className='button' onClick={onDone}>{texts().document.discard}</button>
        </div>
      }
    >
      <strong>{texts().notices.refused(refused.count)}</strong> {texts().notices.refusedNote}
    </Bar>
  )
}

/** Makes a document of one's own of what is here. */
export function CopyToNew ({ source, from, title, onDone }: { source: Y.Doc, from: string, title?: string, onDone?: () => Promise<void> }) {
  const copy = async () => {
    const { id } = await copyOf(source, { from, title })
    await onDone?.()
    location.hash = documentHref(id)
  }
  return <button type='button' className='button' onClick={() => { void copy() }}>{texts().copyToNew}</button>
}
