import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Snapshot, UpdateClocks } from '../../lib/index.ts'
import { snapshotChange, updateChange } from '../../lib/protocol/changes.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { recount, type Counts } from '../../lib/stores/counts.ts'
import { PrismaStore } from '../../lib/stores/prisma.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'
import { Version01 } from '../fixtures/version-0.1.ts'

const [ada, bob] = [new Author(), new Author()]

async function open (t: Test) {
  const { connectionString } = await createDatabase(t)
  const db = new AdapterClient(new PrismaPg({ connectionString }))
  t.teardown(() => db.close())
  return { db, store: new PrismaStore(db), old: new Version01(db), connectionString }
}

interface Row extends Counts {
  isCounted: boolean
}

/** The numbers in the row, and those that a count of the data gives. */
async function countsOf (db: AdapterClient): Promise<{ row: Row | undefined, counted: Counts | undefined }> {
  const [row] = await db.$queryRaw<Row[]>`
    SELECT counted_version = version AS "isCounted", snapshot_count::float8 AS snapshots, update_count::float8 AS updates, kept_bytes::float8 AS "keptBytes",
      active_updates::float8 AS "activeUpdates", active_update_bytes::float8 AS "activeUpdateBytes", active_snapshot_bytes::float8 AS "activeSnapshotBytes"
    FROM secsync_document`
  const [counted] = await db.$queryRaw<Counts[]>`
    SELECT (SELECT count(*)::float8 FROM secsync_snapshot) AS snapshots, (SELECT count(*)::float8 FROM secsync_update) AS updates,
      (SELECT sum(length(convert_to(data, 'UTF8')))::float8 FROM (SELECT data FROM secsync_snapshot UNION ALL SELECT data FROM secsync_update) stored) AS "keptBytes",
      (SELECT count(*)::float8 FROM secsync_update WHERE snapshot_id = active_snapshot_id) AS "activeUpdates",
      (SELECT coalesce(sum(length(convert_to(data, 'UTF8'))), 0)::float8 FROM secsync_update WHERE snapshot_id = active_snapshot_id) AS "activeUpdateBytes",
      (SELECT sum(length(convert_to(data, 'UTF8')))::float8 FROM secsync_snapshot WHERE id = active_snapshot_id) AS "activeSnapshotBytes"
    FROM secsync_document`
  return { row, counted }
}

const idOf = ({ publicData }: Snapshot) => publicData.snapshotId
const documentId = 'ü 文書'

t.test('every write counts what it stores, in its statement', async (t) => {
  const { db, store } = await open(t)
  let parent: Snapshot | undefined
  let clocks: UpdateClocks = {}
  for (let round = 0; round < 4; round++) {
    const snapshot = ada.snapshot(documentId, { parent, clocks, content: 'x'.repeat(round * 1000) })
    await store.saveSnapshot(documentId, snapshotChange(snapshot))
    const saveUpdates = (...updates: Array<[Author, number]>) => store.saveUpdates(documentId, updates.map(([author, clock]) =>
      updateChange(author.update(documentId, idOf(snapshot), clock, 'y'.repeat(clock * 100)))))
    await saveUpdates([ada, 0])
    await saveUpdates([ada, 1], [bob, 0], [ada, 2])
    // Nothing that is refused or sent twice counts.
    await t.rejects(saveUpdates([ada, 2]))
    await store.saveSnapshot(documentId, snapshotChange(snapshot))
    await t.rejects(store.saveSnapshot(documentId, snapshotChange(ada.snapshot(documentId, { parent: snapshot }))))
    parent = snapshot
    clocks = { [ada.publicKey]: 2, [bob.publicKey]: 0 }
    const { row, counted } = await countsOf(db)
    t.strictSame(row, { isCounted: true, ...counted })
    t.strictSame(await recount(db, documentId), counted, 'a recount changes nothing')
    t.strictSame((await countsOf(db)).row, row)
  }
})

t.test('what version 0.1 writes beside makes the numbers unknown, and a recount corrects them', async (t) => {
  const { db, store, old } = await open(t)
  const first = ada.snapshot(documentId)
  t.equal(await old.createSnapshot({ snapshot: first }), 1)
  t.equal(await old.createUpdate({ update: ada.update(documentId, idOf(first), 0) }), 2)
  t.equal(await store.saveUpdates(documentId, [updateChange(ada.update(documentId, idOf(first), 1))]), 3)
  t.match((await countsOf(db)).row, { isCounted: false, updates: 1 })
  for (const write of [
    async () => {},
    async () => { await store.saveUpdates(documentId, [updateChange(bob.update(documentId, idOf(first), 0))]) },
    async () => { await old.createUpdate({ update: bob.update(documentId, idOf(first), 1) }) },
    async () => {
      const clocks = { [ada.publicKey]: 1, [bob.publicKey]: 1 }
      await old.createSnapshot({ snapshot: ada.snapshot(documentId, { parent: first, clocks }) })
    }
  ]) {
    await write()
    const { counted } = await countsOf(db)
    t.strictSame(await recount(db, documentId), counted)
    t.strictSame((await countsOf(db)).row, { isCounted: true, ...counted })
  }
})

