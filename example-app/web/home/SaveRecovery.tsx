import { useState } from 'react'
import { createCode, sealRecovery } from '../crypto/recovery.ts'
import { collectRecovery, noteSaved } from '../device/recovery.ts'
import { useProfile } from '../profile/profile.ts'
import { anotherSession, withSession } from '../session.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { saveFile } from '../ui/save-file.ts'
import { texts } from '../words/index.ts'

export function SaveRecovery ({ onClose }: { onClose: () => void }) {
  const [code] = useState(createCode)
  const [state, setState] = useState<'ready' | 'saved' | 'failed'>('ready')

  const save = async () => {
    try {
      const own = await withSession(anotherSession)
      await useProfile(own)
      const recovery = await collectRecovery(own)
      saveFile('sealed-notes-recovery.json', 'application/json', sealRecovery(recovery, code))
      await noteSaved(recovery)
      setState('saved')
    } catch {
      setState('failed')
    }
  }

  return (
    <Dialog title={texts().recovery.save} onClose={onClose}>
      <p>{texts().recovery.saveIntro}</p>
      <p><output className='recovery-code' aria-label={texts().recovery.codeName}>{code}</output></p>
      <p className='field-note'>{texts().recovery.saveNote}</p>
      <div className='dialog-actions'>
        <button type='button' className='button primary' onClick={() => { void save() }}>{texts().recovery.saveFile}</button>
      </div>
      <p role='status'>
        {state === 'saved' && texts().recovery.saved}
        {state === 'failed' && texts().recovery.saveFailed}
      </p>
    </Dialog>
  )
}
