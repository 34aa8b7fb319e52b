import { documentPath, readBytes, Refused, request, Unreachable, writeBytes } from '../api.ts'
import { changeDocument } from '../device/documents.ts'
import { keepFile, keptChunks, noteSent, waitingFiles } from '../device/files.ts'
import { withSession } from '../session.ts'
import { BrokenFile, chunkBytes, openFile, sealFile, type FileOfDocument, type SealedFile } from './seal.ts'

// Files of documents: encrypted here, kept here, sent to the server when it can be reached.

export type Read =
  | { outcome: 'read', bytes: Uint8Array<ArrayBuffer> }
  /** The server does not have it (yet), there is no answer that helps, or it is not what the document says. */
  | { outcome: 'absent' | 'unreachable' | 'broken' }

export type Sent = 'sent' | 'unreachable' | 'notAllowed' | 'tooBig' | 'tooMany' | 'full' | 'later'

type Names = Pick<SealedFile, 'fileId' | 'key'>

const pathOf = ({ documentId, fileId }: FileOfDocument, ...rest: string[]) => documentPath(documentId, 'files', fileId, ...rest)
const chunkPath = (file: FileOfDocument, index: number) => pathOf(file, 'chunks', String(index))

/** Makes a new file of a document, which stays on this device until the server has it. Rejects if the device cannot keep it. `names` are new, too. */
export async function newFile (documentId: string, content: Uint8Array, names?: Names): Promise<Names> {
  const { fileId, key, chunks } = sealFile(documentId, content, names)
  await keepFile({ documentId, fileId }, chunks, true)
  await changeDocument(documentId, { hasUnsentFiles: true })
  return { fileId, key }
}

/** From this device, or else from the server, and then kept. */
export async function readFile (file: FileOfDocument, key: string): Promise<Read> {
  return await readKept(file, key) ?? await readSent(file, key)
}

async function readKept (file: FileOfDocument, key: string): Promise<Read | undefined> {
  const chunks = await keptChunks(file).catch(() => undefined)
  if (chunks === undefined) return undefined
  try {
    return { outcome: 'read', bytes: await openFile(file, key, async (index) => chunks[index] ?? new Uint8Array()) }
  } catch {
    // The server may have it as it was.
    return undefined
  }
}

async function readSent (file: FileOfDocument, key: string): Promise<Read> {
  const chunks: Array<Uint8Array<ArrayBuffer>> = []
  try {
    const bytes = await openFile(file, key, async (index) => {
      const chunk = await withSession(({ sessionKey }) => readBytes(chunkPath(file, index), sessionKey, chunkBytes))
      chunks.push(chunk)
      return chunk
    })
    // A device that cannot keep it asks again.
    await keepFile(file, chunks, false).catch(() => {})
    return { outcome: 'read', bytes }
  } catch (error) {
    if (error instanceof BrokenFile || (error instanceof Refused && error.status === 413)) return { outcome: 'broken' }
    if (error instanceof Refused && error.status === 404) return { outcome: chunks.length === 0 ? 'absent' : 'broken' }
    if (error instanceof Refused || error instanceof Unreachable) return { outcome: 'unreachable' }
    throw error
  }
}

const sending = new Map<string, Promise<Sent>>()

/** What the server did not take, and when, in milliseconds. */
const refused = new Map<string, { sent: Sent, at: number }>()

interface SendOptions {
  /** Whose outcome is given. Without it, the first trouble there was. */
  fileId?: string
  /** Milliseconds for which a file is not sent again that the server did not take. */
  patience?: number
}

/** Sends the files of a document that wait on this device. What was not sent waits for the next time. */
export function sendFiles (documentId: string, options: SendOptions = {}): Promise<Sent> {
  // One after the other: a file may have come since the last one began.
  const next = (sending.get(documentId) ?? Promise.resolve()).then(() => sendAll(documentId, options))
  const settled: Promise<Sent> = next.catch(() => 'later' as const)
  sending.set(documentId, settled)
  return settled
}

async function sendAll (documentId: string, { fileId, patience = 0 }: SendOptions): Promise<Sent> {
  const outcomes = new Map<string, Sent>()
  for (const file of await waitingFiles(documentId)) {
    const known = refused.get(file.fileId)
    const sent = known !== undefined && Date.now() - known.at < patience ? known.sent : await send(file)
    outcomes.set(file.fileId, sent)
    if (sent === 'unreachable') break
  }
  await changeDocument(documentId, { hasUnsentFiles: (await waitingFiles(documentId)).length > 0 })
  const all = [...outcomes.values()]
  if (fileId !== undefined && !all.includes('unreachable')) return outcomes.get(fileId) ?? 'sent'
  return all.find((sent) => sent !== 'sent') ?? 'sent'
}

async function send (file: FileOfDocument): Promise<Sent> {
  const chunks = await keptChunks(file)
  // Its document was removed from this device.
  if (chunks === undefined) return 'sent'
  try {
    await withSession(async ({ sessionKey }) => {
      for (const [index, chunk] of chunks.entries()) await writeBytes(chunkPath(file, index), sessionKey, chunk)
      await request('PUT', pathOf(file), sessionKey, { chunks: chunks.length })
    })
    await noteSent(file)
    return 'sent'
  } catch (error) {
    if (error instanceof Unreachable) return 'unreachable'
    if (!(error instanceof Refused)) throw error
    const sent = meaningOf(error.status)
    refused.set(file.fileId, { sent, at: Date.now() })
    return sent
  }
}

function meaningOf (status: number): Sent {
  switch (status) {
    case 403: case 404: return 'notAllowed'
    case 409: return 'tooMany'
    case 413: return 'tooBig'
    case 507: return 'full'
    default: return 'later'
  }
}
