import { useState } from 'react'
import type { Role } from '../api.ts'
import { forgetDocument, type DocumentRecord } from '../device/documents.ts'
import { profile } from '../profile/profile.ts'
import { documentHref } from '../route.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { Icon } from '../ui/Icon.tsx'
import { IconButton } from '../ui/IconButton.tsx'
import { useSignal } from '../ui/signal.ts'
import { ago } from '../words/format.ts'
import { texts } from '../words/index.ts'
import { FolderDialog } from './FolderDialog.tsx'

function shownTitle ({ title }: DocumentRecord): string {
  return title || texts().untitled
}

function access ({ isRemoved, listedRole }: DocumentRecord, role: Role): string {
  const { noAccess, roles } = texts().list
  return isRemoved === true ? noAccess : roles[listedRole ?? role]
}

type Order = 'opened' | 'title'

const orders: Record<Order, (one: DocumentRecord, other: DocumentRecord) => number> = {
  opened: (one, other) => other.openedAt - one.openedAt,
  title: (one, other) => shownTitle(one).localeCompare(shownTitle(other), undefined, { numeric: true })
}

/** Those of all documents, each once. */
function foldersOf (documents: DocumentRecord[]): string[] {
  return [...new Set(documents.map(({ folder = '' }) => folder))].filter((folder) => folder !== '').sort((one, other) => one.localeCompare(other, undefined, { numeric: true }))
}

export function DocumentList ({ documents }: { documents: DocumentRecord[] }) {
  const [forgetting, setForgetting] = useState<DocumentRecord>()
  const [wanted, setWanted] = useState('')
  const [order, setOrder] = useState<Order>('opened')
  const [sorting, setSorting] = useState<DocumentRecord>()
  const [chosen, setChosen] = useState('')
  const folders = foldersOf(documents)
  const hasOtherDevices = (useSignal(profile)?.otherDevices.length ?? 0) > 0
  // The last document of the folder may have left it.
  const shown = folders.includes(chosen) ? chosen : ''
  const found = documents
    .filter(({ folder }) => shown === '' || folder === shown)
    .filter((record) => shownTitle(record).toLowerCase().includes(wanted.trim().toLowerCase())).sort(orders[order])

  return (
    <section className='documents' aria-labelledby='documents-heading'>
      <h2 id='documents-heading'>{texts().list.heading}</h2>
      {documents.length > 1 && (
        <div className='document-search'>
          <input
            type='search' className='field' aria-label={texts().list.search} placeholder={texts().list.search} value={wanted}
            onChange={(event) => setWanted(event.target.value)}
          />
          <select className='field' aria-label={texts().list.order} value={order} onChange={(event) => setOrder(event.target.value === 'title' ? 'title' : 'opened')}>
            <option value='opened'>{texts().list.orders.opened}</option>
            <option value='title'>{texts().list.orders.title}</option>
          </select>
          {folders.length > 0 && (
            <select className='field' aria-label={texts().list.folder} value={shown} onChange={(event) => setChosen(event.target.value)}>
              <option value=''>{texts().list.allFolders}</option>
              {folders.map((folder) => <option key={folder} value={folder}>{folder}</option>)}
            </select>
          )}
        </div>
      )}
      <p className='visually-hidden' role='status'>{wanted === '' && shown === '' ? '' : texts().list.found(found.length)}</p>
      {found.length === 0 && <p>{texts().list.noneFound}</p>}
      <ul>
        {found.map((record) => (
          <li key={record.id}>
            <a href={documentHref(record.id)}>
              <Icon name='document' />
              <span className='document-title'>{shownTitle(record)}</span>
              <span className='document-facts'>
                {record.folder !== undefined && record.folder !== '' && <span className='folder'>{record.folder}</span>}
                {(record.hasUnsent === true || record.hasUnsentFiles === true) && <span className='unsent'>{texts().list.notSent}</span>}
                {record.role !== undefined && <span>{access(record, record.role)}</span>}
                <span>{ago(record.openedAt)}</span>
              </span>
            </a>
            <IconButton icon='folder' label={texts().list.folderOf(shownTitle(record))} onClick={() => setSorting(record)} />
            <IconButton icon='trash' label={texts().list.removeFromDevice(shownTitle(record))} onClick={() => setForgetting(record)} />
          </li>
        ))}
      </ul>
      {sorting !== undefined && <FolderDialog record={sorting} title={shownTitle(sorting)} folders={folders} onClose={() => setSorting(undefined)} />}
      {forgetting !== undefined && (
        <Dialog title={texts().list.removeTitle} onClose={() => setForgetting(undefined)}>
          <p>{texts().list.removeNote(shownTitle(forgetting))}</p>
          {hasOtherDevices && <p>{texts().devices.removeNote}</p>}
          <div className='dialog-actions'>
            <button type='button' className='button' onClick={() => setForgetting(undefined)}>{texts().list.keep}</button>
            <button
              type='button' className='button danger'
              onClick={() => { void forgetDocument(forgetting.id).then(() => setForgetting(undefined)) }}
            >
              {hasOtherDevices ? texts().devices.removeHere : texts().list.remove}
            </button>
            {hasOtherDevices && (
              <button
                type='button' className='button danger'
                onClick={() => { void forgetDocument(forgetting.id, 'everywhere').then(() => setForgetting(undefined)) }}
              >
                {texts().devices.removeEverywhere}
              </button>
            )}
          </div>
        </Dialog>
      )}
    </section>
  )
}
