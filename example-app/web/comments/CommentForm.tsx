import { useState } from 'react'
import { texts } from '../words/index.ts'
import { longest } from './comment.ts'

/** A field for a comment or an answer. `Ctrl+Enter` sends it. */
export function CommentForm ({ label, action, isFocused = false, onSend, onCancel }: {
  label: string
  action: string
  isFocused?: boolean
  onSend: (text: string) => Promise<void>
  onCancel?: () => void
}) {
  const [text, setText] = useState('')
  const [hasFailed, setHasFailed] = useState(false)
  const [isBusy, setIsBusy] = useState(false)
  const isEmpty = text.trim() === ''

  const send = async () => {
    if (isEmpty || isBusy) return
    setIsBusy(true)
    setHasFailed(false)
    await onSend(text.trim()).then(() => setText(''), () => setHasFailed(true))
    setIsBusy(false)
  }

  return (
    <form
      className='comment-form'
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void send()
        if (event.key === 'Escape') onCancel?.()
      }}
    >
      <textarea
        className='field' dir='auto' rows={isEmpty && onCancel === undefined ? 1 : 3} maxLength={longest.text} aria-label={label} placeholder={label}
        value={text} autoFocus={isFocused} onChange={(event) => setText(event.target.value)}
      />
      {hasFailed && <p className='trouble' role='alert'>{texts().comments.failed}</p>}
      {(!isEmpty || onCancel !== undefined) && (
        <div className='comment-actions'>
          {onCancel !== undefined && <button type='button' className='button' onClick={onCancel}>{texts().comments.cancel}</button>}
          <button className='button primary' disabled={isEmpty || isBusy}>{action}</button>
        </div>
      )}
    </form>
  )
}
