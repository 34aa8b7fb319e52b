import { useState } from 'react'
import { documentHref } from '../route.ts'
import { texts } from '../words/index.ts'

const accepted = '.md,.markdown,.txt,.docx,text/markdown,text/plain,application/vnd.openxmlformats-officedocument.wordprocessingml.document'

/** Bytes of a file that is read at once, in the browser of whoever chose it. */
const largest = 20_000_000

type State = 'ready' | 'reading' | 'tooBig' | 'unreadable'

/** Makes a document of a file in Markdown or of Word. */
export function ImportButton () {
  const [state, setState] = useState<State>('ready')

  const take = async (file: File) => {
    if (file.size > largest) return setState('tooBig')
    setState('reading')
    const { importFile } = await import('../editor/import.ts')
    const { id } = await importFile(file)
    location.hash = documentHref(id)
  }

  return (
    <>
      <label className='button large import' aria-disabled={state === 'reading'}>
        {texts().home.import}
        <input
          type='file' className='visually-hidden' accept={accepted} disabled={state === 'reading'}
          onChange={({ target }) => {
            const [file] = target.files ?? []
            if (file !== undefined) take(file).catch(() => setState('unreadable'))
            // So that the same file can be chosen again.
            target.value = ''
          }}
        />
      </label>
      {state === 'tooBig' && <p className='trouble' role='alert'>{texts().home.importTooBig}</p>}
      {state === 'unreadable' && <p className='trouble' role='alert'>{texts().home.importFailed}</p>}
    </>
  )
}
