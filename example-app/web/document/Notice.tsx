import type { ReactNode } from 'react'
import type { Connection } from '../sync/connection.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { changes } from '../sync/status.ts'
import { Icon } from '../ui/Icon.tsx'
import { useSignal } from '../ui/signal.ts'

/** What a person must know before going on, and what they can do about it. */
export function Notice ({ open, connection, discarded }: { open: OpenDocument, connection: Connection, discarded: number }) {
  const { phase, removed = false } = useSignal(connection.status)
  const unsent = useSignal(open.outbox.size)
  const again = <button type='button' className='button' onClick={() => connection.retry()}>Try again</button>

  if (phase === 'no-access' && removed) {
    return (
      <Bar icon='lock' tone='bad' action={again}>
        <strong>Your access was taken back.</strong> This page shows what had arrived before. What is written from now on is encrypted with
        a new key, which this device does not get.{unsent > 0 && ` ${changes(unsent)} of yours did not reach it.`}
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
  if (discarded > 0) {
    return <Bar icon='eye' tone='plain'>{changes(discarded)} of yours did not reach the document, since you may only read it now.</Bar>
  }
  return null
}

function Bar ({ icon, tone, action, children }: { icon: string, tone: 'bad' | 'plain', action?: ReactNode, children: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role='alert'>
      <Icon name={icon} />
      <p>{children}</p>
      {action}
    </div>
  )
}
