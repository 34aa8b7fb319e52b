import '@fontsource-variable/jetbrains-mono'
import '../styles/server-view.css'
import type { OpenDocument } from '../sync/open-document.ts'
import { IconButton } from '../ui/IconButton.tsx'
import { size } from '../ui/words.ts'
import { Chain } from './Chain.tsx'
import { Clocks } from './Clocks.tsx'
import { FrameList } from './FrameList.tsx'
import { SideBySide } from './SideBySide.tsx'
import { useStored } from './stored.ts'

/** The other side of the document: what is stored and passed on for it, as it happens. */
export default function ServerView ({ open, onClose }: { open: OpenDocument, onClose: () => void }) {
  const stored = useStored(open)

  return (
    <aside className='server-view' aria-labelledby='server-view-heading'>
      <header>
        <div>
          <h2 id='server-view-heading'>What the server sees</h2>
          <p>
            Everything it stores and passes on for this document. It can open none of it: the key is in your link, behind the #, and is
            never sent.
          </p>
        </div>
        <IconButton icon='close' label='Close what the server sees' onClick={onClose} />
      </header>
      <SideBySide open={open} stored={stored} />
      {stored === undefined
        ? <p className='server-note' role='status'>Waiting for the server…</p>
        : (
          <>
            <dl className='totals'>
              <div><dt>Stored</dt><dd>{size(stored.totals.bytes)}</dd></div>
              <div><dt>Snapshots</dt><dd>{stored.totals.snapshots}</dd></div>
              <div><dt>Updates since</dt><dd>{stored.updates.length}</dd></div>
            </dl>
            <Chain stored={stored} />
            <Clocks stored={stored} />
          </>
          )}
      <FrameList />
    </aside>
  )
}
