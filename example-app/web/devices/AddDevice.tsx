import '../styles/devices.css'
import { useEffect, useState } from 'react'
import { endTransfer, leaveTransfer, type Transfer } from '../device/transfer.ts'
import { profile } from '../profile/profile.ts'
import { deviceLink } from '../route.ts'
import { LinkField } from '../share/LinkField.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { useSignal } from '../ui/signal.ts'
import { timeOfDay } from '../words/format.ts'
import { texts } from '../words/index.ts'
import { QrCode } from './QrCode.tsx'

type State = { kind: 'making' | 'failed' | 'over' } | { kind: 'ready', transfer: Transfer, known: string[] }

/** A link for another device of the same person, as a QR code. It ends with the dialog. */
export default function AddDevice ({ onClose }: { onClose: () => void }) {
  const [state, setState] = useState<State>({ kind: 'making' })
  const [attempt, setAttempt] = useState(0)

  useEffect(() => {
    let isClosed = false
    let end = () => {}
    setState({ kind: 'making' })
    leaveTransfer().then((transfer) => {
      const timer = setTimeout(() => setState({ kind: 'over' }), transfer.expiresAt - Date.now())
      end = () => {
        clearTimeout(timer)
        void endTransfer(transfer).catch(() => {})
      }
      if (isClosed) return end()
      setState({ kind: 'ready', transfer, known: (profile.get()?.otherDevices ?? []).map(({ id }) => id) })
    }).catch(() => setState({ kind: 'failed' }))
    return () => {
      isClosed = true
      end()
    }
  }, [attempt])

  const devices = useSignal(profile)?.otherDevices ?? []
  const added = state.kind === 'ready' ? devices.find(({ id }) => !state.known.includes(id)) : undefined
  const said = texts().devices
  return (
    <Dialog title={said.add} onClose={onClose}>
      {state.kind === 'making' && <p role='status'>{said.making}</p>}
      {state.kind === 'ready' && added === undefined && <Link transfer={state.transfer} />}
      <div role='status'>{added !== undefined && <p>{said.isAdded(said.name(added.browser, added.system))}</p>}</div>
      {(state.kind === 'failed' || state.kind === 'over') && (
        <>
          <p role='alert'>{state.kind === 'over' ? said.over : said.failed}</p>
          <div className='dialog-actions'>
            <button type='button' className='button primary' onClick={() => setAttempt(attempt + 1)}>{said.another}</button>
          </div>
        </>
      )}
    </Dialog>
  )
}

function Link ({ transfer: { secret, expiresAt } }: { transfer: Transfer }) {
  const link = deviceLink(secret)
  const said = texts().devices
  return (
    <>
      <p>{said.intro}</p>
      <QrCode text={link} label={said.code} />
      <LinkField label={said.link} link={link} />
      <CopyButton label={said.copy} prepare={async () => link} />
      <p className='field-note'>{said.note(timeOfDay(expiresAt))}</p>
    </>
  )
}
