import { useState } from 'react'
import { documentPath, request } from '../api.ts'
import { forgetDocument } from '../device/documents.ts'
import { withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'

/** How a document ends for everybody, or for this person. This device forgets it, too. */
export function LeaveOrDelete ({ open, isOwner }: { open: OpenDocument, isOwner: boolean }) {
  const [state, setState] = useState<'closed' | 'asked' | 'busy' | 'failed'>('closed')

  const end = async () => {
    setState('busy')
    try {
      await withSession(({ sessionKey }) => request('DELETE', documentPath(open.id, ...isOwner ? [] : ['membership']), sessionKey))
    } catch {
      return setState('failed')
    }
    try {
      await open.close()
      await forgetDocument(open.id)
    } finally {
      // In its place in the browser's history: there is no way back.
      location.replace('#/')
    }
  }

  return (
    <section className='end-of-document'>
      <button type='button' className='button danger' aria-expanded={state !== 'closed'} onClick={() => setState(state === 'closed' ? 'asked' : 'closed')}>
        {isOwner ? 'Delete document' : 'Leave document'}
      </button>
      {state !== 'closed' && (
        <p className='confirm'>
          <span>{isOwner ? 'It will be gone for everybody, and cannot be brought back.' : 'You will need an invitation to come back.'}</span>
          <button type='button' className='button danger' disabled={state === 'busy'} autoFocus onClick={() => { void end() }}>
            {isOwner ? 'Yes, delete' : 'Yes, leave'}
          </button>
        </p>
      )}
      {state === 'failed' && <p className='trouble' role='alert'>That did not work. Please try again when the document is live.</p>}
    </section>
  )
}
