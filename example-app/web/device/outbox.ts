import { transact } from './database.ts'
import { Signal } from '../ui/signal.ts'

interface StoredChange {
  documentId: string
  change: Uint8Array
}

/**
 * The changes made on this device that the server has not confirmed. Each is written to the disk when it is made, so that closing the
 * page, or the whole device, loses none.
 */
export class Outbox {
  readonly size = new Signal(0)
  readonly #documentId: string
  #nextNumber = 0
  /** By a number of our own, since the disk gives its key only later. */
  readonly #waiting = new Map<number, Promise<IDBValidKey | undefined>>()
  readonly #confirmed: Array<Promise<IDBValidKey | undefined>> = []

  constructor (documentId: string) {
    this.#documentId = documentId
  }

  /** What an earlier page left behind. */
  async load (): Promise<Uint8Array[]> {
    const changes: Uint8Array[] = []
    await transact(['changes'], 'readonly', (transaction) => {
      const request = transaction.objectStore('changes').index('documentId').openCursor(this.#documentId)
      request.onsuccess = () => {
        const cursor = request.result
        if (cursor === null) return
        changes.push((cursor.value as StoredChange).change)
        this.#waiting.set(this.#nextNumber++, Promise.resolve(cursor.primaryKey))
        cursor.continue()
      }
      return request
    })
    this.size.set(this.#waiting.size)
    return changes
  }

  add (change: Uint8Array): number {
    const number = this.#nextNumber++
    const stored: StoredChange = { documentId: this.#documentId, change }
    // Without a working disk the change still waits in memory and goes out with the connection.
    const key = transact(['changes'], 'readwrite', (transaction) => transaction.objectStore('changes').add(stored))
      .catch(() => undefined)
    this.#waiting.set(number, key)
    this.size.set(this.#waiting.size)
    return number
  }

  get numbers (): number[] {
    return [...this.#waiting.keys()]
  }

  confirm (numbers: Iterable<number>): void {
    for (const number of numbers) {
      const key = this.#waiting.get(number)
      if (key === undefined) continue
      this.#waiting.delete(number)
      this.#confirmed.push(key)
    }
    this.size.set(this.#waiting.size)
  }

  /** Writes the whole content, and removes the changes that were confirmed: not before, or a page without network would miss them. */
  async save (content: Uint8Array): Promise<void> {
    const keys = await Promise.all(this.#confirmed.splice(0))
    await transact(['contents', 'changes'], 'readwrite', (transaction) => {
      const changes = transaction.objectStore('changes')
      for (const key of keys) if (key !== undefined) changes.delete(key)
      return transaction.objectStore('contents').put(content, this.#documentId)
    })
  }
}
