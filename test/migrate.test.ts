import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import pg from 'pg'
import t from 'tap'
import type { Test } from 'tap'
import secsync, { createPrismaStore } from '../lib/index.ts'
import { PrismaClient } from '../lib/stores/prisma-client/client.ts'
import { migrate } from '../lib/stores/migrate.ts'
import { createSchemaEngine } from '../lib/stores/schema-engine.ts'
import { Log } from './fixtures/log.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author } from './fixtures/raw-client.ts'

const migrations = ['20261123000000_secsync_init', '20261129000000_secsync_documents', '20261129100000_secsync_pruned']

/** An empty database, and a connection to it. */
async function setUp (t: Test) {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const pool = new pg.Pool({ connectionString })
  t.teardown(async () => { await pool.end() })
  const query = async (text: string): Promise<string[]> =>
    (await pool.query<[string]>({ text, rowMode: 'array' })).rows.map(([value]) => value)
  return { adapter: new PrismaPg({ connectionString }), pool, query }
}

/** A directory of migrations as Prisma makes it, with these. */
async function writeMigrations (t: Test, sql: Record<string, string>): Promise<string> {
  const directory = t.testdir()
  await cp('prisma/migrations/migration_lock.toml', join(directory, 'migration_lock.toml'))
  for (const [name, content] of Object.entries(sql)) {
    await mkdir(join(directory, name))
    await writeFile(join(directory, name, 'migration.sql'), content)
  }
  return directory
}

const tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
const applied = 'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY 1'

t.test('an empty database gets the tables, and after that there is nothing to do', async (t) => {
  const { adapter, query } = await setUp(t)
  t.strictSame(await migrate({ adapter }), migrations)
  t.strictSame(await query(tables), ['_prisma_migrations', 'secsync_deletion', 'secsync_document', 'secsync_snapshot', 'secsync_update'])
  t.strictSame(await migrate({ adapter }), [])
})

t.test('migrations and schema.prisma make the same tables', async (t) => {
  // Every column, key and index as PostgreSQL describes it.
  const catalog = `
    SELECT format('%s.%s %s %s %s', table_name, column_name, udt_name || coalesce(datetime_precision::text, ''), is_nullable, column_default)
      FROM information_schema.columns WHERE table_name LIKE 'secsync%'
    UNION SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid::regclass::text LIKE 'secsync%'
    UNION SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'secsync%'
    ORDER BY 1`
  const migrated = await setUp(t)
  await migrate({ adapter: migrated.adapter })
  const fromSchema = await setUp(t)
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/diff-migration.js', '--from-empty'])
  await fromSchema.pool.query(stdout)
  t.strictSame(await migrated.query(catalog), await fromSchema.query(catalog), 'see scripts/diff-migration.js')
})

t.test('of several that start at the same moment one migrates, and the others wait for it', async (t) => {
  const { pool, query } = await setUp(t)
  const results = await Promise.all([1, 2, 3, 4].map(async () => await migrate({ adapter: new PrismaPg(pool) })))
  t.strictSame(results.flat(), migrations)
  t.strictSame(await query("SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'"), ['0'], 'no lock stays in the pool')
})

t.test('`prisma migrate deploy` finds nothing to do afterwards', async (t) => {
  const { adapter, pool, query } = await setUp(t)
  await migrate({ adapter })
  t.strictSame(await query(applied), migrations)
  // The engine as the CLI calls it.
  const engine = await createSchemaEngine(new PrismaPg(pool))
  const diagnosis = await engine.diagnoseMigrationHistory({
    migrationsList: {
      baseDir: process.cwd(),
      lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"' },
      shadowDbInitScript: '',
      migrationDirectories: await Promise.all(migrations.map(async (path) => {
        const value = await readFile(`prisma/migrations/${path}/migration.sql`, 'utf8')
        return { path, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } }
      }))
    },
    optInToShadowDatabase: false,
    filters: { externalTables: [], externalEnums: [] }
  })
  t.match(diagnosis, { hasMigrationsTable: true, history: null, failedMigrationNames: [], editedMigrationNames: [] })
})

