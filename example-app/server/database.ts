import { resolve } from 'node:path'
import { embeddedPostgres } from 'fastify-secsync/embedded'
import pg from 'pg'
import type { Settings } from './settings.ts'

export interface Database {
  connectionString: string
  /** What it is, for people. */
  description: string
  close (): Promise<void>
}

/** The database of the settings, checked; or one of our own, started. */
export async function openDatabase ({ DATABASE_URL, DATA_DIR }: Settings): Promise<Database> {
  if (DATABASE_URL === undefined) return await openOwn(DATA_DIR)
  if (!URL.canParse(DATABASE_URL)) throw new Error('DATABASE_URL is not a URL: are special characters in the password percent-encoded?')
  const { host, pathname } = new URL(DATABASE_URL)
  let client: pg.Client
  try {
    client = await connect(DATABASE_URL)
  } catch (error) {
    throw new Error(`The database of DATABASE_URL (${host}${pathname}) cannot be used: ${reason(error)}`, { cause: error })
  }
  const description = `PostgreSQL ${await version(client)} at ${host}`
  await client.end()
  return { connectionString: DATABASE_URL, description, async close () {} }
}

async function openOwn (directory: string): Promise<Database> {
  const postgres = await embeddedPostgres({ directory }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'FST_SECSYNC_EMBEDDED_POSTGRES_IN_USE'
      ? new Error(`Another server runs on the data in ${resolve(directory)}. Stop it, or set DATA_DIR to another directory`, { cause: error })
      : error
  })
  const client = await connect(postgres.connectionString)
  const description = `PostgreSQL ${await version(client)} in ${resolve(directory)}`
  await client.end()
  return { connectionString: postgres.connectionString, description, close: postgres.stop }
}

async function connect (connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 })
  // A connection that is lost later is noticed by those who use it.
  client.on('error', () => {})
  await client.connect()
  return client
}

async function version (client: pg.Client): Promise<string> {
  const { rows: [row] } = await client.query<{ server_version: string }>('SHOW server_version')
  return row?.server_version.split(' ')[0] ?? ''
}

/** Node.js tries every address of a host name, and puts what went wrong into an error without a message. */
function reason (error: unknown): string {
  return error instanceof AggregateError ? error.errors.map(({ message }: Error) => message).join(', ') : (error as Error).message
}
