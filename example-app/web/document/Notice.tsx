import { useDocumentState } from 'fastify-secsync/client/react'
import { useEffect } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import { phaseOf } from '../sync/status.ts'
import { CopyToNew, Refused, useRefused } from './Refused.tsx'
import { Bar } from './Bar.tsx'
import { useSignal } from '../ui/signal.ts'
import { texts } from '../words/index.ts'

/** What a person must know before going on, and what they can do about it. */
export function Notice ({ open, onHistory }: { open: OpenDocument, onHistory: () => void }) {
  const { connection, pending, storage, locked, refused: { broken } } = useDocumentState(open.connection)
  const hasLeftOut = useSignal(open.hasLeftOut)
  const phase = phaseOf(connection)
  const isOnlyHere = storage !== 'device' && pending > 0
  const { refused, forget } = useRefused(open)
  const again = <button type='button' className='button' onClick={() => open.connection.retry()}>{texts().tryAgain}</button>

  useEffect(() => {
    if (!isOnlyHere) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [isOnlyHere])

  if (phase === 'no-access' && open.record.role !== undefined) {
    return (
      <Bar icon='lock' tone='bad' action={<div className='notice-actions'><CopyToNew source={open.doc} from={open.id} />{again}</div>}>
        <strong>{texts().notices.removed.what}</strong> {texts().notices.removed.meaning}
        {pending > 0 && ` ${texts().notices.unsent(pending)}`}
      </Bar>
    )
  }
  if (phase === 'no-access') {
    return (
      <Bar icon='lock' tone='bad' action={again}>
        <strong>{texts().notices.notShared.what}</strong> {texts().notices.notShared.meaning}
      </Bar>
    )
  }
  if (phase === 'no-key') {
    return (
      <Bar icon='key' tone='bad' action={again}>
        <strong>{texts().notices.noKey.what}</strong> {texts().notices.noKey.meaning}
      </Bar>
    )
  }
  if (phase === 'distrust') {
    return (
      <Bar
        icon='server' tone='bad'
        action={<button type='button' className='button' onClick={() => open.connection.trustServer()}>{texts().document.goOn}</button>}
      >
        <strong>{texts().notices.distrust.what}</strong> {texts().notices.distrust.meaning}
      </Bar>
    )
  }
  if (isOnlyHere && phase !== 'live') {
    return (
      <Bar icon='document' tone='bad'>
        <strong>{texts().notices.onlyHere.what}</strong> {texts().notices.onlyHere.meaning}
      </Bar>
    )
  }
  if (refused !== undefined) return <Refused open={open} refused={refused} onDone={forget} />
  if (hasLeftOut) {
    return (
      <Bar icon='eye' tone='plain' action={<button type='button' className='button' onClick={onHistory}>{texts().document.earlierVersions}</button>}>
        <strong>{texts().notices.leftOut.what}</strong> {texts().notices.leftOut.meaning}
      </Bar>
    )
  }
  if (locked > 0) return <Bar icon='key' tone='plain'>{texts().notices.locked}</Bar>
  if (broken > 0) return <Bar icon='eye' tone='plain'>{texts().notices.broken(broken)}</Bar>
  return null
}
