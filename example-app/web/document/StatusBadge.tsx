import { useDocumentState } from 'fastify-secsync/client/react'
import { useEffect, useState } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import { describe } from '../sync/status.ts'

/** Saving takes milliseconds: words that came and went with every key would only be unrest. */
const calm = 600

export function StatusBadge ({ open }: { open: OpenDocument }) {
  const state = useDocumentState(open.connection)
  const saved = useSettled(!state.hasUnsavedChanges)
  const { phase, label, detail } = describe(state, { removed: open.record.role !== undefined, saved })

  return (
    <div className={`status ${phase}`} role='status' title={detail}>
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
