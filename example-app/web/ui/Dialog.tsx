import { useId, useLayoutEffect, useRef, type ReactNode } from 'react'
import { IconButton } from './IconButton.tsx'
import { texts } from '../words/index.ts'

/** The browser's own modal dialog: it keeps the focus inside, closes with Escape, and gives the focus back. */
export function Dialog ({ title, onClose, children }: { title: string, onClose: () => void, children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  /** Where the pointer went down. A click that ends elsewhere is one on the dialog: after selecting text, or when a button has moved. */
  const pressed = useRef<EventTarget>(undefined)

  // Closed while it is still in the page: only then does the browser give the focus back.
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])

  return (
    <dialog
      ref={dialog}
      className='dialog'
      aria-labelledby={heading}
      onCancel={(event) => {
        // Choosing no file, or the same one again, is a `cancel`, too.
        if (event.target !== dialog.current) return
        event.preventDefault()
        onClose()
      }}
      onPointerDown={({ target }) => { pressed.current = target }}
      onClick={({ target }) => { if (target === dialog.current && target === pressed.current) onClose() }}
    >
      <div className='dialog-body'>
        <header className='dialog-header'>
          <h2 id={heading}>{title}</h2>
          <IconButton icon='close' label={texts().ui.close} onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  )
}
