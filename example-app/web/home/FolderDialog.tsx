import { useId, useState } from 'react'
import { changeDocument, type DocumentRecord } from '../device/documents.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { texts } from '../words/index.ts'

/** Characters of the name of a folder. */
const longest = 60

export function FolderDialog ({ record, title, folders, onClose }: { record: DocumentRecord, title: string, folders: string[], onClose: () => void }) {
  const [name, setName] = useState(record.folder ?? '')
  const known = useId()

  return (
    <Dialog title={texts().list.folderOf(title)} onClose={onClose}>
      <form
        className='recovery-form'
        onSubmit={(event) => {
          event.preventDefault()
          void changeDocument(record.id, { folder: name.trim() }).then(onClose)
        }}
      >
        <input
          className='field' dir='auto' aria-label={texts().list.folder} list={known} maxLength={longest} value={name} autoFocus
          onChange={(event) => setName(event.target.value)}
        />
        <datalist id={known}>{folders.map((folder) => <option key={folder} value={folder} />)}</datalist>
        <p className='field-note'>{texts().list.folderNote}</p>
        <div className='dialog-actions'><button className='button primary'>{texts().list.saveFolder}</button></div>
      </form>
    </Dialog>
  )
}
