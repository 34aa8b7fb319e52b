import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { Cluster, isAlive } from './cluster.ts'
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
  const cluster = new Cluster(directory)
  await cluster.create()
  await takeOver(cluster)
  await cluster.start()
  // It lives in a session of its own. If this process ends without `close`, it has to be told; after `kill -9` nobody can.
  const pid = await cluster.process()
  const stop = (): void => { if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGINT') }
  process.once('exit', stop)

  const owner = await connect(cluster.connectionString)
  await owner.query(takeLock)
  return {
    connectionString: cluster.connectionString,
    description: `PostgreSQL ${await version(owner)} in ${cluster.directory}`,
    async close () {
      process.off('exit', stop)
      await cluster.stop()
    }
  }
}

// Who holds it, on a connection that is open as long as its process runs, is the owner of the database.
const takeLock = 'SELECT pg_try_advisory_lock(hashtext($$fastify-secsync example app$$)) AS taken'

/** After `kill -9`, PostgreSQL runs on without us. It is stopped in good order, unless it has another owner now. */
async function takeOver (cluster: Cluster): Promise<void> {
  while (await cluster.process() !== undefined) {
    let client: pg.Client
    try {
      client = await connect(cluster.connectionString)
    } catch (error) {
      // Starting up, or on its way down.
      if ((error as pg.DatabaseError).code !== '57P03') return
      await sleep(100)
      continue
    }
    const { rows: [lock] } = await client.query<{ taken: boolean }>(takeLock)
    await client.end()
    if (!lock?.taken) {
      throw new Error(`Another server runs on the data in ${cluster.directory}. Stop it, or set DATA_DIR to another directory`)
    }
    await cluster.stop()
  }
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
