import { useState } from 'react'
import { documentPath, request } from '../api.ts'
import { forgetDocument } from '../device/documents.ts'
import { withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { texts } from '../words/index.ts'

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
      await forgetDocument(open.id, 'everywhere')
    } finally {
      // In its place in the browser's history: there is no way back.
      location.replace('#/')
    }
  }

  return (
    <section className='end-of-document'>
      <button type='button' className='button danger' aria-expanded={state !== 'closed'} onClick={() => setState(state === 'closed' ? 'asked' : 'closed')}>
        {isOwner ? texts().share.delete : texts().share.leave}
      </button>
      {state !== 'closed' && (
        <p className='confirm'>
          <span>{isOwner ? texts().share.deleteNote : texts().share.leaveNote}</span>
          <button type='button' className='button danger' disabled={state === 'busy'} autoFocus onClick={() => { void end() }}>
            {isOwner ? texts().share.deleteYes : texts().share.leaveYes}
          </button>
        </p>
      )}
      {state === 'failed' && <p className='trouble' role='alert'>{texts().notDone}</p>}
    </section>
  )
}
