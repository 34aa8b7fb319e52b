import '../styles/history.css'
import type { HistoryEntry } from 'fastify-secsync/client'
import { yDocOf } from 'fastify-secsync/client/yjs'
import { useCallback, useEffect, useState } from 'react'
import type * as Y from 'yjs'
import { documentPath, mayWrite, request } from '../api.ts'
import { copyOf } from '../device/new-document.ts'
import { documentHref } from '../route.ts'
import { withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { titleOf } from '../sync/title.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { useSignal } from '../ui/signal.ts'
import { Changes } from './Changes.tsx'
import { Preview } from './Preview.tsx'
import { moment, size } from '../words/format.ts'
import { texts } from '../words/index.ts'

/** The versions of a document: look at one, and make the document as it was. */
export default function HistoryDialog ({ open, onClose }: { open: OpenDocument, onClose: () => void }) {
  const role = useSignal(open.role)
  const members = useSignal(open.members)?.members ?? []
  // What it would have to take away may be nested more deeply than Yjs can delete.
  const hasLeftOut = useSignal(open.hasLeftOut)
  const [versions, setVersions] = useState<HistoryEntry[]>()
  const [before, setBefore] = useState<number>()
  const [usedBytes, setUsedBytes] = useState<number>()
  const [shown, setShown] = useState<{ version: HistoryEntry, doc: Y.Doc }>()
  /** The version before the one that is shown, or none. Undefined while its changes are not asked for. */
  const [changes, setChanges] = useState<{ before: Y.Doc | undefined }>()
  const [note, setNote] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const { history } = open.connection

  const act = useCallback(async (action: () => Promise<void>) => {
    setNote('')
    setIsBusy(true)
    await action().catch(() => setNote(texts().notDone))
    setIsBusy(false)
  }, [])

  const load = useCallback(async () => {
    const page = await history.list({ limit: 50 })
    setVersions(page.snapshots)
    setBefore(page.before)
    const usage = await withSession(({ sessionKey }) => request<{ keptBytes: number }>('GET', documentPath(open.id, 'usage'), sessionKey))
    setUsedBytes(usage.keptBytes)
  }, [history, open.id])

  useEffect(() => { void act(load) }, [act, load])

  const more = () => act(async () => {
    const page = await history.list({ limit: 50, before })
    setVersions((earlier = []) => [...earlier, ...page.snapshots])
    setBefore(page.before)
  })

  const look = (version: HistoryEntry) => act(async () => {
    setShown({ version, doc: yDocOf(await history.open(version.snapshotId)) })
    setChanges(undefined)
  })

  const compare = ({ version }: { version: HistoryEntry }) => act(async () => {
    const place = versions?.findIndex(({ snapshotId }) => snapshotId === version.snapshotId) ?? -1
    const earlier = versions?.slice(place + 1).find(({ isKept }) => isKept)
    setChanges({ before: earlier && yDocOf(await history.open(earlier.snapshotId)) })
  })

  const restore = ({ version }: { version: HistoryEntry }) => act(async () => {
    await history.restore(version.snapshotId)
    setShown(undefined)
    await load()
    setNote(texts().history.restored)
  })

  const copy = ({ doc }: { doc: Y.Doc }) => act(async () => {
    const { id } = await copyOf(doc, { from: open.id, title: texts().copyOf(titleOf(doc) || texts().untitled) })
    onClose()
    location.hash = documentHref(id)
  })

  const nameOf = ({ publicKey = '' }: HistoryEntry) => members.find(({ publicKeys }) => publicKeys.includes(publicKey))?.name ?? texts().history.somebody

  return (
    <Dialog title={texts().history.title} onClose={onClose}>
      {versions === undefined && note === '' && <p role='status'>{texts().history.loading}</p>}
      {versions?.length === 0 && <p>{texts().history.none}</p>}
      {versions !== undefined && versions.length > 0 && (
        <ol className='versions' aria-label={texts().history.versions}>
          {versions.map((version) => (
            <li key={version.snapshotId}>
              <button
                type='button' className='version' disabled={!version.isKept || isBusy}
                aria-pressed={shown?.version.snapshotId === version.snapshotId} onClick={() => { void look(version) }}
              >
                <time dateTime={version.createdAt}>{moment(version.createdAt)}</time>
                <span>{nameOf(version)}</span>
                <span className='version-size'>{version.isKept ? size(version.bytes ?? 0) : texts().history.notKept}</span>
              </button>
            </li>
          ))}
        </ol>
      )}
      {before !== undefined && <button type='button' className='button' disabled={isBusy} onClick={() => { void more() }}>{texts().history.earlier}</button>}
      {shown !== undefined && (changes === undefined ? <Preview open={open} doc={shown.doc} /> : <Changes before={changes.before} doc={shown.doc} />)}
      {shown !== undefined && (
        <div className='dialog-actions'>
          <button
            type='button' className='button' disabled={isBusy} aria-pressed={changes !== undefined}
            onClick={() => { if (changes === undefined) void compare(shown); else setChanges(undefined) }}
          >
            {texts().history.whatChanged}
          </button>
          <button type='button' className='button' disabled={isBusy} onClick={() => { void copy(shown) }}>{texts().copyToNew}</button>
          {mayWrite(role) && !hasLeftOut && (
            <button type='button' className='button primary' disabled={isBusy} onClick={() => { void restore(shown) }}>
              {isBusy ? texts().history.restoring : texts().history.restore}
            </button>
          )}
        </div>
      )}
      {note !== '' && <p className={note === texts().notDone ? 'trouble' : 'done'} role={note === texts().notDone ? 'alert' : 'status'}>{note}</p>}
      {usedBytes !== undefined && <p className='field-note'>{texts().history.usage(size(usedBytes))}</p>}
    </Dialog>
  )
}
