import { useEffect, useState, type ReactNode } from 'react'
import { documents, loadDocuments, newDocument } from '../device/documents.ts'
import { profile, profileSetting } from '../profile/profile.ts'
import { documentHref } from '../route.ts'
import { session } from '../session.ts'
import { Icon } from '../ui/Icon.tsx'
import { useSignal } from '../ui/signal.ts'
import { ThemeButton } from '../ui/ThemeButton.tsx'
import { Brand } from './Brand.tsx'
import { DocumentList } from './DocumentList.tsx'
import { ImportButton } from './ImportButton.tsx'
import { LanguageChoice } from './LanguageChoice.tsx'
import { NameForm } from './NameForm.tsx'
import { Recovery } from './Recovery.tsx'
import { refreshRoles } from './roles.ts'
import { SessionsDialog } from './SessionsDialog.tsx'
import { texts } from '../words/index.ts'

async function create (): Promise<void> {
  const { id } = await newDocument()
  location.hash = documentHref(id)
}

export function HomePage () {
  const who = useSignal(session)
  const list = useSignal(documents)
  const [setting, reached] = [useSignal(profileSetting), useSignal(profile)]
  const [showsSessions, setShowsSessions] = useState(false)

  useEffect(() => {
    document.title = texts().appName
    void loadDocuments().then(refreshRoles).catch(() => {})
  }, [])

  return (
    <div className='home'>
      <header className='home-header'>
        <Brand />
        <div className='home-who'>
          {who !== undefined && <span>{texts().home.youAre} <strong>{who.name}</strong></span>}
          {who !== undefined && <button type='button' className='button' onClick={() => setShowsSessions(true)}>{texts().home.sessions}</button>}
          <ThemeButton />
        </div>
      </header>
      <main>
        <section className={list.length > 0 ? 'hero known' : 'hero'}>
          <h1>{texts().home.heading.first}<br />{texts().home.heading.second}</h1>
          <p>{texts().home.intro}</p>
          {who === undefined
            ? <NameForm action={texts().home.newDocument} onReady={create} />
            : (
              <div className='hero-actions'>
                <button type='button' className='button primary large' onClick={() => { void create() }}>
                  <Icon name='plus' /> {texts().home.newDocument}
                </button>
                <ImportButton />
              </div>
              )}
        </section>
        {list.length === 0 && who !== undefined && setting?.memberId === who.memberId && reached === undefined && <p role='status'>{texts().devices.arriving}</p>}
        {list.length > 0 && <DocumentList documents={list} />}
        <Recovery documents={list} />
        <HowItWorks />
      </main>
      <footer className='home-footer'><LanguageChoice /></footer>
      {showsSessions && <SessionsDialog onClose={() => setShowsSessions(false)} />}
    </div>
  )
}

function HowItWorks () {
  const { steps } = texts().home
  return (
    <ol className='steps' aria-label={texts().home.howItWorks}>
      <Step icon='lock' title={steps.lock.what}>{steps.lock.meaning}</Step>
      <Step icon='server' title={steps.server.what}>{steps.server.meaning}</Step>
      <Step icon='key' title={steps.key.what}>{steps.key.meaning}</Step>
    </ol>
  )
}

function Step ({ icon, title, children }: { icon: string, title: string, children: ReactNode }) {
  return (
    <li>
      <Icon name={icon} />
      <div>
        <h2>{title}</h2>
        <p>{children}</p>
      </div>
    </li>
  )
}
