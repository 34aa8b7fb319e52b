import { useEffect, useLayoutEffect, useRef } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import { setTitle, titleOf } from '../sync/title.ts'
import { useTitle } from '../document/useTitle.ts'
import { texts } from '../words/index.ts'

/** The title is part of the encrypted document. */
export function Title ({ open, writable, onDone }: { open: OpenDocument, writable: boolean, onDone: () => void }) {
  const title = useTitle(open)
  const field = useRef<HTMLTextAreaElement>(null)
  const caret = useRef<number>()

  // A new document wants a name. One that was there before is to be read first.
  useEffect(() => {
    if (open.isNew && titleOf(open.doc) === '') field.current?.focus()
  }, [open])

  useLayoutEffect(() => {
    const element = field.current
    if (element === null) return
    element.style.height = 'auto'
    element.style.height = `${element.scrollHeight}px`
    if (caret.current !== undefined && document.activeElement === element) element.setSelectionRange(caret.current, caret.current)
    caret.current = undefined
  }, [title])

  const change = (element: HTMLTextAreaElement) => {
    caret.current = element.selectionEnd
    setTitle(open.doc, element.value.replaceAll('\n', ' '))
  }

  return (
    <textarea
      ref={field} className='title' dir='auto' rows={1} value={title} readOnly={!writable} maxLength={200}
      aria-label={texts().editor.title} placeholder={texts().untitled} spellCheck
      onChange={(event) => change(event.target)}
      onKeyDown={(event) => {
        const undoes = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z'
        if (event.key === 'Enter') onDone()
        else if (undoes && event.shiftKey) open.undo.redo()
        else if (undoes) open.undo.undo()
        else return
        event.preventDefault()
      }}
    />
  )
}
