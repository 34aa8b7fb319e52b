import { useEffect, useState } from 'react'
import type { Connection } from '../sync/connection.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { describe } from '../sync/status.ts'
import { useSignal } from '../ui/signal.ts'

/** Saving takes milliseconds, and words that come and go with every key are only unrest. */
const worthMentioning = 800

export function StatusBadge ({ open, connection }: { open: OpenDocument, connection: Connection }) {
  const status = useSignal(connection.status)
  const unsent = useSignal(open.outbox.size)
  const saving = useLasting(status.phase === 'live' && unsent > 0)
  const { label, detail } = describe(status, status.phase === 'live' && !saving ? 0 : unsent)

  return (
    <div className={`status ${status.phase}`} role='status' title={detail}>
      <span className='status-dot' aria-hidden='true' />
      <strong>{label}</strong>
      <span className='status-detail'>{detail}</span>
    </div>
  )
}

/** True once the condition has held for a while. */
function useLasting (condition: boolean): boolean {
  const [lasting, setLasting] = useState(false)
  useEffect(() => {
    if (!condition) return setLasting(false)
    const timer = setTimeout(() => setLasting(true), worthMentioning)
    return () => clearTimeout(timer)
  }, [condition])
  return lasting
}
