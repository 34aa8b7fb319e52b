import { useState } from 'react'
import type { Member } from '../api.ts'
import type { KeyExchange } from '../crypto/key-exchange.ts'
import { useSignal } from '../ui/signal.ts'
import { texts } from '../words/index.ts'

/** Whether a member's device is the one that they use: two people compare a number. */
export function SafetyNumber ({ member: { memberId, name }, selfId, keyExchange }: { member: Member, selfId: string, keyExchange: KeyExchange }) {
  const device = useSignal(keyExchange.devices).get(memberId)
  const [shows, setShows] = useState(false)
  if (device === undefined) return null
  const words = texts().share.safety

  return (
    <>
      <button type='button' className='button' aria-label={words.numberWith(name)} aria-expanded={shows} onClick={() => setShows(!shows)}>{words.number}</button>
      {device.isChanged && <p className='confirm trouble' role='alert'>{words.changed(name)}</p>}
      {shows && (
        <div className='safety'>
          <output aria-label={words.numberWith(name)}>{keyExchange.numberWith(memberId, selfId)}</output>
          <p className='field-note'>{words.note(name)}</p>
          {device.isCompared
            ? <p><strong>{words.compared}</strong></p>
            : <button type='button' className='button' onClick={() => { void keyExchange.noteCompared(memberId) }}>{words.isSame}</button>}
        </div>
      )}
    </>
  )
}
