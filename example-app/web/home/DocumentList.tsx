import { useState } from 'react'
import { forgetDocument, type DocumentRecord } from '../device/documents.ts'
import { documentHref } from '../route.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { Icon } from '../ui/Icon.tsx'
import { IconButton } from '../ui/IconButton.tsx'
import { ago } from '../ui/words.ts'

const roles = { owner: 'Yours', editor: 'You can edit', viewer: 'You can read' }

type Order = 'opened' | 'title'

const orders: Record<Order, (one: DocumentRecord, other: DocumentRecord) => number> = {
  opened: (one, other) => other.openedAt - one.openedAt,
  title: (one, other) => (one.title || 'Untitled').localeCompare(other.title || 'Untitled', undefined, { numeric: true })
}

export function DocumentList ({ documents }: { documents: DocumentRecord[] }) {
  const [forgetting, setForgetting] = useState<DocumentRecord>()
  const [wanted, setWanted] = useState('')
  const [order, setOrder] = useState<Order>('opened')
  const found = documents.filter(({ title }) => (title || 'Untitled').toLowerCase().includes(wanted.trim().toLowerCase())).sort(orders[order])

  return (
    <section className='documents' aria-labelledby='documents-heading'>
      <h2 id='documents-heading'>On this device</h2>
      {documents.length > 1 && (
        <div className='document-search'>
          <input
            type='search' className='field' aria-label='Search in titles' placeholder='Search in titles' value={wanted}
            onChange={(event) => setWanted(event.target.value)}
          />
          <select className='field' aria-label='Order' value={order} onChange={(event) => setOrder(event.target.value === 'title' ? 'title' : 'opened')}>
            <option value='opened'>Last opened first</option>
            <option value='title'>By title</option>
          </select>
        </div>
      )}
      <p className='visually-hidden' role='status'>{wanted === '' ? '' : `${found.length} found`}</p>
      {found.length === 0 && <p>No document on this device has this in its title.</p>}
      <ul>
        {found.map((record) => (
          <li key={record.id}>
            <a href={documentHref(record.id)}>
              <Icon name='document' />
              <span className='document-title'>{record.title || 'Untitled'}</span>
              <span className='document-facts'>
                {record.hasUnsent === true && <span className='unsent'>Not sent yet</span>}
                {record.role !== undefined && <span>{record.isRemoved === true ? 'No access any more' : roles[record.listedRole ?? record.role]}</span>}
                <span>{ago(record.openedAt)}</span>
              </span>
            </a>
            <IconButton icon='trash' label={`Remove ${record.title || 'Untitled'} from this device`} onClick={() => setForgetting(record)} />
          </li>
        ))}
      </ul>
      {forgetting !== undefined && (
        <Dialog title='Remove from this device?' onClose={() => setForgetting(undefined)}>
          <p>
            The text and the key of “{forgetting.title || 'Untitled'}” are removed from this browser. Others keep the document. Without its link you
            cannot open it again, and nobody can bring back a key that nobody has.
          </p>
          <div className='dialog-actions'>
            <button type='button' className='button' onClick={() => setForgetting(undefined)}>Keep it</button>
            <button
              type='button' className='button danger'
              onClick={() => { void forgetDocument(forgetting.id).then(() => setForgetting(undefined)) }}
            >
              Remove
            </button>
          </div>
        </Dialog>
      )}
    </section>
  )
}
