import type { IDBPTransaction } from 'idb'
import { complete, Database, isFull, type Connection, type Schema } from './database.ts'
import { beginSession, livingSessions, type Session } from './session.ts'
import type { ClientStorage, OutboxEntry, StorageWrite, StoredDocument, StoredState } from './storage.ts'

type Store = 'outbox' | 'states' | 'snapshots' | 'updates'
type Transaction = IDBPTransaction<Schema, Store[], 'readwrite'>

const stores: Store[] = ['outbox', 'states', 'snapshots', 'updates']
const outboxOnly: Store[] = ['outbox']

export interface IndexedDbOptions {
  /** Of the database. Default: `fastify-secsync`. Users of one browser profile that must not find each other's documents have one each. */
  name?: string | undefined
}

/**
 * Keeps documents in the browser, in a database that all tabs share. Where there is none, `open` rejects: the client says so in its state and goes
 * on in memory.
 *
 * ```ts
 * openDocument({ storage: indexedDbStorage(), … })
 * ```
 */
export function indexedDbStorage ({ name = 'fastify-secsync' }: IndexedDbOptions = {}): ClientStorage {
  const open = new Set<IndexedDbDocument>()
  const database = new Database(name, () => { for (const document of open) void document.restore() })
  return {
    isPersistent: true,
    async open (documentId) {
      await database.run(async () => {})
      const session = await beginSession()
      const document = new IndexedDbDocument(database, documentId, session, () => {
        session.end()
        if (open.delete(document) && open.size === 0) database.close()
      })
      open.add(document)
      return document
    }
  }
}

class IndexedDbDocument implements StoredDocument {
  readonly #database: Database
  readonly #documentId: string
  readonly #session: Session
  readonly #end: () => void
  /** What of this session is in the database. */
  readonly #entries = new Map<string, OutboxEntry>()
  /** On which that was written. When the next one is opened, the database may have been deleted in between. */
  #connection: Connection | undefined

  constructor (database: Database, documentId: string, session: Session, end: () => void) {
    this.#database = database
    this.#documentId = documentId
    this.#session = session
    this.#end = end
  }

  /** Everything of this document in a store whose keys begin with its id. */
  get #range (): IDBKeyRange {
    return IDBKeyRange.bound([this.#documentId], [this.#documentId, []])
  }

  readState (): Promise<StoredState | undefined> {
    return this.#database.run(async (connection) => {
      const transaction = connection.transaction(['states', 'snapshots', 'updates'])
      const [state, snapshot, updates] = await Promise.all([
        transaction.objectStore('states').get(this.#documentId),
        transaction.objectStore('snapshots').get(this.#documentId),
        transaction.objectStore('updates').getAll(this.#range)
      ])
      if (state === undefined || snapshot === undefined) return undefined
      return {
        snapshotId: state.snapshotId,
        snapshot: snapshot.text,
        updates: updates.map(({ author, clock, text }) => ({ author, clock, text }))
      }
    })
  }

  adopt (): Promise<OutboxEntry[]> {
    // Also what was adopted by a transaction of which this session has not heard.
    const isNew = ({ id, session }: { id: string, session: string }) => session !== this.#session.id || !this.#entries.has(id)
    return this.#database.run(async (connection) => {
      const left = (await connection.getAll('outbox', this.#range)).filter(isNew)
      if (left.length === 0) return []
      // Asked after reading: a session writes only while it is alive, so that one that had written and is not alive has ended.
      const living = await livingSessions()
      const ended = new Set(left.map(({ session }) => session).filter((session) => session === this.#session.id || !living.has(session)))
      const transaction = connection.transaction('outbox', 'readwrite', { durability: 'strict' })
      const adopted = (await transaction.store.getAll(this.#range)).filter((entry) => ended.has(entry.session) && isNew(entry))
      await complete(transaction, (add) => {
        for (const entry of adopted) add(transaction.store.put({ ...entry, session: this.#session.id }))
      })
      const entries = adopted.map(({ id, kind, text, snapshotInfo }) => ({ id, kind, text, snapshotInfo }))
      for (const entry of entries) this.#entries.set(entry.id, entry)
      return entries
    })
  }

  async write (write: StorageWrite): Promise<void> {
    try {
      await this.#database.run((connection) => this.#write(connection, write))
    } catch (error) {
      if (!isFull(error)) throw error
      // The server has the state. There may still be room for what it has not.
      await this.#database.run((connection) => this.#write(connection, { put: write.put, delete: write.delete }))
    }
  }

  async #write (connection: Connection, { put = [], delete: gone = [], snapshot, updates }: StorageWrite): Promise<void> {
    const isKnown = connection === this.#connection
    for (const entry of put) this.#entries.set(entry.id, entry)
    const entries = isKnown ? put : [...this.#entries.values()].filter(({ id }) => !gone.includes(id))
    const hasState = snapshot !== undefined || updates !== undefined
    if (entries.length === 0 && gone.length === 0 && !hasState) return
    const transaction = connection.transaction(hasState ? stores : outboxOnly, 'readwrite', {
      // What is not sent at once must survive a power failure, too.
      durability: entries.some(({ kind }) => kind === 'change') ? 'strict' : 'default'
    })
    await complete(transaction, async (add) => {
      const outbox = transaction.objectStore('outbox')
      for (const id of gone) add(outbox.delete([this.#documentId, id]))
      for (const entry of entries) add(outbox.put({ ...entry, documentId: this.#documentId, session: this.#session.id }))
      // Else no answer is waited for: the page may be about to end.
      if (hasState) await this.#writeState(transaction, add, snapshot, updates)
    })
    for (const id of gone) this.#entries.delete(id)
    this.#connection = connection
  }

  async #writeState (transaction: Transaction, add: (request: Promise<unknown>) => void, snapshot: StorageWrite['snapshot'], updates: StorageWrite['updates']) {
    const documentId = this.#documentId
    const states = transaction.objectStore('states')
    let stored = (await states.get(documentId))?.snapshotId
    if (snapshot !== undefined && stored === snapshot.replaces) {
      stored = snapshot.snapshotId
      add(states.put({ documentId, snapshotId: stored }))
      add(transaction.objectStore('snapshots').put({ documentId, text: snapshot.text }))
      add(transaction.objectStore('updates').delete(this.#range))
    }
    if (updates === undefined || stored !== updates.snapshotId) return
    const store = transaction.objectStore('updates')
    for (const update of updates.updates) add(store.put({ ...update, documentId }))
  }

  /** Writes anew what may have been deleted. If it fails now, it is part of the next write. */
  async restore (): Promise<void> {
    if (this.#entries.size > 0) await this.write({}).catch(() => {})
  }

  async close (): Promise<void> {
    this.#end()
  }

  async remove (): Promise<void> {
    this.#entries.clear()
    await this.#database.run(async (connection) => {
      const transaction = connection.transaction(stores, 'readwrite')
      await complete(transaction, (add) => {
        add(transaction.objectStore('outbox').delete(this.#range))
        add(transaction.objectStore('states').delete(this.#documentId))
        add(transaction.objectStore('snapshots').delete(this.#documentId))
        add(transaction.objectStore('updates').delete(this.#range))
      })
    })
  }
}
