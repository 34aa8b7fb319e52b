import { useEffect, useRef } from 'react'
import { colorNumber } from '../sync/colors.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { initials } from '../ui/initials.ts'
import { useSignal } from '../ui/signal.ts'
import { ago, moment } from '../words/format.ts'
import { texts } from '../words/index.ts'
import type { Comment } from './comment.ts'
import { CommentForm } from './CommentForm.tsx'
import type { Conversation } from './comments.ts'

export function ConversationItem ({ open, conversation, writable, isShown, hasText }: {
  open: OpenDocument
  conversation: Conversation
  writable: boolean
  isShown: boolean
  /** Whether the text is still there. */
  hasText: boolean
}) {
  const { id, place, comments, isResolved } = conversation
  const item = useRef<HTMLLIElement>(null)
  const role = useSignal(open.role)
  // Who they are may be known later. Who is no member any more stays somebody.
  useSignal(open.members)

  useEffect(() => { if (isShown) item.current?.scrollIntoView({ block: 'nearest' }) }, [isShown])

  const mayRemove = (comment: Comment) => writable && (role === 'owner' || open.personWith(comment.publicKey)?.memberId === open.self.memberId)

  return (
    <li ref={item} className={`conversation ${isShown ? 'shown' : ''}`}>
      <button type='button' className='quote' dir='auto' disabled={!hasText} aria-label={texts().comments.goTo(place.quote)} onClick={() => open.comments.shown.set(id)}>
        {place.quote}
      </button>
      {!hasText && <p className='comments-note'>{texts().comments.textIsGone}</p>}
      <ol>
        {comments.map((comment) => {
          const person = open.personWith(comment.publicKey)
          return (
            <li key={comment.id} className='comment'>
              <span className={`avatar ${person === undefined ? '' : `person-${colorNumber(person.color)}`}`} aria-hidden='true'>{initials(person?.name ?? '?')}</span>
              <p className='comment-facts'>
                <strong>{person?.name ?? texts().history.somebody}</strong>
                <time dateTime={new Date(comment.at).toISOString()} title={moment(comment.at)}>{ago(comment.at)}</time>
              </p>
              <p className='comment-text' dir='auto'>{comment.text}</p>
              {mayRemove(comment) && (
                <button type='button' className='link-button' aria-label={texts().comments.removeComment(comment.text.slice(0, 40))} onClick={() => open.comments.remove(comment.id)}>
                  {texts().comments.remove}
                </button>
              )}
            </li>
          )
        })}
      </ol>
      {writable && !isResolved && (
        <CommentForm
          label={texts().comments.answer} action={texts().comments.send}
          onSend={async (text) => { await open.comments.add(text, { answers: id }, open.introduceComments) }}
        />
      )}
      {writable && (
        <button type='button' className='button' onClick={() => open.comments.resolve(id, !isResolved)}>
          {isResolved ? texts().comments.reopen : texts().comments.resolve}
        </button>
      )}
    </li>
  )
}
