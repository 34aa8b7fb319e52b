import { useEffect, useState } from 'react'
import { safetyOf, type Safety } from '../device/recovery.ts'
import type { DocumentRecord } from '../device/documents.ts'
import { session } from '../session.ts'
import { Icon } from '../ui/Icon.tsx'
import { useSignal } from '../ui/signal.ts'
import { ago, count } from '../ui/words.ts'
import { OpenRecovery } from './OpenRecovery.tsx'
import { SaveRecovery } from './SaveRecovery.tsx'

function wordsOf (safety: Safety): string {
  switch (safety.kind) {
    case 'never': return 'Only this browser can open these documents. If its data is deleted, they are lost.'
    case 'behind': return `The recovery file that you saved ${ago(safety.savedAt)} does not open ${count(safety.missing, 'document')} of these.`
    case 'complete': return `The recovery file that you saved ${ago(safety.savedAt)} opens all of these documents.`
  }
}

/** How safe the way to one's documents is, and a file that makes it safer. */
export function Recovery ({ documents }: { documents: DocumentRecord[] }) {
  const who = useSignal(session)
  const [safety, setSafety] = useState<Safety>()
  const [dialog, setDialog] = useState<'none' | 'save' | 'open'>('none')

  useEffect(() => {
    if (dialog === 'none') void safetyOf(documents).then(setSafety)
  }, [documents, dialog])

  return (
    <section className='recovery' aria-label='Recovery file'>
      {documents.length > 0 && safety !== undefined && (
        <p className={safety.kind === 'complete' ? '' : 'unsafe'}><Icon name='key' /> {wordsOf(safety)}</p>
      )}
      <div className='dialog-actions'>
        {who !== undefined && documents.length > 0 && <button type='button' className='button' onClick={() => setDialog('save')}>Save a recovery file</button>}
        <button type='button' className='button' onClick={() => setDialog('open')}>Open a recovery file</button>
      </div>
      {dialog === 'save' && <SaveRecovery onClose={() => setDialog('none')} />}
      {dialog === 'open' && <OpenRecovery onClose={() => setDialog('none')} />}
    </section>
  )
}