t.test('a snapshot that version 0.1 has stored is recognised when it is sent again', async (t) => {
  const { store, old } = await open(t)
  const snapshot = ada.snapshot(documentId)
  await old.createSnapshot({ snapshot })
  t.equal(await store.saveSnapshot(documentId, snapshotChange(snapshot)), 1)
  const other = ada.snapshot(documentId, { additional: { snapshotId: idOf(snapshot) } })
  await t.rejects(store.saveSnapshot(documentId, snapshotChange(other)), { code: 'FST_SECSYNC_SNAPSHOT_ID_TAKEN' })
})

t.test('a snapshot is recognised when its text was removed', async (t) => {
  const { db, store } = await open(t)
  const [first, second] = [ada.snapshot(documentId), ada.snapshot(documentId)]
  await store.saveSnapshot(documentId, snapshotChange(first))
  const child = ada.snapshot(documentId, { parent: first })
  await store.saveSnapshot(documentId, snapshotChange(child))
  await db.$queryRaw`WITH pruned AS (UPDATE secsync_snapshot SET data = NULL WHERE id = ${idOf(first)} RETURNING 1) SELECT 1`
  t.equal(await store.saveSnapshot(documentId, snapshotChange(first)), 1)
  await t.rejects(store.saveSnapshot(documentId, snapshotChange(second)), { name: 'SecsyncSnapshotBasedOnOutdatedSnapshotError' })
  t.match(await store.load(documentId, { mode: 'delta', knownSnapshotId: idOf(first) }), { snapshotProofChain: new RegExp(idOf(child)) })
})

t.test('a recount of a document that is being written, by both versions, ends with the right numbers', async (t) => {
  const { db, store, old } = await open(t)
  let parent = ada.snapshot(documentId)
  await old.createSnapshot({ snapshot: parent })
  const writing = (async () => {
    for (let round = 0; round < 5; round++) {
      for (let clock = 0; clock < 20; clock++) {
        await store.saveUpdates(documentId, [updateChange(ada.update(documentId, idOf(parent), clock))])
        if (clock % 7 === round) await old.createUpdate({ update: bob.update(documentId, idOf(parent), Math.floor(clock / 7)) })
      }
      const bobs = Math.floor((19 - round) / 7)
      const snapshot = ada.snapshot(documentId, { parent, clocks: { [ada.publicKey]: 19, [bob.publicKey]: bobs } })
      await store.saveSnapshot(documentId, snapshotChange(snapshot))
      parent = snapshot
    }
  })()
  const state = { isWriting: true }
  writing.finally(() => { state.isWriting = false }).catch(() => {})
  let recounts = 0
  for (; state.isWriting; recounts++) {
    await recount(db, documentId)
    const { row, counted } = await countsOf(db)
    // Nobody wrote between the two queries, and version 0.1 did not since the recount.
    if (row?.isCounted && row.updates === counted?.updates && row.snapshots === counted.snapshots) t.strictSame(row, { isCounted: true, ...counted })
  }
  await writing
  t.ok(recounts > 3)
  const { counted } = await countsOf(db)
  t.strictSame(await recount(db, documentId), counted)
})

t.test('a recount begins anew after a write that it cannot account for', async (t) => {
  const { db, store, connectionString } = await open(t)
  const parent = ada.snapshot(documentId)
  await store.saveSnapshot(documentId, snapshotChange(parent))
  const other = new pg.Client({ connectionString })
  await other.connect()
  t.teardown(() => other.end())
  const whileItWaits = async (maxTries: number) => {
    await other.query('BEGIN')
    await other.query('UPDATE secsync_document SET version = version + 1')
    const counting = recount(db, documentId, maxTries)
    counting.catch(() => {})
    const waiting = 'SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()'
    while ((await other.query(waiting)).rowCount === 0);
    await other.query('COMMIT')
    return await counting
  }
  await t.rejects(whileItWaits(1), { code: 'FST_SECSYNC_COUNTS_UNAVAILABLE' })
  const counts = await whileItWaits(2)
  t.strictSame(counts, (await countsOf(db)).counted)
})

t.test('what is not there is not counted', async (t) => {
  const { db } = await open(t)
  t.equal(await recount(db, 'none'), undefined)
})
