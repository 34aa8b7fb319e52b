import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { OutboxEntry, StoredUpdate } from './storage.ts'

/** All keys begin with the id of the document. */
export interface Schema extends DBSchema {
  /** The snapshot that is stored of a document. Small: it is read before each write of the state. */
  states: { key: string, value: { documentId: string, snapshotId: string } }
  snapshots: { key: string, value: { documentId: string, text: string } }
  updates: { key: [string, string, number], value: StoredUpdate & { documentId: string } }
  outbox: { key: [string, string], value: KeptEntry }
}

export interface KeptEntry extends OutboxEntry {
  documentId: string
  session: string
}

export type Connection = IDBPDatabase<Schema>

const version = 1

/** A database that browsers close whenever they like (iOS in the background, any when site data is deleted): it is opened again when it is needed. */
export class Database {
  readonly #name: string
  readonly #onLost: () => void
  #connection: Promise<Connection> | undefined

  /** `onLost`: the connection has ended, perhaps with all data. */
  constructor (name: string, onLost: () => void) {
    this.#name = name
    this.#onLost = onLost
  }

  /** Runs an operation, a second time on a new connection if it fails. It may have taken effect the first time, so that it must be safe to repeat. */
  async run<T> (operation: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.#connection ??= this.#open()
    try {
      return await operation(await connection)
    } catch (error) {
      if (isFull(error)) throw error
      this.#drop(connection)
    }
    return await operation(await (this.#connection ??= this.#open()))
  }

  close (): void {
    if (this.#connection !== undefined) this.#drop(this.#connection)
  }

  #open (): Promise<Connection> {
    const lost = () => {
      if (this.#drop(connection)) this.#onLost()
    }
    const connection = openConnection(this.#name, lost)
    connection.catch(() => this.#drop(connection))
    return connection
  }

  /** What still runs on it ends first. False: it was not in use any more. */
  #drop (connection: Promise<Connection>): boolean {
    const wasUsed = this.#connection === connection
    if (wasUsed) this.#connection = undefined
    connection.then((connection) => connection.close(), () => {})
    return wasUsed
  }
}

/** Rejects where there is no IndexedDB. */
async function openConnection (name: string, lost: () => void): Promise<Connection> {
  return await openDB<Schema>(name, version, {
    upgrade (database) {
      database.createObjectStore('states', { keyPath: 'documentId' })
      database.createObjectStore('snapshots', { keyPath: 'documentId' })
      database.createObjectStore('updates', { keyPath: ['documentId', 'author', 'clock'] })
      database.createObjectStore('outbox', { keyPath: ['documentId', 'id'] })
    },
    // Another page wants to delete or upgrade it, and waits until everybody has closed it.
    blocking: lost,
    terminated: lost
  })
}

export function isFull (error: unknown): boolean {
  return error instanceof Error && error.name === 'QuotaExceededError'
}

interface Transaction {
  commit (): void
  abort (): void
  readonly done: Promise<void>
}

/**
 * Resolves when a transaction is stored with all requests that `fill` adds. When it rejects, nothing is stored. Of several errors it is the one
 * that says that the disk is full: the others are often only an `AbortError`.
 */
export async function complete (transaction: Transaction, fill: (add: (request: Promise<unknown>) => void) => void | Promise<void>): Promise<void> {
  const errors: unknown[] = []
  const parts: Array<Promise<unknown>> = []
  const add = (part: Promise<unknown>) => { parts.push(part.catch((error: unknown) => errors.push(error))) }
  add(transaction.done)
  try {
    await fill(add)
    // Does not wait for the answers: the page may be about to end.
    transaction.commit()
  } catch (error) {
    errors.push(error)
    try {
      transaction.abort()
    } catch {}
  }
  await Promise.all(parts)
  if (errors.length > 0) throw errors.find(isFull) ?? errors[0]
}
