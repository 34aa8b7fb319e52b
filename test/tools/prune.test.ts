import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import { run } from '../../lib/cli/run.ts'
import { createPrismaStore, type Snapshot } from '../../lib/index.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { recount } from '../../lib/stores/counts.ts'
import { prune, type Retention } from '../../lib/stores/prune.ts'
import { readDocuments } from '../../lib/stores/rows.ts'
import { createChecker } from '../../lib/verify/checker.ts'
import { verify } from '../../lib/verify/verify.ts'
import { fill } from '../fixtures/fill.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'

const ada = new Author()

async function setUp (t: Test) {
  const { connectionString } = await createDatabase(t)
  const adapter = () => new PrismaPg({ connectionString })
  const client = new AdapterClient(adapter())
  const store = createPrismaStore({ adapter: adapter() })
  const pool = new pg.Pool({ connectionString })
  t.teardown(async () => await Promise.all([client.close(), store.close(), pool.end()]))
  const query = async (sql: string) => (await pool.query<Record<string, unknown>>(sql)).rows
  return {
    connectionString,
    client,
    store,
    query,
    /** Snapshots with their text, and the number of their updates, oldest first. */
    async kept (documentId = 'document') {
      return (await pool.query<{ text: boolean, updates: number }>(`
        SELECT data IS NOT NULL AS text, (SELECT count(*)::int FROM secsync_update u WHERE u.document_id = s.document_id AND snapshot_id = s.id) AS updates
        FROM secsync_snapshot s WHERE document_id = $1 ORDER BY version`, [documentId])).rows.map(({ text, updates }) => text ? updates : -1 - updates)
    },
    async assertGood (t: Test) {
      for await (const { opens, problems } of verify(readDocuments(client), createChecker(0))) {
        t.ok(opens)
        t.strictSame(problems, [])
      }
      for (const { id } of await query('SELECT id FROM secsync_document')) {
        const [before] = await query(`SELECT snapshot_count, update_count, kept_bytes, counted_version FROM secsync_document WHERE id = '${String(id)}'`)
        await recount(client, String(id))
        t.match((await query(`SELECT snapshot_count, update_count, kept_bytes, counted_version FROM secsync_document WHERE id = '${String(id)}'`))[0], before ?? {})
      }
    }
  }
}

/** Five snapshots with two updates each. */
async function write ({ store }: Awaited<ReturnType<typeof setUp>>, documentId = 'document'): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = []
  for (let i = 0; i < 5; i++) {
    const snapshot = ada.snapshot(documentId, { parent: snapshots.at(-1), clocks: i === 0 ? {} : { [ada.publicKey]: 1 } })
    await store.createSnapshot({ snapshot })
    for (const clock of [0, 1]) await store.createUpdate({ update: ada.update(documentId, snapshot.publicData.snapshotId, clock) })
    snapshots.push(snapshot)
  }
  return snapshots
}

t.test('keeps what it is told to, and the counts are right', async (t) => {
  const database = await setUp(t)
  const cases: Array<[Retention, number[]]> = [
    [{}, [2, 2, 2, 2, 2]],
    [{ updates: 3 }, [0, 0, 2, 2, 2]],
    [{ snapshots: 4, updates: 9 }, [-1, 0, 2, 2, 2]],
    [{ snapshots: 3, age: 3_600_000 }, [-1, 0, 2, 2, 2]],
    [{ snapshots: 3 }, [-1, -1, 2, 2, 2]],
    [{ age: 0, snapshots: 2 }, [-1, -1, -1, 2, 2]],
    [{ age: 0 }, [-1, -1, -1, -1, 2]]
  ]
  await write(database)
  for (const [retention, kept] of cases) {
    await prune(database.client, retention, { share: 1 })
    t.strictSame(await database.kept(), kept, JSON.stringify(retention))
    await database.assertGood(t)
  }
  t.strictSame(await prune(database.client, { snapshots: 1 }, { share: 1 }), { snapshots: 0, updates: 0 })
})

t.test('a client that knows a pruned snapshot comes back by its proof, and one that sends it again is answered', async (t) => {
  const database = await setUp(t)
  const snapshots = await write(database)
  const load = async () => await database.store.getDocument({
    documentId: 'document', mode: 'delta', knownSnapshotId: snapshots[0]?.publicData.snapshotId, knownSnapshotUpdateClocks: {}
  })
  const before = await load()
  t.equal(before?.snapshotProofChain?.length, 4)
  await database.query('UPDATE secsync_snapshot SET signature = NULL, author = NULL, bytes = NULL WHERE version < 8')
  t.strictSame(await prune(database.client, { snapshots: 1 }, { share: 1 }), { snapshots: 4, updates: 8 })
  t.strictSame(await load(), before)
  for (const snapshot of snapshots) t.strictSame(await database.store.createSnapshot({ snapshot }), snapshot)
  t.strictSame(await database.query('SELECT 1 FROM secsync_snapshot WHERE signature IS NULL OR author IS NULL OR bytes IS NULL'), [])
})

t.test('many documents and many updates go in batches, by several at once, and after an interruption', async (t) => {
  const database = await setUp(t)
  await fill(database.connectionString, { documents: 1, snapshots: 2, updates: 2100, updateBytes: 10, prefix: 'large' })
  await fill(database.connectionString, { documents: 510, snapshots: 1, updates: 0, snapshotBytes: 10 })
  await write(database, 'zz')
  const stop = new AbortController()
  await t.rejects(prune(database.client, { snapshots: 1 }, { share: 1, signal: stop.signal, onPruned: () => stop.abort() }), { name: 'AbortError' })
  const other = await setUp(t)
  t.strictSame(await prune(other.client, { snapshots: 1 }, { share: 1 }), { snapshots: 0, updates: 0 })
  const found = await Promise.all([1, 2].map(async () => await prune(database.client, { snapshots: 1 }, { share: 0.5 })))
  t.equal(found.reduce((sum, { snapshots }) => sum + snapshots, 0), 4)
  t.strictSame(await database.kept('large-0'), [-1, 2100])
  t.strictSame(await database.kept('zz'), [-1, -1, -1, -1, 2])
  let documents = 0
  for await (const { opens, problemCount } of verify(readDocuments(database.client), createChecker(0))) documents += opens && problemCount === 0 ? 1 : 0
  t.equal(documents, 512)
})

t.test('the command line', async (t) => {
  const database = await setUp(t)
  await write(database)
  const call = async (...args: string[]) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const env = { DATABASE_URL: database.connectionString }
    const io = { stdin: Readable.from([]), stdout, stderr, env, directory: process.cwd(), signal: new AbortController().signal }
    const code = await run(['prune', ...args], io)
    stdout.end()
    stderr.end()
    return { code, stdout: (await buffer(stdout)).toString(), stderr: (await buffer(stderr)).toString() }
  }
  t.match(await call(), { code: 2, stderr: /Say what to keep/ })
  t.match(await call('--keep-snapshots', '0'), { code: 2, stderr: /from 1 on/ })
  t.match(await call('--keep-for', '0s', '--share', '2'), { code: 2, stderr: /from 0.01 to 1/ })
  t.match(await call('--keep-updates', '2', '--share', '1', '--json'), { code: 0, stdout: '{"type":"summary","snapshots":0,"updates":6}\n' })
  t.match(await call('--keep-for', '0s', '--share', '1'), { code: 0, stdout: 'Removed 2 updates and the text of 4 snapshots\n' })
})
