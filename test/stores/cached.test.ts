import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import { snapshotChange, updateChange } from '../../lib/protocol/changes.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { CachedLoads } from '../../lib/stores/cached.ts'
import { PrismaStore } from '../../lib/stores/prisma.ts'
import type { Known } from '../../lib/stores/store.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'

const [ada, bob] = [new Author(), new Author()]
const complete: Known = { mode: 'complete' }
/** Of an update, so that every document here is big enough to be kept. */
const content = 'x'.repeat(20_000)

/** A store that tells what it is asked for. */
class AskedStore extends PrismaStore {
  asked: Known[] = []

  override async load (documentId: string, known: Known) {
    this.asked.push(known)
    return await super.load(documentId, known)
  }
}

async function open (t: Test, maxBytes = 1_000_000) {
  const { connectionString } = await createDatabase(t)
  const client = new AdapterClient(new PrismaPg({ connectionString }))
  t.teardown(() => client.close())
  const store = new AskedStore(client)
  const uncached = new PrismaStore(client)
  const cached = new CachedLoads(store, maxBytes)
  return {
    store,
    /** Loads a document as it is without the cache, and tells how it was read. */
    async loads (documentId: string, known = complete): Promise<Array<Known['mode']>> {
      t.strictSame(await cached.load(documentId, known), await uncached.load(documentId, known))
      return store.asked.splice(0).map(({ mode }) => mode)
    },
    async create (documentId: string, parent?: ReturnType<Author['snapshot']>, clocks = {}) {
      const snapshot = ada.snapshot(documentId, { parent, clocks })
      await store.saveSnapshot(documentId, snapshotChange(snapshot))
      return snapshot
    },
    async write (author: Author, snapshot: ReturnType<Author['snapshot']>, ...clocks: number[]): Promise<void> {
      const { docId } = snapshot.publicData
      await store.saveUpdates(docId, clocks.map((clock) => updateChange(author.update(docId, idOf(snapshot), clock, content))))
    },
    async query (text: string): Promise<void> {
      const database = new pg.Client({ connectionString })
      await database.connect()
      await database.query(text)
      await database.end()
    }
  }
}

t.test('of a document that was loaded before only what is new is read, and it is the same', async (t) => {
  const { loads, create, write } = await open(t)
  const first = await create('document')
  await write(ada, first, 0)
  t.strictSame(await loads('document'), ['complete'])
  t.strictSame(await loads('document'), ['delta'], 'nothing new')
  await write(ada, first, 1, 2)
  await write(bob, first, 0)
  t.strictSame(await loads('document'), ['delta'], 'more of an author, and another author')
  await write(bob, first, 1)
  await write(ada, first, 3)
  t.strictSame(await loads('document'), ['delta'], 'in their order')
  const second = await create('document', first, { [ada.publicKey]: 3, [bob.publicKey]: 1 })
  await write(bob, second, 0)
  t.strictSame(await loads('document'), ['delta'], 'another snapshot')
  t.strictSame(await loads('document'), ['delta'])
  t.strictSame(await loads('document', { mode: 'delta', knownSnapshotId: idOf(first) }), ['delta'], 'who has something gets the proof')
  const third = await create('document', second, { [bob.publicKey]: 0 })
  t.strictSame(await loads('document'), ['delta'], 'a snapshot that is too small to be kept')
  t.strictSame(await loads('document'), ['complete'])
  await write(ada, third, 0)
  t.strictSame(await loads('document', { mode: 'delta' }), ['delta'], 'who has nothing gets everything')
  t.strictSame(await loads('document'), ['delta'])
})

t.test('a document that was deleted or set back is what the database says', async (t) => {
  const { loads, create, write, query } = await open(t)
  const snapshot = await create('document')
  await write(ada, snapshot, 0, 1)
  await loads('document')
  await query(`DELETE FROM secsync_update WHERE clock = 1; UPDATE secsync_document SET clocks = '{"${ada.publicKey}": 0}'`)
  t.strictSame(await loads('document'), ['delta', 'complete'], 'it was set back')
  t.strictSame(await loads('document'), ['delta'])
  await query('DELETE FROM secsync_document')
  t.strictSame(await loads('document'), ['delta'], 'it was deleted')
  t.strictSame(await loads('document'), ['complete'])
})

t.test('what the application adds to public data may look like the begin of an update', async (t) => {
  const { loads, create, store } = await open(t)
  const snapshot = await create('document')
  for (const [clock, additional] of [{ note: { ciphertext: 'no update' } }, { note: [{ ciphertext: '', nonce: '' }] }, {}].entries()) {
    await store.saveUpdates('document', [updateChange(ada.update('document', idOf(snapshot), clock, content, additional))])
    t.strictSame(await loads('document'), ['complete'], 'all is read: where the last update begins is not known')
  }
  t.strictSame(await loads('document'), ['delta'])
})

t.test('it keeps no more than it may, and what was loaded last', async (t) => {
  const { loads, create, write } = await open(t, 200_000)
  const ids = ['a', 'b', 'c', 'd'] as const
  const snapshots = Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await create(id)])))
  // About 2 × 27 kB each: three of them fit.
  for (const id of ids) await write(ada, snapshots[id]!, 0)
  for (const id of ['a', 'b', 'c']) t.strictSame(await loads(id), ['complete'])
  t.strictSame(await loads('a'), ['delta'])
  t.strictSame(await loads('d'), ['complete'])
  t.strictSame(await loads('b'), ['complete'], 'b had not been loaded for the longest time')
  for (const id of ['a', 'd', 'b']) t.strictSame(await loads(id), ['delta'])
  await write(ada, snapshots.a!, 1, 2, 3)
  t.strictSame(await loads('a'), ['delta'])
  t.strictSame(await loads('a'), ['complete'], 'a is too big now')
  for (const id of ['d', 'b']) t.strictSame(await loads(id), ['delta'], 'and takes nobody’s place')
})
