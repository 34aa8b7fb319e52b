import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { embeddedPostgres } from '../../lib/embedded/embedded-postgres.ts'
import { freePort } from '../../lib/embedded/cluster.ts'
import { keep } from '../fixtures/postgres.ts'

const file = fileURLToPath(new URL('../fixtures/embedded-server.js', import.meta.url))

/** Not synced to disk: only its processes are tried here. */
const settings = { fsync: 'off' }

async function makeDirectory (t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fastify-secsync-test-embedded-'))
  keep(directory, process.pid)
  t.teardown(async () => await rm(directory, { recursive: true, force: true }))
  return directory
}

async function query (connectionString: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    const { rows: [row] } = await client.query<Record<string, unknown>>(sql)
    return row && Object.values(row)[0]
  } finally {
    await client.end()
  }
}

/** Another process that runs one; resolves when it has started, or with what it printed to stderr when it has ended instead. */
function startOther (t: Test, args: string[], options: { uid?: number, gid?: number } = {}) {
  const child = spawn(process.execPath, [file, ...args], { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const exited = once(child, 'close')
  t.teardown(async () => {
    child.kill()
    await exited
  })
  let errors = ''
  child.stderr.on('data', (data: Buffer) => { errors += data.toString() })
  const started = (async () => {
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), exited])
    return typeof line === 'string' ? line : errors
  })()
  return { child, started, exited }
}

const isRunning = (directory: string): boolean => existsSync(join(directory, 'postgres', 'postmaster.pid'))

async function hasStopped (directory: string): Promise<void> {
  while (isRunning(directory)) await sleep(20)
}

t.test('it starts, keeps its data, and stops', async (t) => {
  const directory = await makeDirectory(t)
  const first = await embeddedPostgres({ directory, settings })
  await query(first.connectionString, 'CREATE TABLE kept AS SELECT 42 AS answer')
  await first.stop()
  t.notOk(isRunning(directory))
  const second = await embeddedPostgres({ directory, settings: { ...settings, max_connections: '7' } })
  t.equal(await query(second.connectionString, 'SELECT answer FROM kept'), 42)
  t.equal(await query(second.connectionString, 'SHOW max_connections'), '7')
  await second.stop()
  await second.stop()
})

t.test('it stops when its process is killed, and the next one starts at once', async (t) => {
  const directory = await makeDirectory(t)
  const first = startOther(t, [directory])
  t.match(await first.started, /^postgresql:/)
  first.child.kill('SIGKILL')
  await first.exited
  const next = await embeddedPostgres({ directory, settings })
  t.equal(await query(next.connectionString, 'SELECT 1'), 1)
  await next.stop()

  const last = startOther(t, [directory])
  t.match(await last.started, /^postgresql:/)
  last.child.kill('SIGKILL')
  await hasStopped(directory)
  t.pass('without a next one, too')
})

t.test('of several that start at once on one directory, one runs and the others name it', async (t) => {
  const directory = await makeDirectory(t)
  const others = Array.from({ length: 4 }, () => startOther(t, [directory, '3000']))
  const started = await Promise.all(others.map(({ started }) => started))
  t.equal(started.filter((line) => line.startsWith('postgresql:')).length, 1)
  for (const line of started.filter((line) => !line.startsWith('postgresql:'))) {
    t.match(line, `Another process uses the PostgreSQL in ${directory}`)
    t.match(line, 'FST_SECSYNC_EMBEDDED_POSTGRES_IN_USE')
  }
})

t.test('one that starts while another is shutting down waits for it', async (t) => {
  const directory = await makeDirectory(t)
  const first = startOther(t, [directory])
  await first.started
  const next = startOther(t, [directory])
  await sleep(300)
  first.child.kill()
  t.match(await next.started, /^postgresql:/)
})

t.test('a file that a crash has left is no server, even if its process id is used again', async (t) => {
  const directory = await makeDirectory(t)
  const first = await embeddedPostgres({ directory, settings })
  const pidFile = join(directory, 'postgres', 'postmaster.pid')
  const content = await readFile(pidFile, 'utf8')
  const { uid, gid } = await stat(pidFile)
  await first.stop()
  for (const pid of [process.pid, 2 ** 22 + 1]) {
    await writeFile(pidFile, content.replace(/^\d+/, `${pid}`), { mode: 0o600 })
    await chown(pidFile, uid, gid)
    const next = await embeddedPostgres({ directory, settings })
    t.equal(await query(next.connectionString, 'SELECT 1'), 1)
    await next.stop()
  }
})

t.test('a port that is taken is not used, and a fixed one is', async (t) => {
  const directory = await makeDirectory(t)
  const port = await freePort()
  const fixed = await embeddedPostgres({ directory, settings, port })
  t.equal(new URL(fixed.connectionString).port, `${port}`)
  await fixed.stop()
  const server = createServer().listen(port, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  await t.rejects(embeddedPostgres({ directory, settings, port }), { code: 'FST_SECSYNC_EMBEDDED_POSTGRES_FAILED', message: /Address already in use/ })
})

t.test('it works in a closed directory, and under any umask', async (t) => {
  for (const umask of [0o077, 0o000, 0o027]) {
    const before = process.umask(umask)
    t.teardown(() => process.umask(before))
    const closed = await makeDirectory(t)
    await chmod(closed, 0o700)
    const postgres = await embeddedPostgres({ directory: join(closed, 'data'), settings })
    t.equal(await query(postgres.connectionString, 'SELECT 1'), 1)
    await postgres.stop()
    process.umask(before)
  }
})
