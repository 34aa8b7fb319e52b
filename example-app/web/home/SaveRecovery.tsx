import { useState } from 'react'
import { createCode, sealRecovery } from '../crypto/recovery.ts'
import { collectRecovery, noteSaved } from '../device/recovery.ts'
import { anotherSession, withSession } from '../session.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { saveFile } from '../ui/save-file.ts'

export function SaveRecovery ({ onClose }: { onClose: () => void }) {
  const [code] = useState(createCode)
  const [state, setState] = useState<'ready' | 'saved' | 'failed'>('ready')

  const save = async () => {
    try {
      const recovery = await collectRecovery(await withSession(anotherSession))
      saveFile('sealed-notes-recovery.json', 'application/json', sealRecovery(recovery, code))
      await noteSaved(recovery)
      setState('saved')
    } catch {
      setState('failed')
    }
  }

  return (
    <Dialog title='Save a recovery file' onClose={onClose}>
      <p>With the file and this code, another browser or another device opens all of your documents, as you.</p>
      <p><output className='recovery-code' aria-label='Code of the recovery file'>{code}</output></p>
      <p className='field-note'>
        Write the code down, and keep it apart from the file: who has both can read your documents. The app does not keep the code, and it belongs to
        this file only. Among your sessions the file is one of its own: end it if the file gets lost.
      </p>
      <div className='dialog-actions'>
        <button type='button' className='button primary' onClick={() => { void save() }}>Save the file</button>
      </div>
      <p role='status'>
        {state === 'saved' && 'The file is saved. Documents that you make or open from now on are not in it: save another one then.'}
        {state === 'failed' && 'The file could not be made. Please try again when the server can be reached.'}
      </p>
    </Dialog>
  )
}
