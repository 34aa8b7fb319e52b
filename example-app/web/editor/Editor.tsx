import { useDocumentState } from 'fastify-secsync/client/react'
import type { EditorState } from 'prosemirror-state'
import type { EditorView } from 'prosemirror-view'
import { useEffect, useRef, useState } from 'react'
import { mayWrite } from '../api.ts'
import { placeOfSelection } from '../comments/plugin.ts'
import { documents } from '../device/documents.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { phaseOf } from '../sync/status.ts'
import { titleOf } from '../sync/title.ts'
import { useSignal } from '../ui/signal.ts'
import { createEditor } from './editor.ts'
import { EditorNoteBar } from './EditorNoteBar.tsx'
import { Images } from './Images.tsx'
import { commentWanted } from './commands.ts'
import { linkWanted, setLink } from './link-commands.ts'
import { LinkDialog } from './LinkDialog.tsx'
import type { EditorNote } from './note.ts'
import { Title } from './Title.tsx'
import { Toolbar } from './Toolbar.tsx'
import { useWanted } from './useWanted.ts'
import { texts } from '../words/index.ts'

/** Milliseconds. The toolbar follows the text, and no letter waits for it. */
const toolbarDelay = 60
/** Until words that are no trouble go away by themselves. */
const noteDelay = 15_000

export function Editor ({ open, onComment }: { open: OpenDocument, onComment: () => void }) {
  const place = useRef<HTMLDivElement>(null)
  const [view, setView] = useState<EditorView>()
  const [state, setState] = useState<EditorState>()
  const [asksForLink, setAsksForLink] = useState(false)
  const [note, setNote] = useState<EditorNote>()
  const role = useSignal(open.role)
  const { connection, loaded } = useDocumentState(open.connection)
  const phase = phaseOf(connection)

  const refused = phase === 'no-access' || phase === 'no-key'
  const readable = loaded !== 'no' || open.isNew || open.body.length > 0 || titleOf(open.doc) !== ''
  const writable = readable && !refused && mayWrite(role)
  const isWritable = useRef(writable)
  isWritable.current = writable

  useEffect(() => {
    if (place.current === null) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const created = createEditor(place.current, open, () => isWritable.current, setNote)
    created.setProps({
      dispatchTransaction (transaction) {
        // y-prosemirror shows the cursors of others a task later, when the page may be gone.
        if (created.isDestroyed) return
        created.updateState(created.state.apply(transaction))
        timer ??= setTimeout(() => {
          timer = undefined
          setState(created.state)
        }, toolbarDelay)
      }
    })
    setView(created)
    setState(created.state)
    return () => {
      clearTimeout(timer)
      created.destroy()
    }
  }, [open])

  useEffect(() => { view?.setProps({}) }, [view, writable])

  // Images that wait. A document that was made here is known to the server from now on.
  useEffect(() => {
    const hasFiles = documents.get().some(({ id, hasUnsentFiles }) => id === open.id && hasUnsentFiles === true)
    if (phase === 'live' && hasFiles) void import('../sync/send-unsent.ts').then(({ sendUnsent }) => sendUnsent(open.id)).catch(() => {})
  }, [phase, open])

  useEffect(() => {
    if (note === undefined || note.isBad === true) return
    const timer = setTimeout(() => setNote(undefined), noteDelay)
    return () => clearTimeout(timer)
  }, [note])

  useWanted(view, linkWanted, () => setAsksForLink(true))
  useWanted(view, commentWanted, (view) => {
    const place = placeOfSelection(view, open)
    if (place !== undefined) open.comments.draft.set(place)
    onComment()
  })

  return (
    <main className='editor'>
      {writable && view !== undefined && state !== undefined && <Toolbar view={view} state={state} />}
      <article className={`sheet ${readable ? '' : 'waiting'}`} aria-busy={!readable}>
        <Title open={open} writable={writable} onDone={() => view?.focus()} />
        {role === 'viewer' && readable && !refused && <p className='read-only'>{texts().editor.readOnly}</p>}
        <div ref={place} />
        {!readable && !refused && <p className='sheet-note' role='status'>{texts().editor.waiting}</p>}
      </article>
      {view !== undefined && <Images view={view} open={open} say={setNote} />}
      <EditorNoteBar note={note} onClose={() => setNote(undefined)} />
      {asksForLink && view !== undefined && (
        <LinkDialog
          onClose={() => setAsksForLink(false)}
          onDone={(href) => {
            setLink(href)(view.state, view.dispatch)
            setAsksForLink(false)
            setTimeout(() => view.focus())
          }}
        />
      )}
    </main>
  )
}