t.test('tables and migrations of others are left alone', async (t) => {
  const { adapter, query } = await setUp(t)
  await query('CREATE TABLE customer (id text PRIMARY KEY)')
  t.strictSame(await migrate({ adapter }), migrations)
  const migrationsDirectory = await writeMigrations(t, {
    '1_b': 'CREATE FUNCTION two() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2; $$',
    '1_a': '-- a comment; with a semicolon\nCREATE TABLE b ()'
  })
  t.strictSame(await migrate({ adapter, migrationsDirectory }), ['1_a', '1_b'])
  t.strictSame(await query(applied), ['1_a', '1_b', ...migrations])
  t.strictSame(await query('SELECT two()'), [2])
  t.strictSame(await migrate({ adapter }), [])
})

t.test('a migration that fails leaves nothing behind, and the error says why', async (t) => {
  const { adapter, query } = await setUp(t)
  const migrationsDirectory = await writeMigrations(t, { '1_a': 'CREATE TABLE a ()', '1_b': 'CREATE TABLE b (); CREATE TABLE a ()' })
  await t.rejects(migrate({ adapter, migrationsDirectory }), {
    code: 'FST_SECSYNC_MIGRATION_FAILED',
    message: 'The database could not be migrated: relation "a" already exists'
  })
  t.strictSame(await query(tables), [])
})

t.test('a connection that is lost in the middle leaves nothing behind', async (t) => {
  const { adapter, query } = await setUp(t)
  const migrationsDirectory = await writeMigrations(t, { 1: 'CREATE TABLE a (); SELECT pg_terminate_backend(pg_backend_pid())' })
  await t.rejects(migrate({ adapter, migrationsDirectory }), { code: 'FST_SECSYNC_MIGRATION_FAILED' })
  t.strictSame(await query(tables), [])
})

t.test('a migration of others that has failed is to be resolved first', async (t) => {
  const { adapter, query } = await setUp(t)
  await migrate({ adapter, migrationsDirectory: await writeMigrations(t, { '1_a': 'CREATE TABLE a ()' }) })
  await query('UPDATE _prisma_migrations SET finished_at = NULL')
  await t.rejects(migrate({ adapter }), /The `1_a` migration started at .* failed/)
})

t.test('the error says which database cannot be reached, and which directory cannot be read', async (t) => {
  const adapter = new PrismaPg({ connectionString: 'postgresql://127.0.0.1:1/none' })
  await t.rejects(migrate({ adapter }), { message: 'The database could not be migrated: DatabaseNotReachable (127.0.0.1:1)' })
  const { connectionString, drop } = await createDatabase(t, { migrated: false })
  await drop()
  await t.rejects(migrate({ adapter: new PrismaPg({ connectionString }) }), /could not be migrated: database "\w+" does not exist/)
  await t.rejects(migrate({ adapter, migrationsDirectory: '/none' }), /no such file or directory, scandir '\/none'/)
})

t.test('a panic of the engine says what happened', async (t) => {
  const { pool } = await setUp(t)
  const engine = await createSchemaEngine(new PrismaPg(pool))
  t.throws(() => { engine.debugPanic() }, /This is the debugPanic artificial panic/)
})

