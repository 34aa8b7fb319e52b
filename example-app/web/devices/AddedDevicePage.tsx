import '../styles/devices.css'
import { useEffect, useState, type ReactNode } from 'react'
import { isKey } from '../crypto/base64.ts'
import { acceptTransfer, endSession, takeTransfer, type Taken } from '../device/transfer.ts'
import { IncompleteLink } from '../document/IncompleteLink.tsx'
import { Brand } from '../home/Brand.tsx'
import { replaceFragment, usedDeviceHref } from '../route.ts'
import type { Newcomer } from '../device/recovery.ts'
import { texts } from '../words/index.ts'

type State = { kind: 'incomplete' | 'opening' | 'unreachable' | 'failed' } | Taken

function first (secret: string): State {
  if (usedDeviceHref.endsWith(`/${secret}`)) return { kind: 'ended' }
  return { kind: isKey(secret) ? 'opening' : 'incomplete' }
}

function home (): void {
  location.replace('#/')
}

/** On the other device: says whose link it is, and asks. */
export default function AddedDevicePage ({ secret }: { secret: string }) {
  const [state, setState] = useState<State>(() => first(secret))

  useEffect(() => {
    if (state.kind !== 'opening') return
    takeTransfer(secret).then((taken) => {
      // What lets somebody in does not stay in the browser's history.
      if (taken.kind !== 'tooManySessions') replaceFragment(usedDeviceHref)
      setState(taken)
    }, () => setState({ kind: 'unreachable' }))
  }, [secret, state.kind])

  const said = texts().devices
  switch (state.kind) {
    case 'incomplete': return <IncompleteLink />
    case 'opening': return <Page><p role='status'>{said.opening}</p></Page>
    case 'ended': return <Page title={said.endedTitle}><p>{said.ended}</p></Page>
    case 'broken': return <Page title={said.brokenTitle}><p>{said.broken}</p></Page>
    case 'newerVersion': return <Page title={said.brokenTitle}><p>{said.newerVersion}</p></Page>
    case 'failed': return <Page title={said.brokenTitle}><p>{said.notKept}</p></Page>
    case 'tooManySessions': return <Page title={said.tooManyTitle}><p>{said.tooMany}</p></Page>
    case 'unreachable': return (
      <Page title={texts().join.unreachableTitle}>
        <p>{said.unreachable}</p>
        <button type='button' className='button primary' onClick={() => setState({ kind: 'opening' })}>{texts().tryAgain}</button>
      </Page>
    )
    case 'taken': {
      const { newcomer, content, sessionKey } = state
      if (newcomer.kind === 'somebodyElse') return <Page title={said.somebodyElseTitle(newcomer.here)}><p>{said.somebodyElse(newcomer.here, newcomer.name)}</p></Page>
      const accept = async () => {
        const isAccepted = await acceptTransfer(content).catch(() => false)
        if (isAccepted) home()
        else setState({ kind: 'failed' })
      }
      const decline = () => {
        void endSession(sessionKey).catch(() => {})
        home()
      }
      return <Question newcomer={newcomer} onYes={accept} onNo={decline} />
    }
  }
}

function Question ({ newcomer, onYes, onNo }: { newcomer: Newcomer, onYes: () => Promise<void>, onNo: () => void }) {
  const [isBusy, setBusy] = useState(false)
  const said = texts().devices
  const { name } = newcomer
  return (
    <Page title={said.question(name)}>
      <p>{newcomer.kind === 'isHere' ? said.isHere(name) : said.meaning(name)}</p>
      {newcomer.kind === 'withoutDocuments' && <p>{said.replaces(newcomer.here)}</p>}
      <p><strong>{said.onlyYours}</strong></p>
      <div className='dialog-actions'>
        <button type='button' className='button primary' disabled={isBusy} onClick={() => { setBusy(true); void onYes() }}>{said.yes}</button>
        <button type='button' className='button' disabled={isBusy} onClick={onNo}>{said.no}</button>
      </div>
    </Page>
  )
}

function Page ({ title, children }: { title?: string, children: ReactNode }) {
  return (
    <main className='welcome'>
      <Brand />
      {title !== undefined && <h1>{title}</h1>}
      {children}
    </main>
  )
}
