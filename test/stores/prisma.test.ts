import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import * as secsync from 'secsync'
import t, { type Test } from 'tap'
import { createPrismaStore, type Snapshot, type StoreCallbacks, type UpdateClocks } from '../../lib/index.ts'
import { PrismaClient } from '../../lib/stores/direct-client.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author, signed, sodium } from '../fixtures/raw-client.ts'
import { storeSuite } from '../../lib/testing/store.ts'

const [ada, bob] = [new Author(), new Author()]

async function open (t: Test, connectionString?: string): Promise<StoreCallbacks> {
  connectionString ??= (await createDatabase(t)).connectionString
  const store = createPrismaStore({ adapter: new PrismaPg({ connectionString }) })
  t.teardown(() => store.close())
  return store
}

t.test('the suite of all stores, with an adapter', async (t) => {
  const store = await open(t)
  storeSuite((name, run) => t.test(name, run), () => store)
})

t.test("the suite of all stores, with the user's PrismaClient", async (t) => {
  const { connectionString } = await createDatabase(t)
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString }) })
  t.teardown(async () => await prisma.$disconnect())
  const store = createPrismaStore({ prisma })
  storeSuite((name, run) => t.test(name, run), () => store)
})

t.test('a snapshot that does not prove its parent is not stored', async (t) => {
  const store = await open(t)
  const parent = ada.snapshot('document')
  await store.createSnapshot({ snapshot: parent })
  const { publicData } = ada.snapshot('document', { parent })
  for (const parentSnapshotProof of [parent.publicData.parentSnapshotProof, secsync.hash('', sodium)]) {
    const forged = signed(ada, 'secsync_snapshot', { ...publicData, parentSnapshotProof }) as unknown as Snapshot
    await t.rejects(async () => await store.createSnapshot({ snapshot: forged }), { code: 'FST_SECSYNC_SNAPSHOT_PROOF_INVALID' })
  }
  const initial = signed(ada, 'secsync_snapshot', { ...ada.snapshot('other').publicData, parentSnapshotProof: publicData.parentSnapshotProof })
  await t.rejects(async () => await store.createSnapshot({ snapshot: initial as unknown as Snapshot }), { code: 'FST_SECSYNC_SNAPSHOT_PROOF_INVALID' })
})

t.test('a snapshot with an id that the document has is refused, and the same bytes are taken for stored', async (t) => {
  const store = await open(t)
  const first = ada.snapshot('document')
  const second = ada.snapshot('document', { parent: first })
  for (const snapshot of [first, second]) await store.createSnapshot({ snapshot })
  for (const snapshotId of [first, second].map(({ publicData }) => publicData.snapshotId)) {
    const taken = ada.snapshot('document', { parent: second, additional: { snapshotId } })
    await t.rejects(async () => await store.createSnapshot({ snapshot: taken }), { code: 'FST_SECSYNC_SNAPSHOT_ID_TAKEN' })
  }
  for (const snapshot of [second, first]) t.strictSame(await store.createSnapshot({ snapshot }), snapshot)
  t.strictSame((await store.getDocument({ documentId: 'document', mode: 'complete' }))?.snapshot, second)
})

t.test('a database that fails is told from a document that is not there', async (t) => {
  const { connectionString, drop } = await createDatabase(t)
  const store = await open(t, connectionString)
  await drop()
  await t.rejects(async () => await store.getDocument({ documentId: 'document', mode: 'complete' }), { code: 'FST_SECSYNC_DATABASE_FAILED' })
  await t.rejects(async () => await store.createSnapshot({ snapshot: ada.snapshot('document') }))
  await t.rejects(async () => await store.createUpdate({ update: ada.update('document', 'snapshot', 0) }))
})

t.test('a database that could not be reached is tried again by the next one who asks', async (t) => {
  const { connectionString } = await createDatabase(t)
  const adapter = new PrismaPg({ connectionString })
  let isAway = true
  const store = createPrismaStore({
    adapter: Object.assign(Object.create(adapter) as PrismaPg, {
      connect: async () => isAway ? Promise.reject(new Error('away')) : await adapter.connect()
    })
  })
  t.teardown(() => store.close())
  const load = async () => await store.getDocument({ documentId: 'document', mode: 'complete' })
  await t.rejects(load, { code: 'FST_SECSYNC_DATABASE_FAILED' })
  isAway = false
  t.strictSame(await load(), { updates: [] })
})

