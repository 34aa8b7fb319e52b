import { complete, Database, isFull, type Connection, type KeptEntry } from './database.ts'
import { Rescue } from './rescue.ts'
import { beginSession, livingSessions, whenEnded, type Session } from './session.ts'
import type { ClientStorage, OutboxEntry, StorageWrite, StoredDocument, StoredState } from './storage.ts'

export interface IndexedDbOptions {
  /** Name of the database. Use one per user, if several users share a browser profile. @type string @default `fastify-secsync` */
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
    async open (documentId, onLeft) {
      await database.run(async () => {})
      const session = await beginSession()
      const end = () => {
        session.end()
        if (open.delete(document) && open.size === 0) database.close()
      }
      const document = new IndexedDbDocument({ database, rescue: new Rescue(name, documentId), documentId, session, onLeft, end })
      open.add(document)
      return document
    }
  }
}

interface DocumentSettings {
  database: Database
  documentId: string
  session: Session
  rescue: Rescue
  onLeft: (() => void) | undefined
  end: () => void
}

class IndexedDbDocument implements StoredDocument {
  readonly #database: Database
  readonly #documentId: string
  readonly #session: Session
  readonly #rescue: Rescue
  readonly #onLeft: (() => void) | undefined
  readonly #end: () => void
  /** What of this session is in the outbox, or will be. */
  readonly #entries = new Map<string, OutboxEntry>()
  /** Ids of those that are there for sure. */
  readonly #stored = new Set<string>()
  /** Those that were rescued. */
  #unstored: OutboxEntry[] | undefined
  /** On which that was written. When the next one is opened, the database may have been deleted in between. */
  #connection: Connection | undefined

  /** Sessions whose end is waited for. */
  readonly #watched = new Set<string>()

  constructor ({ database, documentId, session, rescue, onLeft, end }: DocumentSettings) {
    this.#database = database
    this.#documentId = documentId
    this.#session = session
    this.#rescue = rescue
    this.#onLeft = onLeft
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
    return this.#database.run(async (connection) => {
      const rescued = this.#rescue.read()
      rescued.delete(this.#session.id)
      const left = (await connection.getAll('outbox', this.#range)).filter((entry) => this.#isNew(entry))
      if (left.length === 0 && rescued.size === 0) return []
      // Asked after reading: a session writes only while it is alive, so that one that had written and is not alive has ended.
      const living = await livingSessions()
      const sessions = [...left.map(({ session }) => session), ...rescued.keys()]
      const ended = new Set(sessions.filter((session) => session === this.#session.id || !living.has(session)))
      for (const session of sessions) if (!ended.has(session)) this.#watch(session)
      const adopted = new Map<string, OutboxEntry>()
      const transaction = connection.transaction('outbox', 'readwrite', { durability: 'strict' })
      await complete(transaction, async (add) => {
        for (const entry of [...ended].flatMap((session) => rescued.get(session) ?? [])) adopted.set(entry.id, entry)
        for (const entry of await transaction.store.getAll(this.#range)) {
          if (ended.has(entry.session) && this.#isNew(entry)) adopted.set(entry.id, plain(entry))
          else adopted.delete(entry.id)
        }
        for (const entry of adopted.values()) add(transaction.store.put(this.#kept(entry)))
      })
      for (const entry of adopted.values()) this.#entries.set(entry.id, entry)
      for (const session of ended) this.#rescue.keep(session, [])
      return [...adopted.values()].sort((a, b) => a.id < b.id ? -1 : 1)
    })
  }

  /** A page that was closed or reloaded may still run for a moment. */
  #watch (session: string): void {
    if (this.#watched.has(session)) return
    this.#watched.add(session)
    whenEnded(session).then(() => this.#onLeft?.(), () => this.#watched.delete(session))
  }

  /** Of another session, or adopted by a transaction of which this session has not heard. */
  #isNew ({ id, session }: KeptEntry): boolean {
    return session !== this.#session.id || !this.#entries.has(id)
  }

  /** In two transactions, so that the outbox need not wait for an answer about the state. */
  async write ({ put = [], delete: gone = [], snapshot, updates }: StorageWrite): Promise<void> {
    for (const entry of put) this.#entries.set(entry.id, entry)
    await Promise.all([
      this.#database.run((connection) => this.#writeOutbox(connection, put, gone)),
      (snapshot ?? updates) !== undefined && this.#database.run((connection) => this.#writeState(connection, snapshot, updates)).catch((error: unknown) => {
        // What there is no room for, the server has.
        if (!isFull(error)) throw error
      })
    ])
  }

  async #writeOutbox (connection: Connection, put: OutboxEntry[], gone: string[]): Promise<void> {
    const isKnown = connection === this.#connection
    const entries = isKnown ? put : [...this.#entries.values()].filter(({ id }) => !gone.includes(id))
    if (entries.length > 0 || gone.length > 0) {
      // What is not sent at once must survive a power failure, too.
      const durability = entries.some(({ kind }) => kind === 'change') ? 'strict' : 'default'
      const transaction = connection.transaction('outbox', 'readwrite', { durability })
      await complete(transaction, (add) => {
        for (const id of gone) add(transaction.store.delete([this.#documentId, id]))
        for (const entry of entries) add(transaction.store.put(this.#kept(entry)))
      })
    }
    for (const { id } of entries) this.#stored.add(id)
    for (const id of gone) {
      this.#entries.delete(id)
      this.#stored.delete(id)
    }
    this.#connection = connection
    // The page has not ended.
    if (this.#unstored !== undefined) this.rescue(this.#unstored.filter(({ id }) => !gone.includes(id)))
  }

  rescue (entries: OutboxEntry[]): void {
    const unstored = entries.filter(({ id }) => !this.#stored.has(id))
    this.#unstored = unstored.length > 0 ? unstored : undefined
    this.#rescue.keep(this.#session.id, unstored)
  }

  #kept (entry: OutboxEntry): KeptEntry {
    return { ...entry, documentId: this.#documentId, session: this.#session.id }
  }

  async #writeState (connection: Connection, snapshot: StorageWrite['snapshot'], updates: StorageWrite['updates']): Promise<void> {
    const documentId = this.#documentId
    const transaction = connection.transaction(['states', 'snapshots', 'updates'], 'readwrite')
    await complete(transaction, async (add) => {
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
    })
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
    this.#rescue.clear()
    await this.#database.run(async (connection) => {
      const transaction = connection.transaction(['outbox', 'states', 'snapshots', 'updates'], 'readwrite')
      await complete(transaction, (add) => {
        add(transaction.objectStore('outbox').delete(this.#range))
        add(transaction.objectStore('states').delete(this.#documentId))
        add(transaction.objectStore('snapshots').delete(this.#documentId))
        add(transaction.objectStore('updates').delete(this.#range))
      })
    })
  }
}

function plain ({ id, kind, text, snapshotInfo }: KeptEntry): OutboxEntry {
  return { id, kind, text, snapshotInfo }
}
