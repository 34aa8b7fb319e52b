import { Refused, request } from '../api.ts'
import { randomText } from '../crypto/base64.ts'
import { openTransfer, sealTransfer, transferId } from '../crypto/transfer.ts'
import { withSession } from '../session.ts'
import { collectRecovery, newcomerOf, recover, type Newcomer } from './recovery.ts'

export interface Transfer {
  secret: string
  /** Milliseconds. */
  expiresAt: number
}

const path = '/api/transfers'

/** Leaves what another device needs at the server, encrypted. The other one takes it, and gets a session of its own from the server. */
export async function leaveTransfer (): Promise<Transfer> {
  const secret = randomText(32)
  const expiresAt = await withSession(async (session) => {
    const sealed = sealTransfer(await collectRecovery({ ...session, sessionKey: '' }), secret)
    return (await request<{ expiresAt: string }>('POST', path, session.sessionKey, { id: transferId(secret), sealed })).expiresAt
  })
  return { secret, expiresAt: Date.parse(expiresAt) }
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
