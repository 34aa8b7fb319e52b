import { useEffect, useState } from 'react'
import { Icon } from './Icon.tsx'
import { texts } from '../words/index.ts'

/** Copies a text, and says so. `prepare` may ask the server for it first. */
export function CopyButton ({ label, prepare, primary = false }: { label: string, prepare: () => Promise<string>, primary?: boolean }) {
  const [state, setState] = useState<'ready' | 'copied' | 'failed'>('ready')

  useEffect(() => {
    if (state === 'ready') return
    const timer = setTimeout(() => setState('ready'), 2500)
    return () => clearTimeout(timer)
  }, [state])

  const copy = async () => {
    try {
      const text = await prepare()
      // Over plain HTTP browsers give no clipboard: what was prepared is shown beside the button.
      await navigator.clipboard.writeText(text)
      setState('copied')
    } catch {
      setState('failed')
    }
  }

  const said = { ready: label, copied: texts().ui.linkCopied, failed: texts().ui.copyByHand }
  return (
    <button type='button' className={primary ? 'button primary' : 'button'} onClick={() => { void copy() }}>
      <Icon name={state === 'copied' ? 'check' : 'copy'} />
      <span aria-live='polite'>{said[state]}</span>
    </button>
  )
}
