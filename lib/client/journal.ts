import type { Snapshot, Update } from '../protocol/messages.ts'
import type { Environment } from './environment.ts'
import type { ClientStorage, OutboxEntry, StorageWrite, StoredDocument, StoredState, StoredUpdate } from './storage/storage.ts'

/** Milliseconds that the device may take for one write before the client goes on in memory. */
const patience = 3000
/** Milliseconds before a device that has failed is tried again. */
const pause = 5000

interface JournalSettings {
  environment: Environment
  storage: ClientStorage
  documentId: string
  /** Another session has left something behind. */
  onLeft: () => void
  onChange: () => void
}

interface Opened {
  stored: StoredDocument
  state: StoredState | undefined
}

/** What is to be written together. */
interface Batch {
  put: Map<string, OutboxEntry>
  gone: Set<string>
  snapshot?: StorageWrite['snapshot']
  updates: StoredUpdate[]
  updatesOf: string
  done: Array<() => void>
}

/**
 * Writes to the device: one write after the other, what comes meanwhile together in the next. It never throws: when the device fails, all entries are
 * kept here, and written again when it works.
 */
export class Journal {
  readonly #settings: JournalSettings
  readonly #environment: Environment
  #opening: Promise<Opened> | undefined
  #stored: StoredDocument | undefined
  /** All entries that should be on the device. */
  readonly #entries = new Map<string, OutboxEntry>()
  /** The snapshot of the state on the device. */
  #stateOf: string | undefined
  #batch = emptyBatch()
  #writing: Promise<void> | undefined
  #failed = false
  #failedAt = -Infinity
  #endTimer: (() => void) | undefined
  /** Adopted, and not taken yet. */
  readonly #late: OutboxEntry[] = []

  constructor (settings: JournalSettings) {
    this.#settings = settings
    this.#environment = settings.environment
  }

  /** Whether the last write failed. */
  get hasFailed (): boolean {
    return this.#failed
  }

  has (id: string): boolean {
    return this.#entries.has(id)
  }

  /** What the device has kept of the document. */
  async open (): Promise<StoredState | undefined> {
    try {
      return (await this.#opened()).state
    } catch {
      this.#fail()
      return undefined
    }
  }

  /** One session for all, also for a write that comes while the device is opened. */
  #opened (): Promise<Opened> {
    this.#opening ??= this.#openNow().catch((error: unknown) => {
      // The next write tries again.
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #openNow (): Promise<Opened> {
    const { storage, documentId, onLeft } = this.#settings
    const opening = storage.open(documentId, onLeft)
    try {
      const stored = await this.#inTime(opening)
      const state = await this.#inTime(stored.readState())
      this.#stored = stored
      this.#stateOf = state?.snapshotId
      return { stored, state }
    } catch (error) {
      // A session that is not used must not seem to be alive.
      opening.then((stored) => stored.close()).catch(() => {})
      throw error
    }
  }

  /** Entries of sessions that have ended. */
  async adopt (): Promise<OutboxEntry[]> {
    if (this.#stored === undefined) return []
    const adopting = this.#stored.adopt()
    const adopted = await this.#inTime(adopting).catch(() => {
      // What comes too late belongs to this session all the same, and is taken the next time.
      adopting.then((entries) => this.#late.push(...entries), () => {})
      this.#fail()
      return []
    })
    const entries = [...this.#late.splice(0), ...adopted].filter(({ id }) => !this.#entries.has(id))
    for (const entry of entries) this.#entries.set(entry.id, entry)
    return entries
  }

  /** Resolves when the entry is on the device, or the device has failed to take it. `replaced`: ids of entries that it stands for. */
  keep (entry: OutboxEntry, replaced: readonly string[]): Promise<void> {
    this.forget(replaced)
    this.#entries.set(entry.id, entry)
    this.#batch.gone.delete(entry.id)
    this.#batch.put.set(entry.id, entry)
    return this.#written()
  }

  /** The page may be about to end: what is to be kept should be on the device although the write that is under way may not come to its end. */
  rescue (): void {
    this.#stored?.rescue?.([...this.#entries.values()])
  }

  forget (ids: readonly string[]): void {
    for (const id of ids) {
      this.#batch.put.delete(id)
      if (this.#entries.delete(id)) this.#batch.gone.add(id)
    }
    if (this.#batch.gone.size > 0) void this.#written()
  }

  snapshotTaken (message: Snapshot): void {
    const { snapshotId } = message.publicData
    const { replaces } = this.#batch.snapshot ?? { replaces: this.#stateOf }
    this.#batch.snapshot = { replaces, snapshotId, text: JSON.stringify(message) }
    this.#batch.updates = []
    this.#stateOf = snapshotId
    void this.#written()
  }

  updatesTaken (snapshotId: string, messages: readonly Update[]): void {
    if (messages.length === 0) return
    this.#batch.updatesOf = snapshotId
    for (const message of messages) {
      this.#batch.updates.push({ author: message.publicData.pubKey, clock: message.publicData.clock, text: JSON.stringify(message) })
    }
    void this.#written()
  }

  /** Resolves when the device has all that there is now, or has failed. */
  #written (): Promise<void> {
    return new Promise((resolve) => {
      this.#batch.done.push(resolve)
      this.#writing ??= this.#writeAll()
    })
  }

  async #writeAll (): Promise<void> {
    // What comes in this turn goes with it.
    await Promise.resolve()
    while (this.#batch.done.length > 0) {
      const batch = this.#batch
      this.#batch = emptyBatch()
      await this.#write(batch)
      for (const done of batch.done) done()
    }
    // Not a turn later: what comes in between would wait for ever.
    this.#writing = undefined
  }

  async #write (batch: Batch): Promise<void> {
    const later = () => { for (const id of batch.gone) this.#batch.gone.add(id) }
    if (this.#failed && this.#environment.now() < this.#failedAt + pause) return later()
    // The device may have taken anything or nothing of what was written when it failed.
    const put = this.#failed ? [...this.#entries.values()] : [...batch.put.values()]
    const { snapshot, updates, updatesOf } = batch
    try {
      const { stored } = await this.#opened()
      await this.#inTime(stored.write({
        ...put.length > 0 && { put },
        ...batch.gone.size > 0 && { delete: [...batch.gone] },
        ...snapshot && { snapshot },
        ...updates.length > 0 && { updates: { snapshotId: updatesOf, updates } }
      }))
      if (!this.#failed) return
      this.#failed = false
      this.#settings.onChange()
    } catch {
      later()
      this.#fail()
    }
  }

  #fail (): void {
    this.#failedAt = this.#environment.now()
    this.#endTimer?.()
    this.#endTimer = this.#environment.setTimer(() => { void this.#written() }, pause)
    if (this.#failed) return
    this.#failed = true
    this.#settings.onChange()
  }

  async #inTime<T> (promise: Promise<T>): Promise<T> {
    let end: (() => void) | undefined
    const timeout = new Promise<never>((_resolve, reject) => {
      end = this.#environment.setTimer(() => reject(new Error('The device does not answer')), patience)
    })
    try {
      return await Promise.race([promise, timeout])
    } finally {
      end?.()
    }
  }

  /** Resolves when all is on the device, or the device has failed. */
  async close (): Promise<void> {
    await this.#written()
    this.#endTimer?.()
    try {
      if (this.#stored !== undefined) await this.#inTime(this.#stored.close())
    } catch {}
  }
}

function emptyBatch (): Batch {
  return { put: new Map(), gone: new Set(), updates: [], updatesOf: '', done: [] }
}
