import { lazy, Suspense, useEffect } from 'react'
import { documents } from './device/documents.ts'
import { HomePage } from './home/HomePage.tsx'
import { JoinPage } from './home/JoinPage.tsx'
import { WelcomePage } from './home/WelcomePage.tsx'
import { DeviceNotice } from './profile/DeviceNotice.tsx'
import { useProfileSync } from './profile/useProfileSync.ts'
import { route, type Route } from './route.ts'
import { session, type Session } from './session.ts'
import { ErrorBoundary } from './ui/ErrorBoundary.tsx'
import { useSignal } from './ui/signal.ts'
import { texts, words } from './words/index.ts'

// The editor and the cryptography are most of the app, and the list of documents needs neither.
const DocumentPage = lazy(() => import('./document/DocumentPage.tsx'))

const AddedDevicePage = lazy(() => import('./devices/AddedDevicePage.tsx'))

const minute = 60_000

export function App () {
  const where = useSignal(route)
  const who = useSignal(session)
  useProfileSync(who)
  // Everything below is rendered again in another language.
  useSignal(words)

  const openId = where.page === 'document' ? where.id : undefined
  const hasUnsent = useSignal(documents).some((record) => (record.hasUnsent === true && record.id !== openId) || record.hasUnsentFiles === true)
  useEffect(() => {
    if (who === undefined || !hasUnsent) return
    const send = () => { void import('./sync/send-unsent.ts').then(({ sendUnsent }) => sendUnsent(openId)).catch(() => {}) }
    send()
    const timer = setInterval(send, minute)
    window.addEventListener('online', send)
    return () => {
      clearInterval(timer)
      window.removeEventListener('online', send)
    }
  }, [who, hasUnsent, openId])

  return (
    <>
      <Page where={where} who={who} />
      <DeviceNotice />
    </>
  )
}

function Page ({ where, who }: { where: Route, who: Session | undefined }) {
  if (where.page === 'home') return <HomePage />
  if (where.page === 'join') return <JoinPage key={`${where.token} ${where.key}`} token={where.token} documentKey={where.key} />
  if (where.page === 'device') {
    return <Suspense fallback={<p className='loading' role='status'>{texts().opening}</p>}><AddedDevicePage key={where.secret} secret={where.secret} /></Suspense>
  }
  if (who === undefined) {
    return <WelcomePage title={texts().join.titleByLink} action={texts().join.open}>{texts().join.introByLink}</WelcomePage>
  }
  return (
    <ErrorBoundary key={`${where.id} ${where.key}`}>
      <Suspense fallback={<p className='loading' role='status'>{texts().opening}</p>}>
        <DocumentPage id={where.id} documentKey={where.key} />
      </Suspense>
    </ErrorBoundary>
  )
}
