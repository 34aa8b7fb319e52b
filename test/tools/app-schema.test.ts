// The example app's schema.prisma: its own models, and a copy of the plugin's.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t from 'tap'
import type { Test } from 'tap'
import { migrate } from '../../lib/stores/migrate.ts'
import { createDatabase } from '../fixtures/postgres.ts'

const schema = 'example-app/prisma/schema.prisma'

/** Every column, key and index as PostgreSQL describes it. */
const catalog = `
  SELECT format('%s.%s %s %s %s', table_name, column_name, udt_name || coalesce(datetime_precision::text, ''), is_nullable,
      coalesce(column_default, CASE WHEN is_identity = 'YES' THEN format('nextval(''%s_%s_seq''::regclass)', table_name, column_name) END)) AS fact
    FROM information_schema.columns WHERE table_name ~ '^(app|secsync)_'
  UNION SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE conrelid::regclass::text ~ '^(app|secsync)_' AND contype IN ('p', 'f', 'u')
  UNION SELECT indexdef FROM pg_indexes WHERE tablename ~ '^(app|secsync)_'
  UNION SELECT format('%s %s', typname, array_agg(enumlabel::text ORDER BY enumsortorder)) FROM pg_type JOIN pg_enum ON enumtypid = pg_type.oid GROUP BY typname
  ORDER BY 1`

async function database (t: Test) {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const client = new pg.Client({ connectionString })
  await client.connect()
  t.teardown(() => client.end())
  return {
    adapter: new PrismaPg({ connectionString }),
    client,
    // A unique constraint is an index, in Prisma's migrations without the constraint.
    facts: async () => (await client.query<{ fact: string }>(catalog)).rows.map(({ fact }) => fact.replaceAll('CURRENT_TIMESTAMP', 'now()')).filter((fact) => !/^\w+ UNIQUE/.test(fact))
  }
}

t.test('the migrations of the plugin and of the app make the tables of the schema', async (t) => {
  const migrated = await database(t)
  await migrate({ adapter: migrated.adapter })
  await migrate({ adapter: migrated.adapter, migrationsDirectory: 'example-app/prisma/migrations' })
  const fromSchema = await database(t)
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/diff-migration.js', '--from-empty'], { env: { ...process.env, SCHEMA: schema } })
  await fromSchema.client.query(stdout)
  t.ok((await migrated.facts()).length > 80)
  t.strictSame(await migrated.facts(), await fromSchema.facts(), 'see scripts/diff-migration.js')
})

t.test('the models of the plugin are those of the package', async (t) => {
  const models = async (path: string) => [...(await readFile(path, 'utf8')).matchAll(/^model Secsync[^]*?^}/gm)].map(([model]) => model)
  t.strictSame(await models(schema), await models('prisma/schema.prisma'), 'copy them')
})