t.test('the tables are in the schema of the adapter or of the search_path, also the second time, and the store finds them there', async (t) => {
  for (const [name, { options, before, searchPath, expected }] of Object.entries<{
    options?: { schema: string }, before?: string, searchPath?: string, expected: string
  }>({
    'nothing said': { expected: 'public' },
    'an option of the adapter': { options: { schema: 'a "b"' }, before: 'CREATE SCHEMA "a ""b"""', expected: 'a "b"' },
    'a schema that does not exist': { options: { schema: 'later' }, expected: 'later' },
    'a search_path': { before: 'CREATE SCHEMA mine', searchPath: 'mine', expected: 'mine' },
    both: { options: { schema: 'other' }, before: 'CREATE SCHEMA mine', searchPath: 'mine', expected: 'other' }
  })) {
    const { connectionString } = await createDatabase(t, { migrated: false })
    const pool = new pg.Pool({ connectionString })
    t.teardown(async () => { await pool.end() })
    if (before !== undefined) await pool.query(before)
    const url = searchPath === undefined ? connectionString : `${connectionString}?options=-c%20search_path%3D${searchPath}`
    const adapter = new PrismaPg({ connectionString: url }, options)
    t.strictSame(await migrate({ adapter }), migrations, name)
    t.strictSame(await migrate({ adapter }), [], name)
    const { rows } = await pool.query<{ schemaname: string }>("SELECT DISTINCT schemaname::text FROM pg_tables WHERE tablename ~ '^(secsync_|_prisma)'")
    t.strictSame(rows, [{ schemaname: expected }], name)

    const store = createPrismaStore({ adapter })
    t.teardown(() => store.close())
    const snapshot = new Author().snapshot('document')
    await store.createSnapshot({ snapshot })
    t.match(await store.getDocument({ documentId: 'document', mode: 'complete' }), { snapshot })
  }
})

t.test('a search_path without a schema is named', async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const adapter = new PrismaPg({ connectionString: `${connectionString}?options=-c%20search_path%3Dnone` })
  await t.rejects(migrate({ adapter }), /no schema of the search_path exists\. Create it, or pass \{ schema \} to the adapter/)
})

t.test('a database whose encoding cannot hold every text is refused', async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const pool = new pg.Pool({ connectionString })
  t.teardown(async () => { await pool.end() })
  const name = `${new URL(connectionString).pathname.slice(1)}_latin1`
  await pool.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'`)
  t.teardown(async () => { await pool.query(`DROP DATABASE ${name} WITH (FORCE)`) })
  const adapter = new PrismaPg({ connectionString: Object.assign(new URL(connectionString), { pathname: name }).href })
  await t.rejects(migrate({ adapter }), { code: 'FST_SECSYNC_DATABASE_ENCODING_INVALID', message: /LATIN1.*ENCODING 'UTF8'/ })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(secsync, { adapter, hasAccess: () => true })
  await t.rejects(async () => { await app.ready() }, { code: 'FST_SECSYNC_DATABASE_ENCODING_INVALID' })
})

t.test('a database without the tables is refused at the start, and one that cannot be reached is not', async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  for (const options of [{ adapter: new PrismaPg({ connectionString }) }, { prisma: new PrismaClient({ adapter: new PrismaPg({ connectionString }) }) }]) {
    if (options.prisma) t.teardown(() => options.prisma.$disconnect())
    let error: unknown
    // On a busy machine the database may take too long to answer.
    for (let isUnreachable = true; isUnreachable;) {
      const log = new Log()
      const app = Fastify(log.options)
      t.teardown(() => app.close())
      await app.register(secsync, { ...options, hasAccess: () => true })
      error = await app.ready().then(() => undefined, (error: unknown) => error)
      isUnreachable = log.lines.some(({ msg }) => String(msg).includes('the database is unreachable'))
    }
    t.match(error, {
      code: 'FST_SECSYNC_DATABASE_NOT_MIGRATED', message: /no tables secsync_document, secsync_snapshot, secsync_update, secsync_deletion\. Run await migrate\(\{ adapter \}\)/
    })
  }
  const log = new Log()
  const app = Fastify(log.options)
  t.teardown(() => app.close())
  await app.register(secsync, { adapter: new PrismaPg({ connectionString: 'postgresql://127.0.0.1:1/none' }), hasAccess: () => true })
  await app.ready()
  t.match(log.lines.find(({ level }) => level === 40)?.msg, 'the database is unreachable')
})
