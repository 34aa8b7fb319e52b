import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { FileOfDocument } from '../files/seal.ts'

/** Files of documents, encrypted as the server has them: those that were read, within bounds, and those that the server does not have yet. */
interface KeptFiles extends DBSchema {
  files: { key: [string, string], value: KeptFile, indexes: { usedAt: number } }
  /** Beside the facts, which are read without them. */
  chunks: { key: [string, string], value: Chunks }
}

interface KeptFile extends FileOfDocument {
  bytes: number
  usedAt: number
  /** The server does not have it yet. Such a file is never removed to make room. */
  isWaiting: boolean
}

type Chunks = Array<Uint8Array<ArrayBuffer>>

/** Bytes of files that the server has, too. */
const room = 100_000_000

let opening: Promise<IDBPDatabase<KeptFiles>> | undefined

function open (): Promise<IDBPDatabase<KeptFiles>> {
  const again = () => { opening = undefined }
  opening ??= openDB<KeptFiles>('sealed-notes-files', 1, {
    upgrade (database) {
      database.createObjectStore('files', { keyPath: ['documentId', 'fileId'] }).createIndex('usedAt', 'usedAt')
      database.createObjectStore('chunks')
    },
    terminated: again
  }).catch((error: unknown) => {
    again()
    throw error
  })
  return opening
}

const keyOf = ({ documentId, fileId }: FileOfDocument): [string, string] => [documentId, fileId]

/** Resolves when it is on the disk. Rejects if there is no room for it. */
export async function keepFile ({ documentId, fileId }: FileOfDocument, chunks: Chunks, isWaiting: boolean, most = room): Promise<void> {
  const transaction = (await open()).transaction(['files', 'chunks'], 'readwrite')
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0)
  await Promise.all([
    transaction.objectStore('files').put({ documentId, fileId, bytes, usedAt: Date.now(), isWaiting }),
    transaction.objectStore('chunks').put(chunks, [documentId, fileId]),
    transaction.done
  ])
  await makeRoom(most)
}

/** Undefined if it is not here. */
export async function keptChunks (file: FileOfDocument): Promise<Chunks | undefined> {
  const transaction = (await open()).transaction(['files', 'chunks'], 'readwrite')
  const files = transaction.objectStore('files')
  const [known, chunks] = await Promise.all([files.get(keyOf(file)), transaction.objectStore('chunks').get(keyOf(file))])
  if (known !== undefined) await files.put({ ...known, usedAt: Date.now() })
  await transaction.done
  return chunks
}

/** The files of a document that the server does not have yet. */
export async function waitingFiles (documentId: string): Promise<FileOfDocument[]> {
  return (await (await open()).getAll('files', ofDocument(documentId))).filter(({ isWaiting }) => isWaiting)
}

/** The server has it now. */
export async function noteSent (file: FileOfDocument): Promise<void> {
  const transaction = (await open()).transaction('files', 'readwrite')
  const known = await transaction.store.get(keyOf(file))
  if (known !== undefined) await transaction.store.put({ ...known, isWaiting: false })
  await transaction.done
}

export async function forgetFile (file: FileOfDocument): Promise<void> {
  const transaction = (await open()).transaction(['files', 'chunks'], 'readwrite')
  await Promise.all([transaction.objectStore('files').delete(keyOf(file)), transaction.objectStore('chunks').delete(keyOf(file)), transaction.done])
}

/** All files of a document. */
export async function forgetFiles (documentId: string): Promise<void> {
  const range = ofDocument(documentId)
  const transaction = (await open()).transaction(['files', 'chunks'], 'readwrite')
  await Promise.all([transaction.objectStore('files').delete(range), transaction.objectStore('chunks').delete(range), transaction.done])
}

/** Of keys, an array is behind each text. */
function ofDocument (documentId: string): IDBKeyRange {
  return IDBKeyRange.bound([documentId], [documentId, []])
}

/** Those that were not used for longest go first. */
async function makeRoom (most: number): Promise<void> {
  const byUse = (await (await open()).getAllFromIndex('files', 'usedAt')).filter(({ isWaiting }) => !isWaiting)
  let bytes = byUse.reduce((sum, file) => sum + file.bytes, 0)
  for (const file of byUse) {
    if (bytes <= most) return
    await forgetFile(file)
    bytes -= file.bytes
  }
}
