import type { Connection } from '../sync/connection.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { Icon } from '../ui/Icon.tsx'
import { useSignal } from '../ui/signal.ts'
import { ThemeButton } from '../ui/ThemeButton.tsx'
import { People } from './People.tsx'
import { StatusBadge } from './StatusBadge.tsx'

export function TopBar ({ open, connection, showsServer, onShare, onShowServer }: {
  open: OpenDocument
  connection: Connection
  showsServer: boolean
  onShare: () => void
  onShowServer: () => void
}) {
  const { phase } = useSignal(connection.status)

  return (
    <header className='top-bar'>
      <a className='icon-button' href='#/' aria-label='All documents' title='All documents'><Icon name='back' /></a>
      <StatusBadge open={open} connection={connection} />
      <div className='top-bar-end'>
        <People open={open} />
        <ThemeButton />
        <button type='button' className='button' aria-pressed={showsServer} onClick={onShowServer}>
          <Icon name='eye' /><span className='button-words'>What the server sees</span>
        </button>
        <button type='button' className='button primary' disabled={phase === 'no-access' || phase === 'no-key'} onClick={onShare}>
          <Icon name='share' /><span className='button-words'>Share</span>
        </button>
      </div>
    </header>
  )
}
