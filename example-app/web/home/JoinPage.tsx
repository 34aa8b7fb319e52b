import { useEffect, useState } from 'react'
import { Refused, request, type Role } from '../api.ts'
import { isKey } from '../crypto/base64.ts'
import { rememberDocument } from '../device/documents.ts'
import { IncompleteLink } from '../document/IncompleteLink.tsx'
import { documentHref } from '../route.ts'
import { session, withSession } from '../session.ts'
import { Brand } from './Brand.tsx'
import { WelcomePage } from './WelcomePage.tsx'

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
      <WelcomePage title='You are invited to a document' action='Open it' onReady={() => setState('joining')}>
        It is encrypted: only the people in it can read it, and the key is in the link that you opened.
      </WelcomePage>
    )
  }
  return (
    <main className='welcome'>
      <Brand />
      {state === 'joining' && <p role='status'>Opening the invitation…</p>}
      {state === 'ended' && (
        <>
          <h1>This invitation has ended</h1>
          <p>Ask the person who sent it for a new link.</p>
        </>
      )}
      {state === 'failed' && (
        <>
          <h1>The server cannot be reached</h1>
          <p>Nothing is lost. The invitation can be opened when the connection is back.</p>
          <button type='button' className='button primary' onClick={() => setState('joining')}>Try again</button>
        </>
      )}
    </main>
  )
}
