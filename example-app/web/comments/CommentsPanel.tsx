import '../styles/comments.css'
import { useEffect, useState } from 'react'
import { mayWrite } from '../api.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { IconButton } from '../ui/IconButton.tsx'
import { useSignal } from '../ui/signal.ts'
import { texts } from '../words/index.ts'
import type { Conversation } from './comments.ts'
import { CommentForm } from './CommentForm.tsx'
import { ConversationItem } from './ConversationItem.tsx'

/** The comments of a document, in the order of the text. Those whose text was deleted are at the end. */
export default function CommentsPanel ({ open, onClose }: { open: OpenDocument, onClose: () => void }) {
  const { comments } = open
  const conversations = useSignal(comments.conversations)
  const inText = useSignal(comments.inText)
  const draft = useSignal(comments.draft)
  const shown = useSignal(comments.shown)
  const writable = mayWrite(useSignal(open.role))
  const [showsResolved, setShowsResolved] = useState(false)
  const resolved = conversations.filter(({ isResolved }) => isResolved).length
  const listed = conversations.filter(({ id, isResolved }) => !isResolved || showsResolved || id === shown)
    .toSorted((one, other) => placeIn(inText, one) - placeIn(inText, other))

  useEffect(() => () => {
    comments.draft.set(undefined)
    comments.shown.set(undefined)
  }, [comments])

  return (
    <aside className='comments' aria-labelledby='comments-heading'>
      <header>
        <h2 id='comments-heading'>{texts().comments.heading}</h2>
        <IconButton icon='close' label={texts().comments.close} onClick={onClose} />
      </header>
      {draft !== undefined && writable && (
        <section aria-label={texts().comments.new}>
          <blockquote dir='auto'>{draft.quote}</blockquote>
          <CommentForm
            label={texts().comments.comment} action={texts().comments.send} isFocused
            onSend={async (text) => {
              comments.shown.set(await comments.add(text, { place: draft }, open.introduceComments))
              comments.draft.set(undefined)
            }}
            onCancel={() => comments.draft.set(undefined)}
          />
        </section>
      )}
      <p className='visually-hidden' role='status'>{texts().comments.count(conversations.length - resolved)}</p>
      {listed.length === 0 && draft === undefined && <p className='comments-note'>{writable ? texts().comments.none : texts().comments.noneYet}</p>}
      <ul aria-label={texts().comments.heading}>
        {listed.map((conversation) => (
          <ConversationItem
            key={conversation.id} open={open} conversation={conversation} writable={writable}
            isShown={conversation.id === shown} hasText={inText.includes(conversation.id)}
          />
        ))}
      </ul>
      {resolved > 0 && (
        <button type='button' className='button' aria-pressed={showsResolved} onClick={() => setShowsResolved(!showsResolved)}>
          {texts().comments.showResolved(resolved)}
        </button>
      )}
    </aside>
  )
}

function placeIn (inText: string[], { id }: Conversation): number {
  const place = inText.indexOf(id)
  return place === -1 ? inText.length : place
}
