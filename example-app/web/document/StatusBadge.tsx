import { useEffect, useState } from 'react'
import type { Connection } from '../sync/connection.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { describe } from '../sync/status.ts'
import { useSignal } from '../ui/signal.ts'

/** Saving takes milliseconds: words that came and went with every key would only be unrest. */
const calm = 600

export function StatusBadge ({ open, connection }: { open: OpenDocument, connection: Connection }) {
  const status = useSignal(connection.status)
  const unsent = useSignal(open.outbox.size)
  const { label, detail } = describe(status, unsent, useSettled(unsent === 0))

  return (
    <div className={`status ${status.phase}`} role='status' title={detail}>
      <span className='status-dot' aria-hidden='true' />
      <strong>{label}</strong>
      <span className='status-detail'>{detail}</span>
    </div>
  )
}

/** False at once, and true again only after a while. */
function useSettled (condition: boolean): boolean {
  const [settled, setSettled] = useState(true)
  useEffect(() => {
    if (!condition) return setSettled(false)
    const timer = setTimeout(() => setSettled(true), calm)
    return () => clearTimeout(timer)
  }, [condition])
  return condition && settled
}
