import { transact } from './database.ts'

// Earlier versions of the app kept texts themselves: `contents` has the last known state of each document, `changes` what the
// server had not confirmed, all of it as Yjs updates. Such a copy is taken over when its document is opened, and stays until the server has all of it.

export interface EarlierCopy {
  /** Everything, changes that were not confirmed included. */
  updates: Uint8Array[]
  /** The keys of the unconfirmed changes. A tab that still runs the earlier version may add more. */
  changeKeys: IDBValidKey[]
}

interface StoredChange {
  documentId: string
  change: Uint8Array
}

/** Undefined if there is none. */
export async function readEarlierCopy (documentId: string): Promise<EarlierCopy | undefined> {
  const changes: Uint8Array[] = []
  const changeKeys: IDBValidKey[] = []
  const content = await transact<Uint8Array | undefined>(['contents', 'changes'], 'readonly', (transaction) => {
    const request = transaction.objectStore('changes').index('documentId').openCursor(documentId)
    request.onsuccess = () => {
      const cursor = request.result
      if (cursor === null) return
      changes.push((cursor.value as StoredChange).change)
      changeKeys.push(cursor.primaryKey)
      cursor.continue()
    }
    return transaction.objectStore('contents').get(documentId)
  })
  const updates = content === undefined ? changes : [content, ...changes]
  return updates.length === 0 ? undefined : { updates, changeKeys }
}

/** Deletes a copy that was read, or all that there is of a document. */
export async function forgetEarlierCopy (documentId: string, copy?: EarlierCopy): Promise<void> {
  const changeKeys = (copy ?? await readEarlierCopy(documentId))?.changeKeys ?? []
  await transact(['contents', 'changes'], 'readwrite', (transaction) => {
    for (const key of changeKeys) transaction.objectStore('changes').delete(key)
    return transaction.objectStore('contents').delete(documentId)
  })
}
