import { useDocumentState } from 'fastify-secsync/client/react'
import type { OpenDocument } from '../sync/open-document.ts'
import { phaseOf } from '../sync/status.ts'
import { Icon } from '../ui/Icon.tsx'
import { IconButton } from '../ui/IconButton.tsx'
import { ThemeButton } from '../ui/ThemeButton.tsx'
import { People } from './People.tsx'
import { StatusBadge } from './StatusBadge.tsx'
import { texts } from '../words/index.ts'

export function TopBar ({ open, beside, onExport, onHistory, onShare, onShowServer, onShowComments }: {
  open: OpenDocument
  beside: 'server' | 'comments' | undefined
  onExport: () => void
  onHistory: () => void
  onShare: () => void
  onShowServer: () => void
  onShowComments: () => void
}) {
  const phase = phaseOf(useDocumentState(open.connection).connection)

  return (
    <header className='top-bar'>
      <a className='icon-button' href='#/' aria-label={texts().document.allDocuments} title={texts().document.allDocuments}><Icon name='back' /></a>
      <StatusBadge open={open} />
      <div className='top-bar-end'>
        <People open={open} />
        <ThemeButton />
        <IconButton icon='export' label={texts().document.export} onClick={onExport} />
        <IconButton className='comments-button' icon='comment' label={texts().comments.heading} aria-pressed={beside === 'comments'} onClick={onShowComments} />
        <button type='button' className='button' disabled={phase === 'no-access' || phase === 'no-key'} onClick={onHistory}>
          <Icon name='history' /><span className='button-words'>{texts().document.history}</span>
        </button>
        <button type='button' className='button' aria-pressed={beside === 'server'} onClick={onShowServer}>
          <Icon name='eye' /><span className='button-words'>{texts().document.serverView}</span>
        </button>
        <button type='button' className='button primary' disabled={phase === 'no-access'} onClick={onShare}>
          <Icon name='share' /><span className='button-words'>{texts().document.share}</span>
        </button>
      </div>
    </header>
  )
}
