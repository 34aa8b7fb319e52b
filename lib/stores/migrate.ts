// The tables of the Prisma store, without the `prisma` CLI: `import { migrate } from 'fastify-secsync/migrate'`.
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import createError from '@fastify/error'
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory, SqlQueryable } from '@prisma/driver-adapter-utils'
import type { MigrationDirectory, MigrationList } from '@prisma/schema-engine-wasm'
import { DatabaseEncodingInvalid } from '../errors.ts'
import { quoted } from './adapter.ts'
import { isUsableEncoding } from './check-database.ts'
import { createSchemaEngine } from './schema-engine.ts'

export interface MigrateOptions {
  /** A Prisma driver adapter: `new PrismaPg({ connectionString })` or `new PrismaLibSql({ url: 'file:documents.db' })`. @type driver adapter */
  adapter: SqlMigrationAwareDriverAdapterFactory
  /** A directory of migrations as `prisma migrate` makes it, to apply your own. @type string @default the migrations of this package */
  migrationsDirectory?: string
}

export const MigrationFailed = createError<[string]>('FST_SECSYNC_MIGRATION_FAILED', 'The database could not be migrated: %s')

// Prisma's engines take the same lock on their connection, so that a `prisma migrate deploy` at the same moment waits, too.
const lock = 'SELECT pg_advisory_xact_lock(72707369)'
const lockOfEngine = 'SELECT pg_advisory_lock(72707369)'

/**
 * Brings the database up to date as `prisma migrate deploy` does, with Prisma's bookkeeping (`_prisma_migrations`), and returns
 * the names of the migrations that it applied: none, when there was nothing to do.
 *
 * All of them run in one transaction under a lock: a process that is killed leaves nothing half-done, and of several that start
 * at once one migrates while the others wait. The database may hold tables of others, and `_prisma_migrations` the names of
 * migrations from another directory: they are left alone. Only one of them that has failed must be resolved first.
 *
 * If you use `prisma migrate dev` on the same database, copy the models and this package's migrations into your project
 * instead: it takes migrations that it does not find in your directory for drift.
 */
export async function migrate ({ adapter, migrationsDirectory = packageMigrations(adapter) }: MigrateOptions): Promise<string[]> {
  try {
    const migrations = await readMigrations(migrationsDirectory)
    const connection = await adapter.connect()
    try {
      if (adapter.provider === 'sqlite') return await migrateSqlite(adapter, connection, migrations)
      return await inTransaction(connection, async (transaction) => await applyMigrations(adapter, transaction, migrations))
    } finally {
      await connection.dispose()
    }
  } catch (error) {
    if (error instanceof DatabaseEncodingInvalid) throw error
    throw Object.assign(new MigrationFailed(reason(error)), { cause: error })
  }
}

async function applyMigrations (
  adapter: SqlMigrationAwareDriverAdapterFactory, transaction: SqlDriverAdapter, migrationsList: MigrationList
): Promise<string[]> {
  await execute(transaction, lock)
  await assertEncoding(transaction)
  const schemaName = await useSchema(transaction)
  const engine = await createSchemaEngine({
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    connect: async () => ({ ...transaction, getConnectionInfo: () => ({ ...transaction.getConnectionInfo?.(), supportsRelationJoins: true, schemaName }) }),
    connectToShadowDb: adapter.connectToShadowDb.bind(adapter)
  })
  try {
    // Into a database that has tables but no `_prisma_migrations`, the engine does not migrate, unless it knows them to be others'.
    const { rows } = await transaction.queryRaw({
      sql: "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename <> '_prisma_migrations'", args: [], argTypes: []
    })
    const filters = { externalTables: rows.map(([name]) => String(name)), externalEnums: [] }
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters })
    return appliedMigrationNames
  } finally {
    engine.free()
  }
}

/** One process at a time. Each migration is a transaction. */
async function migrateSqlite (
  adapter: SqlMigrationAwareDriverAdapterFactory, connection: SqlDriverAdapter, migrationsList: MigrationList
): Promise<string[]> {
  // Stays in the file. Readers do not wait for the one who writes.
  await connection.queryRaw({ sql: 'PRAGMA journal_mode = WAL', args: [], argTypes: [] })
  const { rows } = await connection.queryRaw({ sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> '_prisma_migrations'", args: [], argTypes: [] })
  const engine = await createSchemaEngine({
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    connect: async () => ({
      provider: connection.provider,
      adapterName: connection.adapterName,
      queryRaw: (query) => connection.queryRaw(query),
      executeRaw: (query) => connection.executeRaw(query),
      executeScript: async (script) => await connection.executeScript(`BEGIN IMMEDIATE;\n${script}\n;COMMIT;`),
      startTransaction: connection.startTransaction.bind(connection),
      dispose: async () => {}
    }),
    connectToShadowDb: adapter.connectToShadowDb.bind(adapter)
  })
  try {
    const filters = { externalTables: rows.map(([name]) => String(name)), externalEnums: [] }
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters })
    return appliedMigrationNames
  } finally {
    engine.free()
  }
}

