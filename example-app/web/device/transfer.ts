import { Refused, request } from '../api.ts'
import { randomText } from '../crypto/base64.ts'
import { openTransfer, sealTransfer, transferId } from '../crypto/transfer.ts'
import { withSession } from '../session.ts'
import { profile, useProfile } from '../profile/profile.ts'
import { collectIdentity, newcomerOf, recover, type Newcomer } from './recovery.ts'

export interface Transfer {
  secret: string
  /** Milliseconds. */
  expiresAt: number
}

const path = '/api/transfers'
/** Milliseconds until the server has the profile. */
const patience = 15_000

/** Leaves what another device needs at the server, encrypted. The other one takes it, and gets a session of its own from the server. */
export async function leaveTransfer (): Promise<Transfer> {
  const secret = randomText(32)
  const expiresIn = await withSession(async (session) => {
    await useProfile(session)
    await whenSaved()
    const sealed = sealTransfer(await collectIdentity(session), secret)
    return (await request<{ expiresIn: number }>('POST', path, session.sessionKey, { id: transferId(secret), sealed })).expiresIn
  })
  // By the clock of this device, which may be wrong.
  return { secret, expiresAt: Date.now() + expiresIn * 1000 }
}

/** The other device finds all documents, also if this one is closed meanwhile. */
async function whenSaved (): Promise<void> {
  let stop = () => {}
  await new Promise<void>((resolve, reject) => {
    const look = () => { profile.get()?.whenSaved().then(resolve, reject) }
    const timer = setTimeout(() => reject(new Error('The profile could not be saved in time')), patience)
    const end = profile.subscribe(look)
    stop = () => {
      clearTimeout(timer)
      end()
    }
    look()
  }).finally(stop)
}

export async function endTransfer ({ secret }: Transfer): Promise<void> {
  await withSession(({ sessionKey }) => request('DELETE', `${path}/${transferId(secret)}`, sessionKey))
}

export type Taken =
  | { kind: 'taken', newcomer: Newcomer, sessionKey: string, content: unknown }
  /** The link was used, or its time is over. */
  | { kind: 'ended' }
  | { kind: 'tooManySessions' | 'newerVersion' | 'broken' }

/** It is gone from the server then, and nothing has changed here yet. */
export async function takeTransfer (secret: string): Promise<Taken> {
  let answer: { sealed: string, sessionKey: string }
  try {
    answer = await request('POST', `${path}/${transferId(secret)}`)
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return { kind: 'ended' }
    if (error instanceof Refused && error.status === 409) return { kind: 'tooManySessions' }
    throw error
  }
  const { sealed, sessionKey } = answer
  const opened = openTransfer(sealed, secret)
  const content = opened.outcome === 'opened' ? withSessionKey(opened.content, sessionKey) : undefined
  const newcomer = await newcomerOf(content)
  if (newcomer === undefined || newcomer.kind === 'somebodyElse') await endSession(sessionKey).catch(() => {})
  if (newcomer !== undefined) return { kind: 'taken', newcomer, sessionKey, content }
  return { kind: opened.outcome === 'newerVersion' ? 'newerVersion' : 'broken' }
}

function withSessionKey (content: unknown, sessionKey: string): unknown {
  const { session, ...others } = (content ?? {}) as { session?: object }
  return { ...others, session: { ...session, sessionKey } }
}

/** Makes this browser the person whose link it was. Returns whether it is. */
export async function acceptTransfer (content: unknown): Promise<boolean> {
  return (await recover(content)).outcome === 'recovered'
}

/** The person does not go on: nobody needs the session. */
export async function endSession (sessionKey: string): Promise<void> {
  const { sessionId } = await request<{ sessionId: string }>('GET', '/api/session', sessionKey)
  await request('DELETE', `/api/sessions/${encodeURIComponent(sessionId)}`, sessionKey)
}
