import { lazy, Suspense, useCallback, useEffect, useState } from 'react'
import { Editor } from '../editor/Editor.tsx'
import { ShareDialog } from '../share/ShareDialog.tsx'
import type { OpenDocument } from '../sync/open-document.ts'
import { keepChoice, keptChoice } from '../ui/choice.ts'
import { Notice } from './Notice.tsx'
import { TopBar } from './TopBar.tsx'
import { useTitle } from './useTitle.ts'
import { texts } from '../words/index.ts'

const CommentsPanel = lazy(() => import('../comments/CommentsPanel.tsx'))
const ExportDialog = lazy(() => import('./ExportDialog.tsx'))
const HistoryDialog = lazy(() => import('../history/HistoryDialog.tsx'))
const ServerView = lazy(() => import('../server-view/ServerView.tsx'))

/** The document, what is around it, and beside it, on request, what the server sees of it. */
export function Workspace ({ open }: { open: OpenDocument }) {
  const [exporting, setExporting] = useState(false)
  const [showsHistory, setShowsHistory] = useState(false)
  const [sharing, setSharing] = useState(false)
  /** What is beside the document. */
  const [beside, setBeside] = useState<'server' | 'comments' | undefined>(() => keptChoice('server-view') === 'open' ? 'server' : undefined)
  const title = useTitle(open)

  useEffect(() => { document.title = `${title || texts().untitled} · ${texts().appName}` }, [title])

  const showServer = (shown: boolean) => {
    keepChoice('server-view', shown ? 'open' : 'closed')
    setBeside(shown ? 'server' : undefined)
  }
  const showComments = useCallback(() => setBeside('comments'), [])
  const close = () => setBeside(undefined)

  // A click on text with a comment shows it.
  useEffect(() => open.comments.shown.subscribe(() => { if (open.comments.shown.get() !== undefined) showComments() }), [open, showComments])

  return (
    <div className={`workspace ${beside === undefined ? '' : `split ${beside}`}`}>
      <TopBar
        open={open} beside={beside}
        onExport={() => setExporting(true)} onHistory={() => setShowsHistory(true)} onShare={() => setSharing(true)}
        onShowServer={() => showServer(beside !== 'server')} onShowComments={() => beside === 'comments' ? close() : showComments()}
      />
      <Notice open={open} onHistory={() => setShowsHistory(true)} />
      <Editor open={open} onComment={showComments} />
      {beside === 'comments' && <Suspense fallback={<aside className='comments' />}><CommentsPanel open={open} onClose={close} /></Suspense>}
      {beside === 'server' && (
        <Suspense fallback={<aside className='server-view' />}>
          <ServerView open={open} onClose={() => showServer(false)} />
        </Suspense>
      )}
      {exporting && <Suspense><ExportDialog open={open} onClose={() => setExporting(false)} /></Suspense>}
      {showsHistory && <Suspense><HistoryDialog open={open} onClose={() => setShowsHistory(false)} /></Suspense>}
      {sharing && <ShareDialog open={open} onClose={() => setSharing(false)} />}
    </div>
  )
}
