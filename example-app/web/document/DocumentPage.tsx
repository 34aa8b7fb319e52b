import '../styles/document.css'
import '../styles/editor.css'
import sodium from 'libsodium-wrappers'
import { useEffect, useState } from 'react'
import { readDocument, rememberDocument, saveDocument } from '../device/documents.ts'
import { documentHref, replaceFragment } from '../route.ts'
import { session, type Session } from '../session.ts'
import { Connection } from '../sync/connection.ts'
import { watchSockets } from '../sync/frames.ts'
import { OpenDocument } from '../sync/open-document.ts'
import { IncompleteLink } from './IncompleteLink.tsx'
import { Workspace } from './Workspace.tsx'

watchSockets()

function currentSession (): Session {
  const current = session.get()
  if (current === undefined) throw new Error('Nobody has said who they are')
  return current
}

/** Undefined when neither the link nor this device has the key. */
async function open (id: string, key: string): Promise<OpenDocument | undefined> {
  await sodium.ready
  const known = await readDocument(id)
  if (known === undefined && key === '') return undefined
  const record = known === undefined || !known.keys.includes(key) ? await rememberDocument(id, key, undefined) : known
  record.openedAt = Date.now()
  await saveDocument(record)
  return await OpenDocument.open(record, currentSession)
}

interface Opened {
  document: OpenDocument
  connection: Connection
}

export default function DocumentPage ({ id, documentKey }: { id: string, documentKey: string }) {
  const [opened, setOpened] = useState<Opened | 'opening' | 'incomplete'>('opening')
  const [discarded, setDiscarded] = useState(0)
  const [failure, setFailure] = useState<unknown>()

  useEffect(() => {
    let left = false
    let close = () => {}
    setOpened('opening')
    void open(id, documentKey).then((document) => {
      if (document === undefined) return setOpened('incomplete')
      if (left) return document.close()
      const connection = new Connection(document)
      const showKey = () => replaceFragment(documentHref(id, document.keyring.newest.get()))
      const stopShowing = document.keyring.newest.subscribe(showKey)
      document.discarded.subscribe(() => setDiscarded((before) => before + document.discarded.get()))
      const save = () => { void document.save() }
      window.addEventListener('pagehide', save)
      close = () => {
        stopShowing()
        window.removeEventListener('pagehide', save)
        connection.stop()
        document.close()
      }
      showKey()
      connection.start()
      setOpened({ document, connection })
    }).catch(setFailure)
    return () => {
      left = true
      close()
    }
  }, [id, documentKey, discarded])

  if (failure !== undefined) throw failure
  if (opened === 'opening') return <p className='loading' role='status'>Opening…</p>
  if (opened === 'incomplete') return <IncompleteLink />
  return <Workspace open={opened.document} connection={opened.connection} discarded={discarded} />
}
