import type { CreateSnapshot, CreateUpdate, GetDocument } from '../callbacks.ts'
import type { SecsyncOptions } from '../options.ts'
import { snapshotChange, updateChange } from '../protocol/changes.ts'
import type { AdditionalAuthenticationDataValidations, NoValidations, Snapshot, Update } from '../protocol/messages.ts'
import type { SnapshotProofChainEntry } from '../protocol/proof.ts'
import { AdapterClient } from './adapter.ts'
import { CachedLoads } from './cached.ts'
import { CallbackStore, type WrongAnswer } from './callbacks.ts'
import type { Gap } from './gaps.ts'
import { checkDatabase } from './check-database.ts'
import { PrismaStore, type PrismaClientLike } from './prisma.ts'
import { SqliteStore } from './sqlite.ts'
import type { LoadedDocument, Store } from './store.ts'

export interface StoreCallbacks<A extends AdditionalAuthenticationDataValidations = NoValidations> {
  getDocument: GetDocument<A>
  createSnapshot: CreateSnapshot<A>
  createUpdate: CreateUpdate<A>
}

export interface ResolvedStore {
  store: Store
  callbacks: StoreCallbacks
  /** Closes the connections of the option `adapter`. The client of the option `prisma` stays open. */
  close (): Promise<void>
  /**
   * Rejects when the database that is used can never serve documents; with another error, when it cannot be asked now. `undefined` if all
   * callbacks are the user's.
   */
  check: (() => Promise<void>) | undefined
  /** The database. `undefined` if all callbacks are the user's. */
  db: StoreDatabase | undefined
}

export interface StoreDatabase {
  dialect: 'postgres' | 'sqlite'
  client: PrismaClientLike
}

/** Uses the Prisma store for each of the three callbacks that the user did not pass. Its JSON is not parsed. */
export function resolveStore (
  options: Pick<SecsyncOptions, 'adapter' | 'prisma' | keyof StoreCallbacks>, maxCachedBytes: number, onGap?: (gap: Gap) => void,
  onWrongAnswer?: (answer: WrongAnswer) => void
): ResolvedStore {
  const { getDocument, createSnapshot, createUpdate } = options
  if (getDocument && createSnapshot && createUpdate) {
    const callbacks = { getDocument, createSnapshot, createUpdate }
    return { store: new CallbackStore(callbacks, onWrongAnswer), callbacks, async close () {}, check: undefined, db: undefined }
  }
  const { store: ownStore, check, db, close } = storeOf(options, onGap)
  const defaults = callbacksOf(ownStore)
  const callbacks = {
    getDocument: getDocument ?? defaults.getDocument,
    createSnapshot: createSnapshot ?? defaults.createSnapshot,
    createUpdate: createUpdate ?? defaults.createUpdate
  }
  const callbackStore = new CallbackStore(callbacks, onWrongAnswer)
  const loads = getDocument ? callbackStore : new CachedLoads(ownStore, maxCachedBytes)
  const snapshots = createSnapshot ? callbackStore : ownStore
  const updates = createUpdate ? callbackStore : ownStore
  const isCounted = !getDocument && !createSnapshot && !createUpdate
  const counts = (version: number | undefined) => isCounted ? version : undefined
  const store: Store = {
    groupsUpdates: updates.groupsUpdates,
    sharesLoads: loads.sharesLoads,
    // Versions need all three functions: a snapshot saved by a callback would have no version.
    load: isCounted ? (...args) => loads.load(...args) : async (...args) => uncounted(await loads.load(...args)),
    saveUpdates: async (...args) => counts(await updates.saveUpdates(...args)),
    saveSnapshot: async (...args) => counts(await snapshots.saveSnapshot(...args))
  }
  return { store, callbacks, close, check, db }
}

/** Our store for the dialect of the adapter. */
function storeOf (
  options: Pick<SecsyncOptions, 'adapter' | 'prisma'>, onGap?: (gap: Gap) => void
): Pick<ResolvedStore, 'store' | 'check' | 'db' | 'close'> {
  if (options.adapter?.provider === 'sqlite') {
    const client = new AdapterClient(options.adapter)
    const store = new SqliteStore(client)
    return { store, check: () => store.check(), db: { dialect: 'sqlite', client }, close: () => client.close() }
  }
  const { prisma, close } = prismaOf(options)
  return { store: new PrismaStore(prisma, onGap), check: () => checkDatabase(prisma), db: { dialect: 'postgres', client: prisma }, close }
}

function uncounted (document: LoadedDocument | undefined): LoadedDocument | undefined {
  if (document === undefined) return undefined
  const { version: _, ...cursor } = document.cursor
  return { ...document, cursor }
}

/** The Prisma store as the three callbacks, for an override that wraps one of them. */
export function createPrismaStore<A extends AdditionalAuthenticationDataValidations = NoValidations> (
  options: Pick<SecsyncOptions, 'adapter' | 'prisma'>
): StoreCallbacks<A> & { close (): Promise<void> } {
  const { callbacks, close } = resolveStore(options, 0)
  return { ...callbacks, close }
}

/** The user's PrismaClient, or one on the adapter. What was made here is closed by `close`. */
export function prismaOf ({ adapter, prisma }: Pick<SecsyncOptions, 'adapter' | 'prisma'>): { prisma: PrismaClientLike, close (): Promise<void> } {
  if (prisma) return { prisma, async close () {} }
  const client = new AdapterClient(adapter!)
  return { prisma: client, close: () => client.close() }
}

function callbacksOf (store: Store): StoreCallbacks {
  return {
    async getDocument ({ documentId, ...known }) {
      const document = await store.load(documentId, known)
      if (document === undefined) return undefined
      const { snapshot, snapshotProofChain, updates } = document
      return {
        ...snapshot && { snapshot: JSON.parse(snapshot) as Snapshot },
        ...snapshotProofChain && { snapshotProofChain: JSON.parse(snapshotProofChain) as SnapshotProofChainEntry[] },
        updates: JSON.parse(`[${updates}]`) as Update[]
      }
    },
    async createSnapshot ({ snapshot }) {
      await store.saveSnapshot(snapshot.publicData.docId, snapshotChange(snapshot))
      return snapshot
    },
    async createUpdate ({ update }) {
      await store.saveUpdates(update.publicData.docId, [updateChange(update)])
      return update
    }
  }
}
