/**
 * What the app itself keeps on this device, in IndexedDB. Texts are kept by the client: `sync/storage.ts`.
 * - `settings`: the session and this device's key pair
 * - `documents`: the list of documents, each with its keys
 * - `contents`, `changes`: texts of an earlier version: `earlier-version.ts`
 */
let opening: Promise<IDBDatabase> | undefined

function open (): Promise<IDBDatabase> {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('sealed-notes', 1)
    request.onupgradeneeded = () => {
      const database = request.result
      database.createObjectStore('settings')
      database.createObjectStore('documents', { keyPath: 'id' })
      database.createObjectStore('contents')
      database.createObjectStore('changes', { autoIncrement: true }).createIndex('documentId', 'documentId')
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('IndexedDB is not available'))
  })
  return opening
}

export type StoreName = 'settings' | 'documents' | 'contents' | 'changes'

/** Runs `work` in one transaction and gives its result once the transaction is complete: not before it is on the disk. */
export async function transact<T> (
  stores: StoreName[], mode: IDBTransactionMode, work: (transaction: IDBTransaction) => IDBRequest<T>
): Promise<T> {
  const database = await open()
  return await new Promise((resolve, reject) => {
    const transaction = database.transaction(stores, mode)
    const request = work(transaction)
    transaction.oncomplete = () => resolve(request.result)
    transaction.onabort = () => reject(transaction.error ?? new Error('The transaction was aborted'))
  })
}

export function read<T> (store: StoreName, key: IDBValidKey): Promise<T | undefined> {
  return transact<T | undefined>([store], 'readonly', (transaction) => transaction.objectStore(store).get(key))
}

export async function write (store: StoreName, value: unknown, key?: IDBValidKey): Promise<void> {
  await transact([store], 'readwrite', (transaction) => transaction.objectStore(store).put(value, key))
}
