import { useId, useMemo, useState } from 'react'
import { startSession } from '../session.ts'
import { suggestName } from './names.ts'
import { useSignal } from '../ui/signal.ts'
import { words } from '../words/index.ts'
import { texts } from '../words/index.ts'

/** Asks for a name, once per device, and starts a session with it. */
export function NameForm ({ action, onReady }: { action: string, onReady?: () => void | Promise<void> }) {
  const said = useSignal(words)
  const suggested = useMemo(() => suggestName(said), [said])
  const [typed, setName] = useState<string>()
  const name = typed ?? suggested
  const [state, setState] = useState<'ready' | 'busy' | 'failed'>('ready')
  const field = useId()

  const start = async () => {
    setState('busy')
    try {
      await startSession(name.trim() || suggested)
      await onReady?.()
    } catch {
      setState('failed')
    }
  }

  return (
    <form className='name-form' onSubmit={(event) => { event.preventDefault(); void start() }}>
      <label htmlFor={field}>{texts().home.yourName}</label>
      <div className='field-row'>
        <input
          id={field} className='field' value={name} maxLength={60} autoComplete='nickname' required
          onChange={(event) => setName(event.target.value)} onFocus={(event) => event.target.select()}
        />
        <button className='button primary' disabled={state === 'busy'}>{action}</button>
      </div>
      <p className='field-note' role='status'>
        {state === 'failed' ? texts().home.unreachable : texts().home.nameNote}
      </p>
    </form>
  )
}
