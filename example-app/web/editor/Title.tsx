import { useEffect, useLayoutEffect, useRef } from 'react'
import { fromTitle, type OpenDocument } from '../sync/open-document.ts'
import { useTitle } from '../document/useTitle.ts'

/** The title is part of the encrypted document. What changed in the field is sent, not the whole, so that two people can edit it. */
export function Title ({ open, writable, onDone }: { open: OpenDocument, writable: boolean, onDone: () => void }) {
  const title = useTitle(open)
  const field = useRef<HTMLTextAreaElement>(null)
  const caret = useRef<number>()

  // A new document wants a name. One that was there before is to be read first.
  useEffect(() => {
    if (!open.record.registered && open.title.length === 0) field.current?.focus()
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
    const now = element.value.replaceAll('\n', ' ')
    caret.current = element.selectionEnd
    const { start, removed, inserted } = difference(title, now)
    open.doc.transact(() => {
      open.title.delete(start, removed)
      open.title.insert(start, inserted)
    }, fromTitle)
  }

  return (
    <textarea
      ref={field} className='title' rows={1} value={title} readOnly={!writable} maxLength={200}
      aria-label='Title' placeholder='Untitled' spellCheck
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

/** The one place where two texts differ, as it is after a single edit. */
function difference (before: string, after: string): { start: number, removed: number, inserted: string } {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before[start] === after[start]) start++
  let end = 0
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end++
  return { start, removed: before.length - end - start, inserted: after.slice(start, after.length - end) }
}
