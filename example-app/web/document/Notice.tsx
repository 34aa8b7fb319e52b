import { useDocumentState } from 'fastify-secsync/client/react'
import { useEffect } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import { changes, phaseOf } from '../sync/status.ts'
import { CopyToNew, Refused, useRefused } from './Refused.tsx'
import { Bar } from './Bar.tsx'
import { useSignal } from '../ui/signal.ts'

/** What a person must know before going on, and what they can do about it. */
export function Notice ({ open, onHistory }: { open: OpenDocument, onHistory: () => void }) {
  const { connection, pending, storage, locked, refused: { broken } } = useDocumentState(open.connection)
  const hasLeftOut = useSignal(open.hasLeftOut)
  const phase = phaseOf(connection)
  const isOnlyHere = storage !== 'device' && pending > 0
  const { refused, forget } = useRefused(open)
  const again = <button type='button' className='button' onClick={() => open.connection.retry()}>Try again</button>

  useEffect(() => {
    if (!isOnlyHere) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [isOnlyHere])

  if (phase === 'no-access' && open.record.role !== undefined) {
    return (
      <Bar icon='lock' tone='bad' action={<div className='notice-actions'><CopyToNew source={open.doc} />{again}</div>}>
        <strong>Your access was taken back.</strong> Its owner has removed you or deleted the document. This page shows what had arrived
        before. What others write from now on is encrypted with a new key, which this device does not get.{pending > 0 && ` ${changes(pending)} of yours did not reach it.`}
      </Bar>
    )
  }
  if (phase === 'no-access') {
    return (
      <Bar icon='lock' tone='bad' action={again}>
        <strong>This document is not shared with you.</strong> Ask its owner for an invitation.
      </Bar>
    )
  }
  if (phase === 'no-key') {
    return (
      <Bar icon='key' tone='bad' action={again}>
        <strong>This link does not open the document any more.</strong> It was encrypted with a new key after somebody was removed. Ask the
        owner for the current link.
      </Bar>
    )
  }
  if (phase === 'distrust') {
    return (
      <Bar
        icon='server' tone='bad'
        action={<button type='button' className='button' onClick={() => open.connection.trustServer()}>Go on with the server’s</button>}
      >
        <strong>The server has another history of this document than this device.</strong> Perhaps a backup was restored, perhaps it
        withholds something. Your text is kept here, and what the server has not is sent to it if you go on.
      </Bar>
    )
  }
  if (isOnlyHere && phase !== 'live') {
    return (
      <Bar icon='document' tone='bad'>
        <strong>This device cannot keep your changes.</strong> Its storage is full or closed to this page. Leave the page open until all is sent.
      </Bar>
    )
  }
  if (refused !== undefined) return <Refused open={open} refused={refused} onDone={forget} />
  if (hasLeftOut) {
    return (
      <Bar icon='eye' tone='plain' action={<button type='button' className='button' onClick={onHistory}>Look at earlier versions</button>}>
        <strong>A part of this document is not shown.</strong> It is nested too deeply, or comes from a newer version of this app. Nothing of it
        was deleted.
      </Bar>
    )
  }
  if (locked > 0) return <Bar icon='key' tone='plain'>Changes on this device wait for a key that is not here. They are kept.</Bar>
  if (broken > 0) return <Bar icon='eye' tone='plain'>{changes(broken)} of others could not be read and were left out.</Bar>
  return null
}
