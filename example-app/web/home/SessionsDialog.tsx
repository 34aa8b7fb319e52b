import { useCallback, useEffect, useState } from 'react'
import { request } from '../api.ts'
import { withSession, type SessionFacts } from '../session.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { profile } from '../profile/profile.ts'
import { useSignal } from '../ui/signal.ts'
import { ago, day } from '../words/format.ts'
import { texts } from '../words/index.ts'

/** Where else somebody is this person: their sessions, to be ended. */
export function SessionsDialog ({ onClose }: { onClose: () => void }) {
  const [sessions, setSessions] = useState<SessionFacts[]>()
  const [trouble, setTrouble] = useState(false)
  const reached = useSignal(profile)

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

  const nameOf = (id: string): string => {
    const device = reached?.otherDevices.find(({ sessionId }) => sessionId === id)
    return device === undefined ? texts().sessions.anotherBrowser : texts().devices.name(device.browser, device.system)
  }
  const end = (id: string) => act(async (sessionKey) => {
    await request('DELETE', `/api/sessions/${encodeURIComponent(id)}`, sessionKey)
    reached?.forgetSessions((sessionId) => sessionId === id)
  })
  const endOthers = () => act(async (sessionKey) => {
    await request('DELETE', '/api/sessions', sessionKey)
    reached?.forgetSessions(() => true)
  })

  const others = sessions?.filter(({ isCurrent }) => !isCurrent) ?? []
  return (
    <Dialog title={texts().sessions.title} onClose={onClose}>
      <p>{texts().sessions.intro}</p>
      {sessions !== undefined && (
        <ul className='members' aria-label={texts().sessions.list}>
          {sessions.map(({ id, isCurrent, createdAt, usedAt }) => (
            <li key={id}>
              <span className='member-name'>
                {isCurrent ? texts().sessions.thisBrowser : nameOf(id)}
                <span className='member-here'>{texts().sessions.facts(day(createdAt), ago(Date.parse(usedAt)))}</span>
              </span>
              {!isCurrent && (
                <button type='button' className='button' onClick={() => { void end(id) }}>{texts().sessions.end}</button>
              )}
            </li>
          ))}
        </ul>
      )}
      {others.length > 1 && (
        <button type='button' className='button' onClick={() => { void endOthers() }}>{texts().sessions.endOthers}</button>
      )}
      {trouble && <p className='trouble' role='alert'>{texts().sessions.failed}</p>}
    </Dialog>
  )
}
