// The migration from 0.1 is killed in the middle, while a node of 0.1 writes.
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t from 'tap'
import { createPrismaStore, type Update } from '../../lib/index.ts'
import { migrate } from '../../lib/stores/migrate.ts'
import { killableCommands } from '../fixtures/killable-commands.ts'
import { Author } from '../fixtures/raw-client.ts'
import { Version01 } from '../fixtures/version-0.1.ts'

t.setTimeout(590_000)

t.test('a migration from 0.1 that is killed at any time changes nothing, and nodes of 0.1 go on writing beside new ones', async (t) => {
  const database = await killableCommands(t, { migrated: false })
  const { connectionString, client, number, query, start, kill, assertGood } = database
  const first = '20261123000000_secsync_init'
  const directory = t.testdir()
  await mkdir(join(directory, first))
  await cp(join('prisma/migrations', first), join(directory, first), { recursive: true })
  await cp('prisma/migrations/migration_lock.toml', join(directory, 'migration_lock.toml'))
  t.strictSame(await migrate({ adapter: new PrismaPg({ connectionString }), migrationsDirectory: directory }), [first])

  // A node of 0.1, which goes on until the end.
  const old = new Version01(client)
  const author = new Author()
  const acknowledged: Update[] = []
  const snapshot = author.snapshot('old')
  t.equal(await old.createSnapshot({ snapshot }), 1)
  const writing = { goesOn: true }
  const ended = (async () => {
    while (writing.goesOn) {
      const update = author.update('old', snapshot.publicData.snapshotId, acknowledged.length)
      // Without an answer it may have been saved. Then it is refused the second time.
      while (await old.createUpdate({ update }).then(() => false, () => true)) await new Promise((resolve) => setTimeout(resolve, 5))
      acknowledged.push(update)
    }
  })()
  const hasColumn = "SELECT count(*) AS number FROM information_schema.columns WHERE table_name = 'secsync_document' AND column_name = 'counted_version'"
  for (const how of ['process', 'process', 'database'] as const) {
    // A long transaction of somebody else holds the migration up in its middle.
    const blocker = new pg.Client({ connectionString })
    blocker.on('error', () => {})
    await blocker.connect()
    await blocker.query('BEGIN; SELECT 1 FROM secsync_update LIMIT 1')
    await blocker.query('SELECT 1 FROM secsync_document LIMIT 1')
    const waits = "SELECT count(*) AS number FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%secsync_deletion%'"
    t.ok(await kill(start('migrate'), async () => await number(waits) > 0, how))
    await blocker.end().catch(() => {})
    // PostgreSQL learns only then that its client is gone.
    while (await number(waits) > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    t.equal(await number(hasColumn), 0)
    const before = acknowledged.length
    while (acknowledged.length < before + 5) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.match(await start('migrate').ended, { code: 0, output: /Applied/ })
  t.match(await start('migrate').ended, { code: 0, output: 'Nothing to do\n' })
  // A new node writes the same document at the same time.
  const store = createPrismaStore({ adapter: new PrismaPg({ connectionString }) })
  t.teardown(() => store.close())
  const newAuthor = new Author()
  const alsoAcknowledged: Update[] = []
  for (let clock = 0; clock < 20; clock++) {
    const update = newAuthor.update('old', snapshot.publicData.snapshotId, clock)
    await store.createUpdate({ update })
    alsoAcknowledged.push(update)
  }
  writing.goesOn = false
  await ended
  const stored = new Set((await query("SELECT data::json ->> 'signature' AS signature FROM secsync_update")).map(({ signature }) => signature))
  t.strictSame([...acknowledged, ...alsoAcknowledged].filter(({ signature }) => !stored.has(signature)), [])
  await assertGood(t, 1)
})
