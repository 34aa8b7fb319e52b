import { documents, readDocument } from '../device/documents.ts'
import { sendFiles } from '../files/files.ts'
import { OpenDocument } from './open-document.ts'

/** Milliseconds for one document. Its changes are kept for the next time. */
const patience = 30_000
/** And for a file that the server did not take: it may be megabytes. */
const filePatience = 600_000

let sending: Promise<void> | undefined

/** Sends what waits on this device: changes in documents that are not open, and files. Nothing is shown of it, neither here nor to others. */
export function sendUnsent (openId: string | undefined): Promise<void> {
  sending ??= sendAll(openId).finally(() => { sending = undefined })
  return sending
}

async function sendAll (openId: string | undefined): Promise<void> {
  for (const { id, hasUnsent } of documents.get()) if (hasUnsent === true && id !== openId) await send(id).catch(() => {})
  const withFiles = documents.get().filter(({ hasUnsentFiles, registered }) => hasUnsentFiles === true && registered)
  for (const { id } of withFiles) await sendFiles(id, { patience: filePatience })
}

async function send (id: string): Promise<void> {
  const record = await readDocument(id)
  if (record === undefined) return
  const open = await OpenDocument.open(record)
  open.presence.setLocalState(null)
  const { connection } = open
  let timer: ReturnType<typeof setTimeout> | undefined
  await Promise.race([
    connection.whenLoaded().then(() => connection.whenSaved()),
    new Promise<void>((resolve) => { timer = setTimeout(resolve, patience) }),
    new Promise<void>((resolve) => open.discarded.subscribe(resolve)),
    new Promise<void>((resolve) => connection.subscribe(() => {
      const { status } = connection.getState().connection
      if (status !== 'connecting' && status !== 'live') resolve()
    }))
  ])
  clearTimeout(timer)
  await open.close()
}
