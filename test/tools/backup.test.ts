// docs/backup.md: a backup is restored, and what was written after it comes back from the devices of those who have it.
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import { openClient, untilEqual, untilState, type TestClient } from '../fixtures/client.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { startServer } from '../fixtures/server.ts'
import { callCommand } from '../fixtures/stored-documents.ts'

interface Backup {
  restore (target: string): Promise<void>
}

/** The ways to make one, each while people write. */
const ways: Record<string, (t: Test, source: string) => Promise<Backup>> = {
  'an archive': async (t, source) => {
    const file = join(t.testdir(), 'backup.ndjson.gz')
    t.match(await callCommand(['export', '--output', file], { DATABASE_URL: source }), { code: 0 })
    return {
      async restore (target) {
        t.match(await callCommand(['migrate'], { DATABASE_URL: target }), { code: 0 })
        t.match(await callCommand(['import', file], { DATABASE_URL: target }), { code: 0 })
      }
    }
  },
  // What pg_dump reads is one state of the database, too.
  'a copy of the tables': async (t, source) => {
    const tables = ['secsync_document', 'secsync_deletion', 'secsync_snapshot', 'secsync_update']
    const client = new pg.Client({ connectionString: source })
    await client.connect()
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    const rows = new Map<string, unknown>()
    for (const table of tables) rows.set(table, (await client.query<{ rows: unknown }>(`SELECT json_agg(t)::text AS rows FROM ${table} t`)).rows[0]?.rows)
    await client.query('COMMIT')
    await client.end()
    return {
      async restore (target) {
        t.match(await callCommand(['migrate'], { DATABASE_URL: target }), { code: 0 })
        const client = new pg.Client({ connectionString: target })
        await client.connect()
        for (const table of tables) await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1::json)`, [rows.get(table) ?? '[]'])
        await client.end()
      }
    }
  }
}

/** What an application does that asks the person, who says yes. */
function trusts ({ document }: TestClient): void {
  document.subscribe(() => {
    const { connection } = document.getState()
    if (connection.status === 'trouble' && connection.error.mustTrust) document.trustServer()
  })
}

for (const [name, makeBackup] of Object.entries(ways)) {
  t.test(`${name}: restored, verified, and completed by those who know more`, async (t) => {
    const source = await createDatabase(t)
    const server = await startServer(t, { adapter: new PrismaPg({ connectionString: source.connectionString }) })
    const [ana, ben] = [openClient(t, server.endpoint, 'document'), openClient(t, server.endpoint, 'document')]
    for (const text of ['a', 'b', 'c']) ana.crdt.add(text)
    await untilEqual(ana, ben)
    // Somebody goes on writing while the backup is made.
    const writing = (async () => {
      for (let number = 0; number < 20; number++) {
        ben.crdt.add(`during ${number}`)
        await ben.document.whenSaved()
      }
    })()
    const backup = await makeBackup(t, source.connectionString)
    await writing
    ana.crdt.add('after the backup')
    await ana.document.createSnapshot()
    ben.crdt.add('after the snapshot')
    const all = await untilEqual(ana, ben)
    t.equal(all.length, 25)

    await server.app.close()
    await source.drop()
    ana.crdt.add('while there was no server')

    const target = await createDatabase(t, { migrated: false })
    await backup.restore(target.connectionString)
    const verified = await callCommand(['verify'], { DATABASE_URL: target.connectionString })
    t.match(verified, { code: 0, stdout: /^Checked 1 documents/ })
    for (const client of [ana, ben]) trusts(client)
    const restored = await startServer(t, { adapter: new PrismaPg({ connectionString: target.connectionString }) }, {}, Number(new URL(server.endpoint).port))
    for (const { document } of [ana, ben]) document.retry()
    t.strictSame(await untilEqual(ana, ben), [...all, 'while there was no server'].sort())
    const newcomer = openClient(t, restored.endpoint, 'document')
    await untilState(newcomer.document, ({ connection }) => connection.status === 'live')
    t.strictSame(await untilEqual(newcomer, ana), [...all, 'while there was no server'].sort(), 'whoever comes now has all of it')
    t.match(await callCommand(['verify'], { DATABASE_URL: target.connectionString }), { code: 0 })
  })
}
