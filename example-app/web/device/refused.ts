import { read, transact, write } from './database.ts'

/** Changes that the document did not take, since their author may only read it now, with all the text as this device had it. */
export interface RefusedChanges {
  count: number
  /** A Yjs update. */
  content: Uint8Array
}

// Beside the copies of earlier versions, whose keys are ids of documents: these have no space.
const keyOf = (documentId: string) => `refused ${documentId}`

export async function keepRefused (documentId: string, refused: RefusedChanges): Promise<void> {
  await write('contents', refused, keyOf(documentId))
}

export function readRefused (documentId: string): Promise<RefusedChanges | undefined> {
  return read<RefusedChanges>('contents', keyOf(documentId))
}

export async function forgetRefused (documentId: string): Promise<void> {
  await transact(['contents'], 'readwrite', (transaction) => transaction.objectStore('contents').delete(keyOf(documentId)))
}
