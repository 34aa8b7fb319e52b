import { lazy, Suspense, useState } from 'react'
import { useSignal } from '../ui/signal.ts'
import { moment } from '../words/format.ts'
import { texts } from '../words/index.ts'
import { profile } from './profile.ts'

const SessionsDialog = lazy(async () => ({ default: (await import('../home/SessionsDialog.tsx')).SessionsDialog }))

/** Says aloud that another device of this person was added, until they know it. */
export function DeviceNotice () {
  const { newDevices = [], noteSeen } = useSignal(profile) ?? {}
  const [showsSessions, setShowsSessions] = useState(false)
  const said = texts().devices

  return (
    <>
      <div className='device-notices' role='alert'>
        {newDevices.map(({ id, browser, system, addedAt }) => (
          <p key={id}><strong>{said.added}</strong> {said.name(browser, system)}, {moment(addedAt)}</p>
        ))}
        {newDevices.length > 0 && (
          <div className='dialog-actions'>
            <button type='button' className='button' onClick={() => setShowsSessions(true)}>{said.wasNotMe}</button>
            <button type='button' className='button primary' onClick={() => { void noteSeen?.() }}>{said.wasMe}</button>
          </div>
        )}
      </div>
      {showsSessions && <Suspense><SessionsDialog onClose={() => setShowsSessions(false)} /></Suspense>}
    </>
  )
}
