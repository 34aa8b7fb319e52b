import { useCallback, useEffect, useState } from 'react'
import { request } from '../api.ts'
import { withSession, type SessionFacts } from '../session.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { ago } from '../ui/words.ts'

/** Where else somebody is this person: their sessions, to be ended. */
export function SessionsDialog ({ onClose }: { onClose: () => void }) {
  const [sessions, setSessions] = useState<SessionFacts[]>()
  const [trouble, setTrouble] = useState(false)

  const act = useCallback(async (action?: (sessionKey: string) => Promise<unknown>) => {
    setTrouble(false)
    try {
      await withSession(async ({ sessionKey }) => {
        await action?.(sessionKey)
        setSessions((await request<{ sessions: SessionFacts[] }>('GET', '/api/sessions', sessionKey)).sessions)
      })
    } catch {
      setTrouble(true)
    }
  }, [])

  useEffect(() => { void act() }, [act])

  const others = sessions?.filter(({ isCurrent }) => !isCurrent) ?? []
  return (
    <Dialog title='Your sessions' onClose={onClose}>
      <p>Each browser in which you are this person has a session. One that you end is out of all documents at once.</p>
      {sessions !== undefined && (
        <ul className='members' aria-label='Sessions'>
          {sessions.map(({ id, isCurrent, createdAt, usedAt }) => (
            <li key={id}>
              <span className='member-name'>
                {isCurrent ? 'This browser' : 'Another browser'}
                <span className='member-here'>since {new Date(createdAt).toLocaleDateString('en')}, used {ago(Date.parse(usedAt))}</span>
              </span>
              {!isCurrent && (
                <button
                  type='button' className='button'
                  onClick={() => { void act((sessionKey) => request('DELETE', `/api/sessions/${encodeURIComponent(id)}`, sessionKey)) }}
                >
                  End
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {others.length > 1 && (
        <button type='button' className='button' onClick={() => { void act((sessionKey) => request('DELETE', '/api/sessions', sessionKey)) }}>End all others</button>
      )}
      {trouble && <p className='trouble' role='alert'>That did not work. Please try again later.</p>}
    </Dialog>
  )
}
