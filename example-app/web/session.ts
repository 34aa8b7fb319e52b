import { request, Refused } from './api.ts'
import { read, write } from './device/database.ts'
import { Signal } from './ui/signal.ts'

/** Who this device is for the server. */
export interface Session {
  sessionKey: string
  memberId: string
  name: string
}

export const session = new Signal<Session | undefined>(undefined)

export async function loadSession (): Promise<void> {
  const kept = await read<Session>('settings', 'session')
  session.set(kept)
  if (kept !== undefined) void renew(kept).catch(() => {})
}

export interface SessionFacts {
  id: string
  createdAt: string
  /** Within a day. */
  usedAt: string
  expiresAt: string
  isCurrent: boolean
}

/** Takes a further session of the same person when little of this one is left. The old one ends by itself: other tabs have it. */
async function renew (current: Session): Promise<void> {
  const { sessions } = await request<{ sessions: SessionFacts[] }>('GET', '/api/sessions', current.sessionKey)
  const own = sessions.find(({ isCurrent }) => isCurrent)
  if (own === undefined) return
  const [createdAt, expiresAt] = [Date.parse(own.createdAt), Date.parse(own.expiresAt)]
  if (expiresAt - Date.now() > (expiresAt - createdAt) / 10) return
  await keepSession(await anotherSession(current))
}

/** A further session of the same person. */
export async function anotherSession (current: Session): Promise<Session> {
  const { sessionKey } = await request<{ sessionKey: string }>('POST', '/api/sessions/another', current.sessionKey)
  return { ...current, sessionKey }
}

export async function keepSession (kept: Session): Promise<void> {
  await write('settings', kept, 'session')
  session.set(kept)
}

export async function startSession (name: string): Promise<Session> {
  const { sessionKey } = await request<{ sessionKey: string }>('POST', '/api/sessions', undefined, { name })
  const { memberId } = await request<{ memberId: string }>('GET', '/api/session', sessionKey)
  const started = { sessionKey, memberId, name }
  await keepSession(started)
  return started
}

/** Does something as who we are. A session that the server has forgotten is replaced by a new one with the same name. */
export async function withSession<T> (work: (session: Session) => Promise<T>): Promise<T> {
  const current = session.get()
  if (current === undefined) throw new Error('Nobody has said who they are')
  try {
    return await work(current)
  } catch (error) {
    if (!(error instanceof Refused && error.status === 401)) throw error
    // Another tab may have taken a further one.
    const kept = await read<Session>('settings', 'session')
    if (kept === undefined || kept.sessionKey === current.sessionKey) return await work(await startSession(current.name))
    session.set(kept)
    return await work(kept)
  }
}
