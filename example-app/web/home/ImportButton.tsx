import { useState } from 'react'
import { documentHref } from '../route.ts'
import { texts } from '../words/index.ts'

/** Makes a document of a file in Markdown. */
export function ImportButton () {
  const [failed, setFailed] = useState(false)

  const take = async (file: File) => {
    const { importMarkdown } = await import('../editor/import.ts')
    const { id } = await importMarkdown(await file.text(), file.name)
    location.hash = documentHref(id)
  }

  return (
    <>
      <label className='button large import'>
        {texts().home.import}
        <input
          type='file' className='visually-hidden' accept='.md,.markdown,.txt,text/markdown,text/plain'
          onChange={({ target: { files } }) => {
            const [file] = files ?? []
            if (file !== undefined) take(file).catch(() => setFailed(true))
          }}
        />
      </label>
      {failed && <p className='trouble' role='alert'>{texts().home.importFailed}</p>}
    </>
  )
}
