import { useState } from 'react'
import type { Member } from '../api.ts'
import type { KeyExchange } from '../crypto/key-exchange.ts'
import { withSession } from '../session.ts'
import { useSignal } from '../ui/signal.ts'
import { texts } from '../words/index.ts'

/** Whether a member's device is the one that they use: two people compare a number. */
export function SafetyNumber ({ member: { memberId, name }, selfId, isOwner, keyExchange }: {
  member: Member
  selfId: string
  isOwner: boolean
  keyExchange: KeyExchange
}) {
  const device = useSignal(keyExchange.devices).get(memberId)
  const [shows, setShows] = useState(false)
  const [hasFailed, setHasFailed] = useState(false)
  // Only the owner hands out keys.
  if (device === undefined || !(device.isTrusted || isOwner)) return null
  const words = texts().share.safety

  const noteCompared = async () => {
    setHasFailed(false)
    await withSession((session) => keyExchange.noteCompared(memberId, session)).catch(() => setHasFailed(true))
  }

  return (
    <>
      <button type='button' className='button' aria-label={words.numberWith(name)} aria-expanded={shows} onClick={() => setShows(!shows)}>{words.number}</button>
      {!device.isTrusted && <p className='confirm trouble' role='alert'>{words.late(name)}</p>}
      {device.isChanged && <p className='confirm trouble' role='alert'>{words.changed(name)}</p>}
      {shows && (
        <div className='safety'>
          <output aria-label={words.numberWith(name)}>{keyExchange.numberWith(memberId, selfId)}</output>
          <p className='field-note'>{words.note(name)}</p>
          {device.isCompared
            ? <p><strong>{words.compared}</strong></p>
            : <button type='button' className='button' onClick={() => { void noteCompared() }}>{words.isSame}</button>}
          {hasFailed && <p className='trouble' role='alert'>{texts().notDone}</p>}
        </div>
      )}
    </>
  )
}
