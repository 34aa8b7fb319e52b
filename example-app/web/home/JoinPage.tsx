import { useEffect, useState } from 'react'
import { Refused, request, type Role } from '../api.ts'
import { isKey } from '../crypto/base64.ts'
import { rememberDocument } from '../device/documents.ts'
import { IncompleteLink } from '../document/IncompleteLink.tsx'
import { documentHref } from '../route.ts'
import { session, withSession } from '../session.ts'
import { Brand } from './Brand.tsx'
import { WelcomePage } from './WelcomePage.tsx'
import { texts } from '../words/index.ts'

async function accept (token: string, key: string): Promise<void> {
  const path = `/api/invitations/${encodeURIComponent(token)}`
  const { documentId, role } = await withSession(({ sessionKey }) =>
    request<{ documentId: string, role: Role }>('POST', path, sessionKey))
  await rememberDocument(documentId, key, role)
  location.replace(documentHref(documentId))
}

/** An invitation: the token in the link is for the server, the key beside it is not. */
export function JoinPage ({ token, documentKey }: { token: string, documentKey: string }) {
  const [state, setState] = useState<'incomplete' | 'asking' | 'joining' | 'ended' | 'failed'>(
    !isKey(documentKey) ? 'incomplete' : session.get() === undefined ? 'asking' : 'joining')

  useEffect(() => {
    if (state !== 'joining') return
    accept(token, documentKey).catch((error: unknown) => {
      setState(error instanceof Refused && error.status < 500 ? 'ended' : 'failed')
    })
  }, [state, token, documentKey])

  // Before the invitation is taken: its end is the key.
  if (state === 'incomplete') return <IncompleteLink />
  if (state === 'asking') {
    return (
      <WelcomePage title={texts().join.title} action={texts().join.open} onReady={() => setState('joining')}>
        {texts().join.intro}
      </WelcomePage>
    )
  }
  return (
    <main className='welcome'>
      <Brand />
      {state === 'joining' && <p role='status'>{texts().join.joining}</p>}
      {state === 'ended' && (
        <>
          <h1>{texts().join.endedTitle}</h1>
          <p>{texts().join.ended}</p>
        </>
      )}
      {state === 'failed' && (
        <>
          <h1>{texts().join.unreachableTitle}</h1>
          <p>{texts().join.unreachable}</p>
          <button type='button' className='button primary' onClick={() => setState('joining')}>{texts().tryAgain}</button>
        </>
      )}
    </main>
  )
}
