// Deletion, pruning and import are killed in the middle, again and again, while others write.
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createDocuments } from '../../lib/documents/index.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { readDocuments } from '../../lib/stores/rows.ts'
import { createChecker } from '../../lib/verify/checker.ts'
import { verify } from '../../lib/verify/verify.ts'
import { fill } from '../fixtures/fill.ts'
import { killableCommands } from '../fixtures/killable-commands.ts'
import { WrittenDocument } from '../fixtures/pipelining-writer.ts'
import { noRedis, startRedis } from '../fixtures/redis.ts'
import { startServer } from '../fixtures/server.ts'

t.setTimeout(590_000)

/** Two nodes, with a writer of the document on each. Redis is away from the second kill on. */
async function writeOnTwoNodes (t: Test, connectionString: string, id: string) {
  const redis = noRedis === false ? await startRedis(t) : undefined
  const options = () => ({ adapter: new PrismaPg({ connectionString }), ...redis && { redis: redis.client() } })
  const nodes = [await startServer(t, options()), await startServer(t, options())]
  const document = new WrittenDocument(id, nodes.length)
  document.writers.forEach((writer, index) => {
    writer.comesBack = true
    writer.snapshotEvery = 20
    writer.connect(nodes[index]?.endpoint ?? '', 'key')
  })
  t.teardown(() => document.writers.forEach((writer) => writer.stop()))
  await document.goesOn(5)
  return {
    document,
    async redisGoes () { await redis?.stop() },
    async done () {
      await document.goesOn(5)
      for (const writer of document.writers) writer.isDone = true
      await document.until(({ writers }) => writers.every(({ inFlight }) => inFlight === 0))
    }
  }
}

t.test('a deletion that is killed at any time is a whole one, and the next run removes the rest', async (t) => {
  const { postgres, connectionString, query, number, start, kill, assertGood, lost } = await killableCommands(t)
  t.ok(postgres)
  await fill(connectionString, { documents: 1, snapshots: 2, updates: 10, prefix: 'doomed', updateBytes: 20 })
  // What is deleted is not checked any more.
  await query(`INSERT INTO secsync_update SELECT document_id, snapshot_id, author, n, version + n, data
    FROM (SELECT * FROM secsync_update LIMIT 1) u, generate_series(100, 15000) n`)
  const writing = await writeOnTwoNodes(t, connectionString, 'live')
  const documents = createDocuments({ adapter: new PrismaPg({ connectionString }) })
  t.teardown(() => documents.close())
  const rows = "SELECT (SELECT count(*) FROM secsync_update WHERE document_id LIKE 'doomed%') + (SELECT count(*) FROM secsync_snapshot WHERE document_id LIKE 'doomed%') AS number"
  const whole = await number(rows)
  let kills = 0
  for (let left = whole, goal = whole; left > 4000;) {
    goal -= 3000
    const isKilled = await kill(start('delete', 'doomed-0'), async () => await number(rows) < goal, kills === 2 ? 'database' : 'process')
    left = await number(rows)
    if (isKilled) kills++
    if (kills === 1) await writing.redisGoes()
    t.equal(await documents.exists('doomed-0'), false)
    t.match(await documents.receipt('doomed-0'), { snapshots: 2, updates: whole - 2 }, 'the receipt says the same at all times')
  }
  // The nodes remove what was deleted, too.
  t.ok(kills >= 1, `${kills} kills`)
  t.match((await start('delete', 'doomed-0').ended).code, 1, 'it is not there any more')
  t.equal(await number(rows), 0)
  t.match(await documents.receipt('doomed-0'), { snapshots: 2, updates: whole - 2, purgedAt: String })
  await writing.done()
  t.equal(await lost(writing.document), 0)
  await assertGood(t, 1)
})

t.test('pruning that is killed at any time leaves good documents, and the next run ends it', async (t) => {
  const { connectionString, number, start, kill, assertGood, lost } = await killableCommands(t)
  await fill(connectionString, { documents: 2, snapshots: 5, updates: 200, updateBytes: 20 })
  const writing = await writeOnTwoNodes(t, connectionString, 'live')
  const rows = "SELECT count(*) AS number FROM secsync_update WHERE document_id LIKE 'document%'"
  let kills = 0
  for (let goal = 1900; goal > 900; goal -= 200) {
    const isKilled = await kill(start('prune', '--keep-snapshots', '2', '--share', '0.05'), async () => await number(rows) < goal, kills === 2 ? 'database' : 'process')
    if (isKilled) kills++
    if (kills === 1) await writing.redisGoes()
    await assertGood(t, 2, { prefix: 'document' })
    t.equal(await lost(writing.document), 0)
  }
  t.ok(kills >= 3, `${kills} kills`)
  await writing.done()
  t.match(await start('prune', '--keep-snapshots', '2', '--share', '1').ended, { code: 0 })
  t.equal(await number(rows), 800)
  t.equal(await number("SELECT count(*) AS number FROM secsync_snapshot WHERE data IS NOT NULL AND document_id LIKE 'document%'"), 4)
  t.equal(await lost(writing.document), 0)
  await assertGood(t, 3)
})

t.test('an import that is killed at any time has whole documents, and the next run imports the rest', async (t) => {
  const source = await killableCommands(t)
  await fill(source.connectionString, { documents: 12, snapshots: 1, updates: 100, updateBytes: 20 })
  const archive = join(t.testdir(), 'documents.ndjson.gz')
  t.match(await source.start('export', '--output', archive).ended, { code: 0 })
  const target = await source.postgres.createDatabase()
  const { number, start, kill, assertGood } = await setUpOn(t, source, target.connectionString)
  let kills = 0
  for (const goal of [1, 4, 7, 10]) {
    if (await kill(start('import', archive), async () => await number('SELECT count(*) AS number FROM secsync_document') >= goal, goal === 7 ? 'database' : 'process')) kills++
    const documents = await number('SELECT count(*) AS number FROM secsync_document')
    t.equal(await number('SELECT count(*) AS number FROM secsync_update'), documents * 100, 'each is there as a whole')
    await assertGood(t, documents)
  }
  t.ok(kills >= 3, `${kills} kills`)
  t.match(await start('import', archive).ended, { code: 0 })
  t.match(await start('import', archive).ended, { code: 0, output: 'Documents: 12 unchanged\n' })
  await assertGood(t, 12)
})

/** Another database of the same PostgreSQL. */
async function setUpOn (t: Test, { start, kill, postgres }: Awaited<ReturnType<typeof killableCommands>>, connectionString: string) {
  t.ok(postgres)
  const client = new AdapterClient(new PrismaPg({ connectionString }))
  const pool = new pg.Pool({ connectionString })
  pool.on('error', () => {})
  t.teardown(async () => await Promise.allSettled([client.close(), pool.end()]))
  return {
    kill,
    start: (...args: string[]) => start(...args, '--database-url', connectionString),
    number: async (sql: string) => Number((await pool.query<{ number: string }>(sql)).rows[0]?.number),
    async assertGood (t: Test, documents: number) {
      let found = 0
      for await (const { opens, problemCount } of verify(readDocuments(client), createChecker(0))) found += opens && problemCount === 0 ? 1 : 0
      t.equal(found, documents)
    }
  }
}
