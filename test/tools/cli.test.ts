import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import { Report, type Io } from '../../lib/cli/io.ts'
import { run } from '../../lib/cli/run.ts'
import { createPrismaStore } from '../../lib/index.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'

const ada = new Author()

interface Called {
  code: number
  stdout: string
  stderr: string
  bytes: Buffer
}

interface Setting {
  env?: Record<string, string>
  stdin?: Buffer
  isTTY?: boolean
  directory?: string
  signal?: AbortSignal
}

async function call (args: string[], setting: Setting = {}): Promise<Called> {
  const { env = {}, stdin = Buffer.alloc(0), isTTY = false, directory = process.cwd(), signal = new AbortController().signal } = setting
  const [stdout, stderr] = [Object.assign(new PassThrough(), { isTTY }), Object.assign(new PassThrough(), { isTTY })]
  const io: Io = { stdin: Readable.from([stdin]), stdout, stderr, env, directory, signal }
  const [code, bytes, errors] = await Promise.all([
    run(args, io).finally(() => {
      stdout.end()
      stderr.end()
    }),
    buffer(stdout),
    buffer(stderr)
  ])
  return { code, stdout: bytes.toString(), stderr: errors.toString(), bytes }
}

async function setUp (t: Test, options?: { migrated: boolean }) {
  const { connectionString } = await createDatabase(t, options)
  const env = { DATABASE_URL: connectionString }
  const pool = new pg.Pool({ connectionString })
  const store = createPrismaStore({ adapter: new PrismaPg({ connectionString }) })
  t.teardown(async () => await Promise.all([pool.end(), store.close()]))
  return {
    connectionString,
    pool,
    call: async (args: string, setting: Setting = {}) => await call(args.split(' '), { env, ...setting }),
    async write (...documentIds: string[]) {
      for (const documentId of documentIds) {
        const snapshot = ada.snapshot(documentId)
        await store.createSnapshot({ snapshot })
        for (const clock of [0, 1]) await store.createUpdate({ update: ada.update(documentId, snapshot.publicData.snapshotId, clock) })
      }
    }
  }
}

