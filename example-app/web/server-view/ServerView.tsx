import '@fontsource-variable/jetbrains-mono'
import '../styles/server-view.css'
import type { OpenDocument } from '../sync/open-document.ts'
import { IconButton } from '../ui/IconButton.tsx'
import { Chain } from './Chain.tsx'
import { Clocks } from './Clocks.tsx'
import { FrameList } from './FrameList.tsx'
import { SideBySide } from './SideBySide.tsx'
import { useStored } from './stored.ts'
import { number, size } from '../words/format.ts'
import { texts } from '../words/index.ts'

/** The other side of the document: what is stored and passed on for it, as it happens. */
export default function ServerView ({ open, onClose }: { open: OpenDocument, onClose: () => void }) {
  const stored = useStored(open)

  return (
    <aside className='server-view' aria-labelledby='server-view-heading'>
      <header>
        <div>
          <h2 id='server-view-heading'>{texts().document.serverView}</h2>
          <p>{texts().server.intro}</p>
        </div>
        <IconButton icon='close' label={texts().server.close} onClick={onClose} />
      </header>
      <SideBySide open={open} stored={stored} />
      {stored === undefined
        ? <p className='server-note' role='status'>{texts().server.waiting}</p>
        : (
          <>
            <dl className='totals'>
              <div><dt>{texts().server.stored}</dt><dd>{size(stored.totals.bytes)}</dd></div>
              <div><dt>{texts().server.snapshots}</dt><dd>{number(stored.totals.snapshots)}</dd></div>
              {stored.files.files > 0 && <div><dt>{texts().images.onServer(number(stored.files.files))}</dt><dd>{size(stored.files.bytes)}</dd></div>}
              <div><dt>{texts().server.updatesSince}</dt><dd>{number(stored.updates.length)}</dd></div>
            </dl>
            <Chain stored={stored} />
            <Clocks stored={stored} />
          </>
          )}
      <FrameList />
    </aside>
  )
}
