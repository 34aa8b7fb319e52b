import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { AdapterMissing, CommandInvalid } from '../errors.ts'
import { AdapterClient } from '../stores/adapter.ts'
import { checkDatabase } from '../stores/check-database.ts'
import type { Selection } from '../stores/rows.ts'
import type { Io } from './io.ts'

export interface DatabaseOptions {
  databaseUrl?: string | undefined
  schema?: string | undefined
}

interface AdapterModule {
  PrismaPg: new (config: { connectionString: string }, options: { schema?: string }) => SqlMigrationAwareDriverAdapterFactory
}

/** The adapter is the user's: of the project that they are in, else beside this package. */
export async function adapterOf (
  { env, directory }: Io, { databaseUrl = env.DATABASE_URL, schema }: DatabaseOptions
): Promise<SqlMigrationAwareDriverAdapterFactory> {
  if (databaseUrl === undefined || databaseUrl === '') {
    throw new CommandInvalid('No database given. Pass --database-url postgres://user:password@host:5432/database, or set DATABASE_URL')
  }
  if (/^(file|libsql|sqlite):/.test(databaseUrl)) {
    throw new CommandInvalid('The command line does not work with SQLite. Run migrate({ adapter }) of fastify-secsync/migrate in a script of your own. See docs/sqlite.md')
  }
  if (!/^postgres(ql)?:\/\//.test(databaseUrl)) throw new CommandInvalid('The database URL must begin with postgres:// or postgresql://')
  const { PrismaPg } = await loadAdapter(directory)
  return new PrismaPg({ connectionString: databaseUrl }, schema === undefined ? {} : { schema })
}

async function loadAdapter (directory: string): Promise<AdapterModule> {
  const name = '@prisma/adapter-pg'
  let url = name
  try {
    url = pathToFileURL(createRequire(join(directory, 'package.json')).resolve(name)).href
  } catch {
    // Not there.
  }
  try {
    return await import(url) as AdapterModule
  } catch (cause) {
    throw Object.assign(new AdapterMissing((cause as Error).message), { cause })
  }
}

/** Calls a command with the database, and closes it. */
export async function withDatabase<T> (io: Io, options: DatabaseOptions, command: (client: AdapterClient) => Promise<T>): Promise<T> {
  const client = new AdapterClient(await adapterOf(io, options))
  try {
    await checkDatabase(client)
    return await command(client)
  } finally {
    await client.close()
  }
}

/** About how many messages are stored: every change counts up the version of its document. Reads one row of each document. */
export async function estimate (client: AdapterClient, { documentIds, prefix = '', after = '' }: Selection): Promise<number> {
  const [row] = await client.$queryRaw<Array<{ messages: number }>>`
    SELECT coalesce(sum(CASE WHEN counted_version = version THEN snapshot_count + update_count ELSE version END), 0)::float8 AS messages
    FROM secsync_document
    WHERE id > ${after} AND starts_with(id, ${prefix}) AND (${documentIds === undefined} OR id = ANY(${documentIds ?? []}::text[]))`
  return row?.messages ?? 0
}
