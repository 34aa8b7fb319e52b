// Documents in a file of SQLite, with Prisma's adapter for libSQL.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { PrismaPg } from '@prisma/adapter-pg'
import t, { type Test } from 'tap'
import { createDocuments } from '../../lib/documents/index.ts'
import { createPrismaStore } from '../../lib/index.ts'
import { migrate } from '../../lib/stores/migrate.ts'
import { createSchemaEngine } from '../../lib/stores/schema-engine.ts'
import { storeSuite } from '../../lib/testing/store.ts'
import { idOf } from '../fixtures/open-document.ts'
import { Author } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'

async function createFile (t: Test, { migrated = true } = {}): Promise<PrismaLibSql> {
  const directory = await mkdtemp(join(tmpdir(), 'fastify-secsync-test-sqlite-'))
  t.teardown(async () => await rm(directory, { recursive: true, force: true }))
  const adapter = new PrismaLibSql({ url: `file:${join(directory, 'documents.db')}` })
  if (migrated) t.strictSame(await migrate({ adapter }), ['20261129220000_secsync_init'])
  return adapter
}

t.test('the suite of all stores', async (t) => {
  const store = createPrismaStore({ adapter: await createFile(t) })
  t.teardown(() => store.close())
  storeSuite((name, run) => t.test(name, run), () => store)
})

t.test('published clients agree, and after a restart everything that was acknowledged is there', async (t) => {
  const adapter = await createFile(t)
  const { app, endpoint } = await startServer(t, { adapter })
  const [a, b] = [0, 1].map(() => new RealClient(t, endpoint, 'document', { snapshotEvery: 10 })) as [RealClient, RealClient]
  for (let i = 0; i < 30; i++) {
    a.type('a')
    b.type('b')
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal((await agree(a, b)).length, 60)
  t.match(await app.secsync.health(), { status: 'ok', database: 'ok' })
  for (const client of [a, b]) client.stop()
  await app.close()
  const again = await startServer(t, { adapter })
  t.equal(await agree(new RealClient(t, again.endpoint, 'document')), a.text.toString())
})

t.test('pipelined updates are saved in their order, and limits count their bytes', async (t) => {
  const { app, connect } = await startServer(t, { adapter: await createFile(t), limits: { maxDocumentBytes: 40_000 } })
  const [writer, reader] = [connect('document'), connect('document')]
  for (const client of [writer, reader]) await client.next('document')
  const author = new Author()
  const snapshot = author.snapshot('document')
  writer.send(snapshot)
  await reader.next('snapshot')
  const updates = Array.from({ length: 50 }, (_, clock) => author.update('document', idOf(snapshot), clock))
  for (const update of updates) writer.send(update)
  for (const update of updates) t.match(await reader.next('update'), update)
  writer.send(author.update('document', idOf(snapshot), updates.length, 'x'.repeat(40_000)))
  const answers: string[] = []
  while (answers.length < updates.length + 2) answers.push((await writer.nextOfAny()).type)
  t.strictSame(answers, ['snapshot-saved', ...updates.map(() => 'update-saved'), 'update-save-failed'])
  t.equal((await app.secsync.getDocument({ documentId: 'document', mode: 'complete' }))?.updates?.length, updates.length)
})

t.test('a file without tables is an error at the start, a migration is applied once, and a failed one leaves nothing', async (t) => {
  const adapter = await createFile(t, { migrated: false })
  await t.rejects(startServer(t, { adapter }), { code: 'FST_SECSYNC_DATABASE_NOT_MIGRATED' })
  t.equal((await migrate({ adapter })).length, 1)
  t.strictSame(await migrate({ adapter }), [])
  const migrationsDirectory = await mkdtemp(join(tmpdir(), 'fastify-secsync-test-migrations-'))
  t.teardown(async () => await rm(migrationsDirectory, { recursive: true, force: true }))
  await mkdir(join(migrationsDirectory, '20270101000000_broken'))
  await writeFile(join(migrationsDirectory, 'migration_lock.toml'), 'provider = "sqlite"')
  await writeFile(join(migrationsDirectory, '20270101000000_broken', 'migration.sql'), 'CREATE TABLE half (id TEXT); CREATE TABLE secsync_update (id TEXT);')
  await t.rejects(migrate({ adapter, migrationsDirectory }), { code: 'FST_SECSYNC_MIGRATION_FAILED' })
  const connection = await adapter.connect()
  const { rows } = await connection.queryRaw({ sql: "SELECT name FROM sqlite_master WHERE name = 'half'", args: [], argTypes: [] })
  await connection.dispose()
  t.strictSame(rows, [])
})

t.test('the migration makes the tables of the schema', async (t) => {
  const engine = await createSchemaEngine(new PrismaLibSql({ url: ':memory:' }))
  t.teardown(() => engine.free())
  const path = 'prisma/sqlite/schema.prisma'
  const { stdout } = await engine.diff({
    from: { tag: 'empty' },
    to: { tag: 'schemaDatamodel', files: [{ path, content: await readFile(path, 'utf8') }] },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] }
  })
  t.equal(await readFile('prisma/sqlite/migrations/20261129220000_secsync_init/migration.sql', 'utf8'), stdout)
})