// Two stores on connections of their own write one document as two processes would.

interface Writing {
  store: StoreCallbacks
  acknowledged: Set<string>
  conflicts: number
}

/** Where the document stands, as its authors know it. */
async function cursorOf (store: StoreCallbacks): Promise<{ snapshot: Snapshot, clocks: UpdateClocks }> {
  const { snapshot, updates } = await store.getDocument({ documentId: 'document', mode: 'complete' }) ?? { updates: [] }
  return { snapshot: snapshot!, clocks: Object.fromEntries(updates.map(({ publicData: { pubKey, clock } }) => [pubKey, clock])) }
}

/** Writes until so many updates are acknowledged, and starts anew from what the store has after each conflict. */
async function writeUpdates ({ store, acknowledged, ...writing }: Writing, author: Author, count: number): Promise<number> {
  let { conflicts } = writing
  while (count > 0) {
    const { snapshot, clocks } = await cursorOf(store)
    let clock = (clocks[author.publicKey] ?? -1) + 1
    try {
      for (; count > 0; clock++) {
        const update = author.update('document', snapshot.publicData.snapshotId, clock)
        await store.createUpdate({ update })
        acknowledged.add(update.signature)
        count--
      }
    } catch {
      conflicts++
    }
  }
  return conflicts
}

async function writeSnapshots ({ store, acknowledged, ...writing }: Writing, author: Author, count: number): Promise<number> {
  let { conflicts } = writing
  while (count > 0) {
    const { snapshot: parent, clocks } = await cursorOf(store)
    const snapshot = author.snapshot('document', { parent, clocks })
    try {
      await store.createSnapshot({ snapshot })
      acknowledged.add(snapshot.signature)
      count--
    } catch {
      conflicts++
    }
  }
  return conflicts
}

t.test('two stores that write one document at once lose no update under a snapshot, and give no clock twice', async (t) => {
  const { connectionString } = await createDatabase(t)
  const stores = await Promise.all([open(t, connectionString), open(t, connectionString)])
  const initial = ada.snapshot('document')
  await stores[0]!.createSnapshot({ snapshot: initial })
  const acknowledged = new Set([initial.signature])
  const shared = new Author()
  const conflicts = await Promise.all(stores.flatMap((store) => {
    const writing = { store, acknowledged, conflicts: 0 }
    // The author `shared` writes on both sides: the same clocks are tried twice all the time.
    return [writeUpdates(writing, new Author(), 60), writeUpdates(writing, shared, 60), writeSnapshots(writing, bob, 8)]
  }))
  t.ok(conflicts.reduce((sum, count) => sum + count) > 0, 'they were in each other\'s way')

  const client = new pg.Client({ connectionString })
  await client.connect()
  t.teardown(async () => await client.end())
  const rows = async (sql: string) => (await client.query<{ data: string, id: string }>(sql)).rows
  const snapshots = (await rows('SELECT data, id FROM secsync_snapshot ORDER BY version')).map(({ data }) => JSON.parse(data) as Snapshot)
  const updates = (await rows('SELECT data, snapshot_id AS id FROM secsync_update ORDER BY version'))
    .map(({ data }) => JSON.parse(data) as secsync.Update)
  t.equal(snapshots.length, 17)
  t.equal(updates.length, 240)
  t.strictSame(new Set([...snapshots, ...updates].map(({ signature }) => signature)), acknowledged, 'all that was acknowledged is there, and nothing else')

  for (const [index, snapshot] of snapshots.entries()) {
    const clocks: UpdateClocks = {}
    for (const { publicData: { refSnapshotId, pubKey, clock } } of updates) {
      if (refSnapshotId !== snapshot.publicData.snapshotId) continue
      if (clock !== (clocks[pubKey] ?? -1) + 1) t.fail(`clock ${clock} of ${pubKey} after ${clocks[pubKey]}`)
      clocks[pubKey] = clock
    }
    const child = snapshots[index + 1]
    if (child === undefined) continue
    t.equal(child.publicData.parentSnapshotId, snapshot.publicData.snapshotId)
    t.strictSame(child.publicData.parentSnapshotUpdateClocks, clocks, 'no update is lost under a snapshot')
  }
})
