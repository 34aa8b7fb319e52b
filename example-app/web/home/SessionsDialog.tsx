import { useCallback, useEffect, useState } from 'react'
import { request } from '../api.ts'
import { withSession, type SessionFacts } from '../session.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { ago, day } from '../words/format.ts'
import { texts } from '../words/index.ts'

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
    <Dialog title={texts().sessions.title} onClose={onClose}>
      <p>{texts().sessions.intro}</p>
      {sessions !== undefined && (
        <ul className='members' aria-label={texts().sessions.list}>
          {sessions.map(({ id, isCurrent, createdAt, usedAt }) => (
            <li key={id}>
              <span className='member-name'>
                {isCurrent ? texts().sessions.thisBrowser : texts().sessions.anotherBrowser}
                <span className='member-here'>{texts().sessions.facts(day(createdAt), ago(Date.parse(usedAt)))}</span>
              </span>
              {!isCurrent && (
                <button
                  type='button' className='button'
                  onClick={() => { void act((sessionKey) => request('DELETE', `/api/sessions/${encodeURIComponent(id)}`, sessionKey)) }}
                >
                  {texts().sessions.end}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {others.length > 1 && (
        <button type='button' className='button' onClick={() => { void act((sessionKey) => request('DELETE', '/api/sessions', sessionKey)) }}>{texts().sessions.endOthers}</button>
      )}
      {trouble && <p className='trouble' role='alert'>{texts().sessions.failed}</p>}
    </Dialog>
  )
}
