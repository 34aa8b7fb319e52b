import '../styles/document.css'
import '../styles/editor.css'
import '../styles/images.css'
import { useEffect, useState } from 'react'
import { isKey } from '../crypto/base64.ts'
import { readDocument, rememberDocument, saveDocument } from '../device/documents.ts'
import { documentHref, replaceFragment } from '../route.ts'
import { OpenDocument } from '../sync/open-document.ts'
import { IncompleteLink } from './IncompleteLink.tsx'
import { Workspace } from './Workspace.tsx'
import { texts } from '../words/index.ts'

/** Undefined when neither the link nor this device has the key. */
async function open (id: string, key: string): Promise<OpenDocument | undefined> {
  const known = await readDocument(id)
  if ((known?.keys.length ?? 0) === 0 && !isKey(key)) return undefined
  const record = known === undefined || !known.keys.includes(key) ? await rememberDocument(id, key, undefined) : known
  record.openedAt = Date.now()
  await saveDocument(record)
  return await OpenDocument.open(record)
}

export default function DocumentPage ({ id, documentKey }: { id: string, documentKey: string }) {
  const [opened, setOpened] = useState<OpenDocument | 'opening' | 'incomplete'>('opening')
  const [attempt, setAttempt] = useState(0)
  const [failure, setFailure] = useState<unknown>()

  useEffect(() => {
    let left = false
    let close = () => {}
    setOpened('opening')
    void open(id, documentKey).then((document) => {
      if (document === undefined) return setOpened('incomplete')
      // Opened anew without what was refused.
      document.discarded.subscribe(() => setAttempt((before) => before + 1))
      close = () => { void document.close() }
      if (left) return close()
      replaceFragment(documentHref(id))
      setOpened(document)
    }).catch(setFailure)
    return () => {
      left = true
      close()
    }
  }, [id, documentKey, attempt])

  if (failure !== undefined) throw failure
  if (opened === 'opening') return <p className='loading' role='status'>{texts().opening}</p>
  if (opened === 'incomplete') return <IncompleteLink />
  return <Workspace open={opened} />
}
