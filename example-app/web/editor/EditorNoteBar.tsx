import { IconButton } from '../ui/IconButton.tsx'
import type { EditorNote } from './note.ts'
import { texts } from '../words/index.ts'

/** Always there: what comes into a live region is read aloud. */
export function EditorNoteBar ({ note, onClose }: { note: EditorNote | undefined, onClose: () => void }) {
  return (
    <div className='editor-note' data-tone={note?.isBad === true ? 'bad' : 'plain'}>
      <p role='status'>{note?.text}</p>
      {note !== undefined && <IconButton icon='close' label={texts().images.closeNote} onClick={onClose} />}
    </div>
  )
}
