import { lazy, Suspense, useEffect, useState } from 'react'
import { safetyOf, type Safety } from '../device/recovery.ts'
import type { DocumentRecord } from '../device/documents.ts'
import { profile } from '../profile/profile.ts'
import { session } from '../session.ts'
import { Icon } from '../ui/Icon.tsx'
import { useSignal } from '../ui/signal.ts'
import { OpenRecovery } from './OpenRecovery.tsx'
import { SaveRecovery } from './SaveRecovery.tsx'
import { ago } from '../words/format.ts'
import { texts } from '../words/index.ts'

// With the cryptography and the QR code.
const AddDevice = lazy(() => import('../devices/AddDevice.tsx'))

function wordsOf (safety: Safety): string {
  switch (safety.kind) {
    case 'never': return texts().recovery.never
    case 'behind': return texts().recovery.behind(ago(safety.savedAt), safety.missing)
    case 'complete': return texts().recovery.complete(ago(safety.savedAt))
    case 'devices': {
      const { devices, savedAt, missing } = safety
      const said = savedAt === undefined ? texts().devices.others(devices) : texts().devices.othersAndFile(devices, ago(savedAt))
      return missing === 0 ? said : `${said} ${texts().devices.missing(missing)}`
    }
  }
}

/** How safe the way to one's documents is, and a file that makes it safer. */
export function Recovery ({ documents }: { documents: DocumentRecord[] }) {
  const who = useSignal(session)
  const reached = useSignal(profile)
  const [safety, setSafety] = useState<Safety>()
  const [dialog, setDialog] = useState<'none' | 'add' | 'save' | 'open'>('none')

  useEffect(() => {
    if (dialog === 'none') void safetyOf(documents, reached).then(setSafety)
  }, [documents, dialog, reached])

  return (
    <section className='recovery' aria-label={texts().recovery.name}>
      {documents.length > 0 && safety !== undefined && (
        <p className={safety.kind === 'complete' || safety.kind === 'devices' ? '' : 'unsafe'}><Icon name='key' /> {wordsOf(safety)}</p>
      )}
      <div className='dialog-actions'>
        {who !== undefined && <button type='button' className='button' onClick={() => setDialog('add')}>{texts().devices.add}</button>}
        {who !== undefined && documents.length > 0 && <button type='button' className='button' onClick={() => setDialog('save')}>{texts().recovery.save}</button>}
        <button type='button' className='button' onClick={() => setDialog('open')}>{texts().recovery.open}</button>
      </div>
      {dialog === 'add' && <Suspense><AddDevice onClose={() => setDialog('none')} /></Suspense>}
      {dialog === 'save' && <SaveRecovery onClose={() => setDialog('none')} />}
      {dialog === 'open' && <OpenRecovery onClose={() => setDialog('none')} />}
    </section>
  )
}