/** The schema of the adapter's options, which is made if it does not exist; else that of the connection's `search_path`. */
async function useSchema (transaction: SqlDriverAdapter): Promise<string> {
  const schemaName = transaction.getConnectionInfo?.().schemaName
  if (schemaName === undefined) {
    const [current] = await select(transaction, 'SELECT current_schema()::text')
    if (typeof current !== 'string') throw new Error('no schema of the search_path exists. Create it, or pass { schema } to the adapter')
    return current
  }
  const [exists] = await select(transaction, 'SELECT count(*)::int FROM pg_namespace WHERE nspname = $1', schemaName)
  // Checked first: CREATE SCHEMA IF NOT EXISTS needs the right to create schemas even if the schema exists.
  if (exists === 0) await execute(transaction, `CREATE SCHEMA ${quoted(schemaName)}`)
  await execute(transaction, `SET LOCAL search_path TO ${quoted(schemaName)}`)
  return schemaName
}

async function assertEncoding (transaction: SqlDriverAdapter): Promise<void> {
  const [encoding] = await select(transaction, "SELECT current_setting('server_encoding')")
  if (!isUsableEncoding(String(encoding))) throw new DatabaseEncodingInvalid(String(encoding))
}

/** The first row. */
async function select (queryable: SqlQueryable, sql: string, ...args: string[]): Promise<unknown[]> {
  const { rows: [row = []] } = await queryable.queryRaw({ sql, args, argTypes: args.map(() => ({ scalarType: 'string', arity: 'scalar' })) })
  return row
}

/**
 * The engine sends its statements one by one, and on any connection of a pool. Here all go through one transaction, a migration
 * in one piece. After a statement that failed the engine goes on to record that, which a failed transaction refuses: it is the
 * first error that says what happened.
 */
async function inTransaction<Result> (
  connection: SqlDriverAdapter, action: (transaction: SqlDriverAdapter) => Promise<Result>
): Promise<Result> {
  // Not the database's default, which might not see what another process has committed while this one waited for the lock.
  const transaction = await connection.startTransaction('READ COMMITTED')
  let firstError: unknown
  const failed = (error: unknown): never => {
    firstError ??= error
    throw error
  }
  const adapter: SqlDriverAdapter = {
    provider: connection.provider,
    adapterName: connection.adapterName,
    queryRaw: async (query) => await transaction.queryRaw(query).catch(failed),
    executeRaw: async (query) => query.sql === lockOfEngine ? 0 : await transaction.executeRaw(query).catch(failed),
    executeScript: async (script) => { await execute(transaction, script).catch(failed) },
    startTransaction: connection.startTransaction.bind(connection),
    /* c8 ignore next: the engine does not call it, and must not end the connection if it ever does */
    dispose: async () => {},
    ...connection.getConnectionInfo && { getConnectionInfo: connection.getConnectionInfo.bind(connection) }
  }
  try {
    const result = await action(adapter)
    await execute(transaction, 'COMMIT')
    await transaction.commit()
    return result
  } catch (error) {
    // Lost connections roll back by themselves.
    await execute(transaction, 'ROLLBACK').catch(() => {})
    await transaction.rollback()
    throw firstError ?? error
  }
}

async function execute (queryable: SqlQueryable, sql: string): Promise<void> {
  await queryable.executeRaw({ sql, args: [], argTypes: [] })
}

/** Found by the name of the package, not beside this file: a bundler may have put this file elsewhere. */
function packageMigrations ({ provider }: SqlMigrationAwareDriverAdapterFactory): string {
  return fileURLToPath(new URL(provider === 'sqlite' ? 'prisma/sqlite/migrations' : 'prisma/migrations', import.meta.resolve('fastify-secsync/package.json')))
}

async function readMigrations (directory: string): Promise<MigrationList> {
  const baseDir = resolve(directory)
  const read = async (...path: string[]): Promise<string> => await readFile(join(baseDir, ...path), 'utf8')
  const migrationDirectories: MigrationDirectory[] = []
  const entries = await readdir(baseDir, { withFileTypes: true })
  // Prisma's names begin with the time.
  for (const path of entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort()) {
    const value = await read(path, 'migration.sql')
    migrationDirectories.push({ path, migrationFile: { path: 'migration.sql', content: { tag: 'ok', value } } })
  }
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: await read('migration_lock.toml') },
    shadowDbInitScript: '',
    migrationDirectories
  }
}

/** Prisma's drivers put the message of the database and the address into `cause`. */
function reason (error: unknown): string {
  const { message, cause: { originalMessage, host, port } = {} } = error as DriverError
  return originalMessage ?? (host === undefined ? message : `${message} (${[host, port].join(':')})`)
}

interface DriverError { message: string, cause?: { originalMessage?: string, host?: string, port?: number } }
