import { useId, useState } from 'react'
import { Dialog } from '../ui/Dialog.tsx'
import { safeAddress } from './links.ts'
import { texts } from '../words/index.ts'

/** Asks for the address of a link. */
export function LinkDialog ({ onDone, onClose }: { onDone: (href: string) => void, onClose: () => void }) {
  const [address, setAddress] = useState('')
  const [isWrong, setIsWrong] = useState(false)
  const field = useId()

  const submit = () => {
    const href = safeAddress(address)
    if (href === undefined) setIsWrong(true)
    else onDone(href)
  }

  return (
    <Dialog title={texts().editor.linkTitle} onClose={onClose}>
      <form className='link-form' onSubmit={(event) => { event.preventDefault(); submit() }}>
        <label htmlFor={field}>{texts().editor.linkAddress}</label>
        <div className='field-row'>
          <input
            id={field} className='field' value={address} inputMode='url' autoComplete='off' placeholder='https://example.org' autoFocus
            aria-invalid={isWrong} onChange={(event) => { setAddress(event.target.value); setIsWrong(false) }}
          />
          <button className='button primary'>{texts().editor.setLink}</button>
        </div>
        {isWrong && <p className='trouble' role='alert'>{texts().editor.noAddress}</p>}
      </form>
    </Dialog>
  )
}
