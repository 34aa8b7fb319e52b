// pgbouncer in transaction mode: each statement may run on another connection of PostgreSQL.
import { createHash } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import t, { type Test } from 'tap'
import { statementNames } from '../lib/index.ts'
import { migrate } from '../lib/stores/migrate.ts'
import { missing } from './fixtures/daemon.ts'
import { startExampleApp } from './fixtures/example-app.ts'
import { startPooler } from './fixtures/pooler.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { agree, RealClient } from './fixtures/real-client.ts'
import { startServer } from './fixtures/server.ts'

/** An empty database behind pgbouncer. */
async function pooledDatabase (t: Test): Promise<string> {
  return await startPooler(t, (await createDatabase(t, { migrated: false })).connectionString, 'transaction')
}

/** Ten documents at once, two clients each. */
async function write (t: Test, endpoint: string, websocketSessionKey = 'key'): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, async (_, index) => {
    const [a, b] = [0, 1].map(() => new RealClient(t, endpoint, `document-${index}`, { websocketSessionKey, snapshotEvery: 5 })) as [RealClient, RealClient]
    for (let i = 0; i < 10; i++) {
      a.type('a')
      b.type('b')
    }
    t.equal((await agree(a, b)).length, 20)
  }))
}

const generators: Record<string, ((query: { sql: string }) => string) | undefined> = {
  'without statement names': undefined,
  'with statementNames()': statementNames(),
  "with the application's own statement names": ({ sql }) => createHash('md5').update(sql).digest('hex')
}

t.test('behind a pooler', { skip: missing('pgbouncer') }, async (t) => {
  for (const [name, statementNameGenerator] of Object.entries(generators)) {
    await t.test(name, async (t) => {
      const connectionString = await pooledDatabase(t)
      t.not((await migrate({ adapter: new PrismaPg({ connectionString }) })).length, 0)
      const adapter = new PrismaPg({ connectionString }, statementNameGenerator && { statementNameGenerator })
      await write(t, (await startServer(t, { adapter })).endpoint)
    })
  }

  await t.test('the example app', async (t) => {
    const app = await startExampleApp(t, { DATABASE_URL: await pooledDatabase(t) })
    await write(t, app.endpoint, await app.session('Ada'))
    t.notMatch(app.output(), /"level":50/)
  })
})
