import { useId, useState } from 'react'
import { Refused } from '../api.ts'
import { openRecovery, parseCode } from '../crypto/recovery.ts'
import { recover } from '../device/recovery.ts'
import { anotherSession, keepSession } from '../session.ts'
import type { Words } from '../words/index.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { texts } from '../words/index.ts'

type Failure = keyof Words['recovery']['failures']

type State = { kind: 'ready' | 'busy' } | { kind: 'failed', failure: Failure } | { kind: 'done', documents: number }

function failed (failure: Failure): State {
  return { kind: 'failed', failure }
}

async function open (file: File | undefined, text: string): Promise<State> {
  const code = parseCode(text)
  if (file === undefined) return failed('noFile')
  if (code === undefined) return failed('noCode')
  const opened = openRecovery(await file.text(), code)
  switch (opened.outcome) {
    case 'noRecoveryFile': return failed('broken')
    case 'newerVersion': return failed('newerVersion')
    case 'wrongCode': return failed('wrongCode')
    case 'opened': {
      const recovered = await recover(opened.content)
      if (recovered.outcome === 'recovered') {
        // The file may be opened again elsewhere. Without a network this browser goes on with the session of the file.
        try {
          await keepSession(await anotherSession(recovered.session))
        } catch (error) {
          if (error instanceof Refused && error.status === 401) return failed('sessionEnded')
        }
        return { kind: 'done', documents: recovered.documents }
      }
      if (recovered.outcome === 'noRecoveryFile') return failed('otherApp')
      return failed('somebodyElse')
    }
  }
}

export function OpenRecovery ({ onClose }: { onClose: () => void }) {
  const [file, setFile] = useState<File>()
  const [code, setCode] = useState('')
  const [state, setState] = useState<State>({ kind: 'ready' })
  const [fileField, codeField] = [useId(), useId()]

  const start = async () => {
    setState({ kind: 'busy' })
    setState(await open(file, code).catch(() => failed('unknown')))
  }

  return (
    <Dialog title={texts().recovery.open} onClose={onClose}>
      <form className='recovery-form' onSubmit={(event) => { event.preventDefault(); void start() }}>
        <label htmlFor={fileField}>{texts().recovery.file}</label>
        <input id={fileField} type='file' accept='.json,application/json' onChange={(event) => setFile(event.target.files?.[0])} />
        <label htmlFor={codeField}>{texts().recovery.code}</label>
        <input id={codeField} className='field' value={code} autoComplete='off' spellCheck={false} onChange={(event) => setCode(event.target.value)} />
        <div className='dialog-actions'>
          <button className='button primary' disabled={state.kind === 'busy'}>{texts().recovery.openIt}</button>
        </div>
      </form>
      <p role='status'>
        {state.kind === 'failed' && texts().recovery.failures[state.failure]}
        {state.kind === 'done' && texts().recovery.opened(state.documents)}
      </p>
    </Dialog>
  )
}
