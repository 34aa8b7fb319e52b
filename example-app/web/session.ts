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
  session.set(await read<Session>('settings', 'session'))
}

export async function startSession (name: string): Promise<Session> {
  const { sessionKey } = await request<{ sessionKey: string }>('POST', '/api/sessions', undefined, { name })
  const { memberId } = await request<{ memberId: string }>('GET', '/api/session', sessionKey)
  const started = { sessionKey, memberId, name }
  await write('settings', started, 'session')
  session.set(started)
  return started
}

/** Does something as who we are. A session that the server has forgotten is replaced by a new one with the same name. */
export async function withSession<T> (work: (session: Session) => Promise<T>): Promise<T> {
  const current = session.get()
  if (current === undefined) throw new Error('Nobody has said who they are')
  try {
    return await work(current)
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return await work(await startSession(current.name))
    throw error
  }
}
