import { lazy, Suspense, useEffect, useState } from 'react'
import { Editor } from '../editor/Editor.tsx'
import { ShareDialog } from '../share/ShareDialog.tsx'
import type { Connection } from '../sync/connection.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { Wire } from '../sync/Wire.tsx'
import { useSignal } from '../ui/signal.ts'
import { Notice } from './Notice.tsx'
import { TopBar } from './TopBar.tsx'
import { useTitle } from './useTitle.ts'

const ServerView = lazy(() => import('../server-view/ServerView.tsx'))

/** The document, what is around it, and beside it, on request, what the server sees of it. */
export function Workspace ({ open, connection, discarded }: {
  open: OpenDocument
  connection: Connection
  /** How many changes were thrown away when the role changed. */
  discarded: number
}) {
  const [sharing, setSharing] = useState(false)
  const [showsServer, setShowsServer] = useState(() => localStorage.getItem('server-view') === 'open')
  const attempt = useSignal(connection.attempt)
  const title = useTitle(open)

  useEffect(() => { document.title = `${title || 'Untitled'} · Sealed Notes` }, [title])

  const showServer = (shown: boolean) => {
    localStorage.setItem('server-view', shown ? 'open' : 'closed')
    setShowsServer(shown)
  }

  return (
    <div className={`workspace ${showsServer ? 'split' : ''}`}>
      {attempt !== undefined && <Wire key={attempt.number} open={open} connection={connection} attempt={attempt} />}
      <TopBar
        open={open} connection={connection} showsServer={showsServer}
        onShare={() => setSharing(true)} onShowServer={() => showServer(!showsServer)}
      />
      <Notice open={open} connection={connection} discarded={discarded} />
      <Editor open={open} connection={connection} />
      {showsServer && (
        <Suspense fallback={<aside className='server-view' />}>
          <ServerView open={open} connection={connection} onClose={() => showServer(false)} />
        </Suspense>
      )}
      {sharing && <ShareDialog open={open} connection={connection} onClose={() => setSharing(false)} />}
    </div>
  )
}
