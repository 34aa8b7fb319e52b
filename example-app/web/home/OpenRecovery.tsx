import { useId, useState } from 'react'
import { Refused } from '../api.ts'
import { openRecovery, parseCode } from '../crypto/recovery.ts'
import { recover } from '../device/recovery.ts'
import { anotherSession, keepSession } from '../session.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { count } from '../ui/words.ts'

type State = { kind: 'ready' | 'busy' } | { kind: 'failed', words: string } | { kind: 'done', documents: number }

const ended: State = {
  kind: 'failed', words: 'The keys of your documents are here. But the session of this file has ended: ask the owners for new invitations.'
}

async function open (file: File | undefined, text: string): Promise<State> {
  const code = parseCode(text)
  if (file === undefined) return { kind: 'failed', words: 'Choose the file first.' }
  if (code === undefined) return { kind: 'failed', words: 'A code has 25 letters and digits. Something of it is missing, or too much.' }
  const opened = openRecovery(await file.text(), code)
  switch (opened.outcome) {
    case 'noRecoveryFile': return { kind: 'failed', words: 'This is not a recovery file, or its end is missing.' }
    case 'newerVersion': return { kind: 'failed', words: 'A newer version of this app has made this file. Reload the page, and try again.' }
    case 'wrongCode': return { kind: 'failed', words: 'This code does not open this file. Each file has its own code.' }
    case 'opened': {
      const recovered = await recover(opened.content)
      if (recovered.outcome === 'recovered') {
        // The file may be opened again elsewhere. Without a network this browser goes on with the session of the file.
        try {
          await keepSession(await anotherSession(recovered.session))
        } catch (error) {
          if (error instanceof Refused && error.status === 401) return ended
        }
        return { kind: 'done', documents: recovered.documents }
      }
      if (recovered.outcome === 'noRecoveryFile') return { kind: 'failed', words: 'This is not a recovery file of this app.' }
      return { kind: 'failed', words: 'Somebody else has documents in this browser. Open the file in another browser, or in a profile of your own.' }
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
    setState(await open(file, code).catch((): State => ({ kind: 'failed', words: 'The file could not be opened. Please try again.' })))
  }

  return (
    <Dialog title='Open a recovery file' onClose={onClose}>
      <form className='recovery-form' onSubmit={(event) => { event.preventDefault(); void start() }}>
        <label htmlFor={fileField}>The file</label>
        <input id={fileField} type='file' accept='.json,application/json' onChange={(event) => setFile(event.target.files?.[0])} />
        <label htmlFor={codeField}>Its code</label>
        <input id={codeField} className='field' value={code} autoComplete='off' spellCheck={false} onChange={(event) => setCode(event.target.value)} />
        <div className='dialog-actions'>
          <button className='button primary' disabled={state.kind === 'busy'}>Open it</button>
        </div>
      </form>
      <p role='status'>
        {state.kind === 'failed' && state.words}
        {state.kind === 'done' && `Welcome back. ${count(state.documents, 'document')} can be opened here now.`}
      </p>
    </Dialog>
  )
}
