// The statement of docs/deployment.md that partitions the tables by hash.
import { readFile } from 'node:fs/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t from 'tap'
import { createDatabase } from '../fixtures/postgres.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'

t.test('documents in tables that are partitioned by their id', async (t) => {
  const { connectionString } = await createDatabase(t)
  const write = async (endpoint: string, text: string): Promise<string[]> => await Promise.all(Array.from({ length: 12 }, async (_, index) => {
    const [a, b] = [0, 1].map(() => new RealClient(t, endpoint, `document-${index}`, { snapshotEvery: 5 })) as [RealClient, RealClient]
    await agree(a, b)
    for (const letter of text) a.type(letter)
    const written = await agree(a, b)
    for (const client of [a, b]) client.disconnect()
    return written
  }))
  const before = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  await write(before.endpoint, 'abcdefgh')
  await before.app.close()

  const client = new pg.Client({ connectionString })
  await client.connect()
  const [, statement] = /```sql\n([^]*?)```/.exec(await readFile('docs/deployment.md', 'utf8')) ?? []
  await client.query(statement ?? '')
  const { app, endpoint } = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  t.equal((await app.secsync.health({ timeout: 10_000 })).status, 'ok')
  for (const text of await write(endpoint, 'ijklmnop')) t.equal([...text].sort().join(''), 'abcdefghijklmnop', 'what was there and what came')

  for (const table of ['secsync_document', 'secsync_snapshot']) {
    const { rows } = await client.query<{ partition: string }>(`SELECT DISTINCT tableoid::regclass::text AS partition FROM ${table}`)
    t.ok(rows.length > 3, `${table} is in ${rows.length} partitions`)
  }
  await client.end()
})