t.test('a database that fails is an error that says so', async (t) => {
  const store = createPrismaStore({ adapter: await createFile(t, { migrated: false }) })
  t.teardown(() => store.close())
  await t.rejects(async () => await store.getDocument({ documentId: 'document', mode: 'complete' }), { code: 'FST_SECSYNC_DATABASE_FAILED', message: /secsync_document/ })
})

t.test('the history of a document can be read, also over HTTP', async (t) => {
  const { app, connect, endpoint } = await startServer(t, { adapter: await createFile(t), history: true })
  const client = connect('document')
  await client.next('document')
  const author = new Author()
  const first = author.snapshot('document')
  client.send(first)
  await client.next('snapshot-saved')
  client.send(author.update('document', idOf(first), 0))
  await client.next('update-saved')
  const second = author.snapshot('document', { parent: first, clocks: { [author.publicKey]: 0 } })
  client.send(second)
  await client.next('snapshot-saved')

  const { documents } = app.secsync
  const bytes = (snapshot: object) => Buffer.byteLength(JSON.stringify(snapshot))
  const { parentSnapshotProof } = first.publicData
  const versions = [
    { snapshotId: idOf(second), version: 3, publicKey: author.publicKey, bytes: bytes(second), isActive: true, isKept: true },
    { snapshotId: idOf(first), version: 1, publicKey: author.publicKey, bytes: bytes(first), isActive: false, isKept: true, parentSnapshotProof }
  ]
  const page = await documents.history('document')
  t.match(page, { snapshots: versions })
  t.ok(Math.abs(Date.now() - Date.parse(page!.snapshots[0]!.createdAt)) < 60_000)
  t.match(await documents.history('document', { limit: 1 }), { snapshots: versions.slice(0, 1), before: 3 })
  t.match(await documents.history('document', { before: 3 }), { snapshots: versions.slice(1) })
  t.strictSame(await documents.history('document', { before: 1 }), { snapshots: [] })
  t.equal(await documents.history('another'), undefined)
  t.equal(await documents.history(''), undefined)
  t.strictSame(await documents.snapshot('document', idOf(first)), first)
  t.equal(await documents.snapshot('document', 'another'), undefined)
  t.equal(await documents.snapshot('document', ''), undefined)
  t.strictSame([await documents.exists('document'), await documents.exists('another'), await documents.exists('')], [true, false, false])

  const get = async (path: string) => await (await fetch(`${endpoint.replace('ws', 'http')}/document/snapshots${path}?sessionKey=key`)).json() as object
  t.strictSame(await get(''), page)
  t.strictSame(await get(`/${idOf(first)}`), first)
})

t.test('an owner can be out of space', async (t) => {
  const { connect } = await startServer(t, { adapter: await createFile(t), hasQuota: () => false })
  const client = connect('document')
  await client.next('document')
  client.send(new Author().snapshot('document'))
  await client.next('snapshot-save-failed')
})

t.test('what needs PostgreSQL is refused by name', async (t) => {
  const adapter = await createFile(t)
  const bus = { publish: async () => {}, subscribe: () => () => {}, close: async () => {} }
  for (const [option, value] of [['bus', bus], ['retention', { snapshots: 1 }]] as const) {
    await t.rejects(startServer(t, { adapter, [option]: value }), { code: 'FST_SECSYNC_OPTION_INVALID', message: `The option ${option} is invalid: is not supported on SQLite` })
  }
  await t.rejects(startServer(t, { adapter: { ...adapter, provider: 'mysql', connect: adapter.connect } as never }), { code: 'FST_SECSYNC_OPTION_INVALID', message: 'not for mysql' })
  const { app } = await startServer(t, { adapter })
  const unsupported = { code: 'FST_SECSYNC_DOCUMENTS_UNSUPPORTED', message: /PostgreSQL/ }
  const { documents } = app.secsync
  await t.rejects(documents.delete('document'), unsupported)
  await t.rejects(documents.list(), unsupported)
  await t.rejects(documents.prune({ snapshots: 1 }), unsupported)
  for (const name of ['get', 'receipt', 'restore'] as const) await t.rejects(async () => { await documents[name]('document') }, unsupported)
  for (const name of ['usage', 'purge', 'recount'] as const) await t.rejects(async () => { await documents[name]() }, unsupported)
  t.throws(() => createDocuments({ adapter }), { code: 'FST_SECSYNC_OPTION_INVALID', message: /not for sqlite.*history/ })
})

t.test('a PrismaClient for another database is refused', async (t) => {
  const { PrismaClient } = await import('../../lib/stores/prisma-client/client.ts')
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: 'postgres://host' }) })
  t.match(prisma, { _activeProvider: 'postgresql' })
  Object.assign(prisma, { _activeProvider: 'sqlite' })
  await t.rejects(startServer(t, { prisma }), { code: 'FST_SECSYNC_OPTION_INVALID', message: /prisma .*not for sqlite. Pass adapter/ })
  Object.assign(prisma, { _activeProvider: 'mysql' })
  await t.rejects(startServer(t, { prisma }), { code: 'FST_SECSYNC_OPTION_INVALID', message: /not for mysql/ })
})
