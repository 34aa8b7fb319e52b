import { useId, useState } from 'react'
import { longestAlt } from '../files/image-attributes.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { texts } from '../words/index.ts'

/** Asks what is on an image. */
export default function ImageDialog ({ alt, onDone, onClose }: { alt: string, onDone: (alt: string) => void, onClose: () => void }) {
  const [text, setText] = useState(alt)
  const [field, note] = [useId(), useId()]

  return (
    <Dialog title={texts().images.describeTitle} onClose={onClose}>
      <form className='link-form' onSubmit={(event) => { event.preventDefault(); onDone(text.replaceAll(/\s+/g, ' ').trim()) }}>
        <label htmlFor={field}>{texts().images.describeLabel}</label>
        <textarea
          id={field} className='field' rows={3} dir='auto' value={text} maxLength={longestAlt} autoFocus aria-describedby={note}
          onChange={({ target }) => setText(target.value)}
        />
        <p id={note} className='field-note'>{texts().images.describeNote}</p>
        <div className='dialog-actions'><button className='button primary'>{texts().images.save}</button></div>
      </form>
    </Dialog>
  )
}