t.test('help, versions and wrong arguments', async (t) => {
  t.match(await call(['--help']), { code: 0, stdout: /Exit codes:/ })
  t.match(await call(['--version']), { code: 0, stdout: /^\d+\.\d+\.\d+/ })
  t.match(await call([]), { code: 2, stderr: /Usage: fastify-secsync/ })
  t.match(await call(['verfy']), { code: 2, stderr: /Did you mean verify/ })
  t.match(await call(['verify', '--workers', 'x']), { code: 2, stderr: /from 0 to 256/ })
  t.match(await call(['delete', 'a', '--restorable-for', '3 days']), { code: 2, stderr: /10s, 5m, 12h or 30d/ })
  t.match(await call(['verify']), { code: 2, stderr: /No database given. Pass --database-url/ })
  for (const command of [['migrate'], ['verify'], ['export'], ['import', 'file'], ['prune', '--keep-snapshots', '1'], ['usage'], ['delete', 'document']]) {
    t.match(await call([...command, '--database-url', 'file:documents.db']), { code: 2, stderr: /SQLite/ }, command[0]!)
  }
  t.match(await call(['usage', '--database-url', 'mysql://host']), { code: 2, stderr: /must begin with postgres:\/\// })
  t.match(await call(['verify', 'missing.ndjson']), { code: 2, stderr: /Cannot read the archive: ENOENT/ })
  const { code, stdout } = await call(['usage', '--json', '--database-url', 'postgres://localhost:1/none'])
  t.equal(code, 2)
  t.match(JSON.parse(stdout), { type: 'error' })
})

t.test('migrates, and says that there are no tables before', async (t) => {
  const { call } = await setUp(t, { migrated: false })
  t.match(await call('verify'), { code: 2, stderr: /The database has no tables/ })
  t.match(await call('migrate --json'), { code: 0, stdout: /"applied":\["2/ })
  t.match(await call('migrate'), { code: 0, stdout: 'Nothing to do\n' })
  t.match(await call('verify --workers 0'), { code: 0, stdout: 'Checked 0 documents with 0 snapshots and 0 updates. No problem found\n' })
})

t.test('the tables of another schema', async (t) => {
  const { call } = await setUp(t, { migrated: false })
  t.match(await call('migrate --schema other'), { code: 0, stdout: /^Applied 2/ })
  t.match(await call('usage --schema other --json'), { code: 0, stdout: /"documents":0/ })
})

t.test('verifies a database: exit code 1 and the place for a problem', async (t) => {
  const { call, write, pool } = await setUp(t)
  await write('a', 'b', 'c')
  t.match(await call('verify --workers 1'), { code: 0, stdout: 'Checked 3 documents with 3 snapshots and 6 updates. No problem found\n', stderr: '' })
  t.match(await call('verify --workers 0 --prefix b', { isTTY: true }), { code: 0, stdout: /Checked 1 documents/, stderr: /messages/ })
  await pool.query("DELETE FROM secsync_update WHERE document_id = 'b' AND clock = 0; UPDATE secsync_document SET counted_version = -1")
  t.match(await call('verify --workers 0'), {
    code: 1,
    stdout: new RegExp(['^document "b", snapshot \\S+, author \\S+, clock 0: the update is missing, and 1 are stored behind it',
      '  good: 1 of 1 snapshots, 0 of 1 updates. It cannot be opened whole.',
      '  --repair would put aside: 1 message', '    snapshot .*', '    the clocks .*',
      'Checked 3 documents .* 1 problems in 1 documents, 1 of which cannot be opened whole\n$'].join('\n'))
  })
  const lines = (await call('verify --workers 0 --json --after a', { isTTY: true })).stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown)
  t.match(lines, [{ type: 'document', documentId: 'b', opens: false, problems: [{ kind: 'gap', clock: 0 }] }, { type: 'summary', documents: 2, broken: 1 }])
  t.match(await call('verify --workers 0 --document a --document c'), { code: 0 })
})

t.test('exports to a file, imports it, and passes over what is there', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  await source.write('a', 'b')
  for (const name of ['plain.ndjson', 'compressed.ndjson.gz']) {
    const file = join(t.testdir(), name)
    t.match(await source.call(`export --output ${file}`, { isTTY: true }), { code: 0, stdout: /Exported 2 documents with 2 snapshots and 4 updates\n/ })
    t.notOk(existsSync(`${file}.partial`))
    t.match(await call(['verify', file, '--workers', '0'], { isTTY: true }), { code: 0, stdout: /Checked 2 documents .* No problem found/, stderr: /bytes/ })
    t.match(await target.call(`import ${file} --workers 0`), { code: 0, stdout: name === 'plain.ndjson' ? 'Documents: 2 created\n' : 'Documents: 2 unchanged\n' })
    const archive = await readFile(file)
    await writeFile(file, archive.subarray(0, archive.length / 2))
    t.match(await target.call(`import ${file} --json`), { code: 1, stdout: /"outcome":"refused".*line \d+/ })
    t.match(await call(['verify', file]), { code: 1 })
    await writeFile(file, '')
    t.match(await target.call(`import ${file}`), { code: 1, stdout: /^Refused the archive: the archive ends at line 0/ })
  }
})

t.test('exports to stdout and imports from stdin', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  await source.write('a', 'b')
  const { bytes, stderr } = await source.call('export --gzip --document b --json')
  t.match(JSON.parse(stderr), { type: 'summary', documents: 1, output: '-' })
  t.match(await target.call('import -', { stdin: bytes }), { code: 0, stdout: 'Documents: 1 created\n' })
  t.match(await target.call('import -', { stdin: (await source.call('export')).bytes }), { code: 0, stdout: 'Documents: 1 created, 1 unchanged\n' })
  t.match(await source.call('export', { isTTY: true }), { code: 2, stderr: /An archive is not for a terminal/ })
  await source.pool.query("UPDATE secsync_update SET author = author || ' put aside' WHERE document_id = 'a' AND clock = 1")
  t.match(await source.call('export'), { code: 0, stderr: /1 messages that were put aside are left out/ })
})

t.test('an interrupted command leaves nothing half-done', async (t) => {
  const { call, write, pool } = await setUp(t)
  await write('a', 'b')
  const file = join(t.testdir(), 'archive.ndjson')
  const signal = AbortSignal.abort()
  t.match(await call(`export --output ${file}`, { signal }), { code: 130, stderr: 'Interrupted\n' })
  t.notOk(existsSync(file))
  t.notOk(existsSync(`${file}.partial`))
  t.match(await call('verify --workers 0', { signal }), { code: 130 })
  t.match(await call('delete a', { signal }), { code: 130 })
  t.equal((await pool.query('SELECT 1 FROM secsync_document WHERE deleted_at IS NULL')).rowCount, 2)
})

t.test('usage, and deletion', async (t) => {
  const { call, write } = await setUp(t)
  await write('a', 'b', 'c')
  t.match(await call('usage'), { code: 0, stdout: /^documents {7}3\nsnapshots {7}3\nupdates {9}6\n/ })
  t.match(await call('delete a nobody'), { code: 1, stdout: /^Deleted "a" with 1 snapshots, 2 updates, \d+ bytes\nThere is no document "nobody"\n$/ })
  t.match(await call('delete b --restorable-for 30d --json'), { code: 0, stdout: /"documentId":"b".*"restorableUntil"/ })
  t.match(JSON.parse((await call('usage --json --prefix b')).stdout), { documents: 0, deleted: { documents: 1 } })
})

t.test('the adapter beside this package serves a project that has none', async (t) => {
  const { call } = await setUp(t)
  t.match(await call('usage', { directory: t.testdir() }), { code: 0 })
})

t.test('lines are written above the bar', async (t) => {
  const stderr = Object.assign(new PassThrough(), { isTTY: true })
  const stdout = new PassThrough()
  const report = new Report({ stdin: Readable.from([]), stdout, stderr, env: {}, directory: '', signal: new AbortController().signal }, false)
  report.start('messages', 10)
  report.advance(5)
  report.result({}, 'found')
  report.note('noted')
  report.end()
  stdout.end()
  stderr.end()
  t.equal((await buffer(stdout)).toString(), 'found\n')
  t.match((await buffer(stderr)).toString(), /noted\n/)
})
