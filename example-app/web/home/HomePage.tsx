import { useEffect, useState, type ReactNode } from 'react'
import { documents, loadDocuments, newDocument } from '../device/documents.ts'
import { documentHref } from '../route.ts'
import { session } from '../session.ts'
import { Icon } from '../ui/Icon.tsx'
import { useSignal } from '../ui/signal.ts'
import { ThemeButton } from '../ui/ThemeButton.tsx'
import { Brand } from './Brand.tsx'
import { DocumentList } from './DocumentList.tsx'
import { ImportButton } from './ImportButton.tsx'
import { NameForm } from './NameForm.tsx'
import { Recovery } from './Recovery.tsx'
import { refreshRoles } from './roles.ts'
import { SessionsDialog } from './SessionsDialog.tsx'

async function create (): Promise<void> {
  const { id } = await newDocument()
  location.hash = documentHref(id)
}

export function HomePage () {
  const who = useSignal(session)
  const list = useSignal(documents)
  const [showsSessions, setShowsSessions] = useState(false)

  useEffect(() => {
    document.title = 'Sealed Notes'
    void loadDocuments().then(refreshRoles).catch(() => {})
  }, [])

  return (
    <div className='home'>
      <header className='home-header'>
        <Brand />
        <div className='home-who'>
          {who !== undefined && <span>You are <strong>{who.name}</strong></span>}
          {who !== undefined && <button type='button' className='button' onClick={() => setShowsSessions(true)}>Sessions</button>}
          <ThemeButton />
        </div>
      </header>
      <main>
        <section className={list.length > 0 ? 'hero known' : 'hero'}>
          <h1>Write together.<br />Only you hold the key.</h1>
          <p>
            Your words are encrypted in your browser before they leave it. The server stores them and passes them on to the people
            you invite, and cannot read a single one.
          </p>
          {who === undefined
            ? <NameForm action='New document' onReady={create} />
            : (
              <div className='hero-actions'>
                <button type='button' className='button primary large' onClick={() => { void create() }}>
                  <Icon name='plus' /> New document
                </button>
                <ImportButton />
              </div>
              )}
        </section>
        {list.length > 0 && <DocumentList documents={list} />}
        <Recovery documents={list} />
        <HowItWorks />
      </main>
      {showsSessions && <SessionsDialog onClose={() => setShowsSessions(false)} />}
    </div>
  )
}

function HowItWorks () {
  return (
    <ol className='steps' aria-label='How it works'>
      <Step icon='lock' title='Sealed here'>Every change is encrypted on your device, with a key that is made on your device.</Step>
      <Step icon='server' title='Carried there'>
        The server keeps sealed envelopes in order and hands them on. In every document you can look at them.
      </Step>
      <Step icon='key' title='Opened by link'>The key is in the part of a link that browsers never send. Who gets the link can read.</Step>
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
