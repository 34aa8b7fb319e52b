import { useId, useState } from 'react'
import { startSession } from '../session.ts'
import { suggestName } from './names.ts'

/** Asks for a name, once per device, and starts a session with it. */
export function NameForm ({ action, onReady }: { action: string, onReady?: () => void | Promise<void> }) {
  const [name, setName] = useState(suggestName)
  const [state, setState] = useState<'ready' | 'busy' | 'failed'>('ready')
  const field = useId()

  const start = async () => {
    setState('busy')
    try {
      await startSession(name.trim() || suggestName())
      await onReady?.()
    } catch {
      setState('failed')
    }
  }

  return (
    <form className='name-form' onSubmit={(event) => { event.preventDefault(); void start() }}>
      <label htmlFor={field}>Your name, as others see it</label>
      <div className='field-row'>
        <input
          id={field} className='field' value={name} maxLength={60} autoComplete='nickname' required
          onChange={(event) => setName(event.target.value)} onFocus={(event) => event.target.select()}
        />
        <button className='button primary' disabled={state === 'busy'}>{action}</button>
      </div>
      <p className='field-note' role='status'>
        {state === 'failed' ? 'The server cannot be reached at the moment. Please try again.' : 'No account, no password. The name stays on this device and the server.'}
      </p>
    </form>
  )
}
