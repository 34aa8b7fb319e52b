import { PrismaPg } from '@prisma/adapter-pg'
import { Value } from '@sinclair/typebox/value'
import { FormatRegistry } from '@sinclair/typebox'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createDocuments, DocumentInfo, DocumentPage, Usage, type ListQuery } from '../../lib/documents/index.ts'
import { createPrismaStore } from '../../lib/index.ts'
import { PrismaClient } from '../../lib/stores/prisma-client/client.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'
import { Version01 } from '../fixtures/version-0.1.ts'

FormatRegistry.Set('date-time', (text) => new Date(text).toISOString() === text)

const [ada, bob] = [new Author(), new Author()]

async function open (t: Test) {
  const { connectionString, drop } = await createDatabase(t)
  const adapter = () => new PrismaPg({ connectionString })
  const documents = createDocuments({ adapter: adapter() })
  t.teardown(() => documents.close())
  const store = createPrismaStore({ adapter: adapter() })
  t.teardown(() => store.close())
  const client = new pg.Client({ connectionString })
  // The database of a test is dropped.
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.end())
  return { documents, store, adapter, query: async (text: string, values?: unknown[]) => (await client.query(text, values)).rows as unknown[], drop }
}

async function idsOf (documents: ReturnType<typeof createDocuments>, query: ListQuery): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await documents.list({ ...query, ...cursor !== undefined && { cursor } })
    if (!Value.Check(DocumentPage, page)) throw new Error(JSON.stringify([...Value.Errors(DocumentPage, page)]))
    ids.push(...page.documents.map(({ documentId }) => documentId))
    cursor = page.cursor
    if (cursor === undefined) return ids
  }
}

t.test('documents are listed by id, in the order of code points, page by page', async (t) => {
  const { documents, store } = await open(t)
  const ids = ['A', 'B', 'a', 'a/1', 'a/10', 'a/2', 'a/\u{10FFFF}', 'a%', 'a_', 'b', 'ä', 'ü 文書 🎉', '\u{10FFFF}']
  for (const id of ids) await store.createSnapshot({ snapshot: ada.snapshot(id) })
  const sorted = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  for (const limit of [1, 2, 13, 1000]) {
    t.strictSame(await idsOf(documents, { limit }), sorted)
    t.strictSame(await idsOf(documents, { limit, descending: true }), [...sorted].reverse())
    for (const prefix of ['a', 'a/', 'a/1', 'a%', 'ü', '\u{10FFFF}', 'none', '']) {
      const expected = sorted.filter((id) => id.startsWith(prefix))
      t.strictSame(await idsOf(documents, { prefix, limit }), expected, prefix)
      t.strictSame(await idsOf(documents, { prefix, limit, descending: true }), [...expected].reverse(), prefix)
      t.strictSame((await idsOf(documents, { prefix, limit, orderBy: 'changedAt' })).sort(), [...expected].sort(), prefix)
    }
  }
  t.strictSame((await documents.list()).documents.length, ids.length)
})

t.test('documents are listed by last change', async (t) => {
  const { documents, store, query } = await open(t)
  const snapshots = ['a', 'b', 'c', 'd'].map((id) => ada.snapshot(id))
  for (const snapshot of snapshots) await store.createSnapshot({ snapshot })
  await query("UPDATE secsync_document SET changed_at = now() - CASE id WHEN 'a' THEN interval '1 h' WHEN 'd' THEN interval '3 h' ELSE interval '2 h' END")
  for (const limit of [1, 3, 10]) {
    t.strictSame(await idsOf(documents, { orderBy: 'changedAt', limit }), ['d', 'b', 'c', 'a'])
    t.strictSame(await idsOf(documents, { orderBy: 'changedAt', descending: true, limit }), ['a', 'c', 'b', 'd'])
  }
  const before = Date.now() - 1000
  await store.createUpdate({ update: ada.update('d', idOf(snapshots[3]!), 0) })
  t.equal((await idsOf(documents, { orderBy: 'changedAt', descending: true }))[0], 'd')
  const { changedAt } = await documents.get('d') ?? {}
  t.ok(Date.parse(changedAt ?? '') > before)
  await store.createUpdate({ update: ada.update('d', idOf(snapshots[3]!), 1) })
  t.equal((await documents.get('d'))?.changedAt, changedAt, 'once a minute, so that the index is not written at every update')
})

t.test('get() and usage() say how much is stored', async (t) => {
  const { documents, store } = await open(t)
  t.strictSame(await documents.usage(), {
    documents: 0, snapshots: 0, updates: 0, liveBytes: 0, keptBytes: 0, uncounted: 0, deleted: { documents: 0, bytes: 0 }
  })
  for (const id of ['a/1', 'a/2', 'b']) {
    const first = ada.snapshot(id)
    await store.createSnapshot({ snapshot: first })
    await store.createUpdate({ update: ada.update(id, idOf(first), 0) })
    const second = ada.snapshot(id, { parent: first, clocks: { [ada.publicKey]: 0 } })
    await store.createSnapshot({ snapshot: second })
    await store.createUpdate({ update: ada.update(id, idOf(second), 0) })
    await store.createUpdate({ update: bob.update(id, idOf(second), 0) })
    const info = await documents.get(id)
    t.ok(Value.Check(DocumentInfo, info))
    t.match(info, { documentId: id, version: 5, activeSnapshotId: idOf(second), authors: 2, usage: { snapshots: 2, updates: 3 } })
    t.ok((info?.usage?.keptBytes ?? 0) > (info?.usage?.liveBytes ?? 0))
    t.equal(await documents.exists(id), true)
  }
  const all = await documents.usage()
  t.ok(Value.Check(Usage, all))
  const single = (await documents.get('b'))?.usage
  t.match(all, { documents: 3, snapshots: 6, updates: 9, uncounted: 0 })
  t.strictSame(await documents.usage({ prefix: 'b' }), { documents: 1, ...single, uncounted: 0, deleted: { documents: 0, bytes: 0 } })
  t.match(await documents.usage({ prefix: 'a/' }), { documents: 2, snapshots: 4 })
  for (const id of ['', 'none', 'a\0b', '\ud800']) {
    t.equal(await documents.get(id), undefined)
    t.equal(await documents.exists(id), false)
    t.equal(await documents.delete(id), undefined)
    t.equal(await documents.receipt(id), undefined)
    t.equal(await documents.restore(id), false)
  }
})

t.test('documents that version 0.1 wrote are counted when somebody asks, or all at once', async (t) => {
  const { documents, adapter } = await open(t)
  const db = new AdapterClient(adapter())
  t.teardown(() => db.close())
  const old = new Version01(db)
  const ids = Array.from({ length: 103 }, (_, index) => `document ${index}`)
  for (const id of ids) await old.createSnapshot({ snapshot: ada.snapshot(id) })
  t.match(await documents.usage(), { documents: 103, uncounted: 103, snapshots: 0 })
  const { documents: [first] } = await documents.list({ limit: 1 })
  t.notOk(first?.usage)
  t.match(await documents.get(first?.documentId ?? ''), { usage: { snapshots: 1 } })
  t.equal(await documents.recount({ signal: AbortSignal.abort() }), 0)
  t.equal(await documents.recount(), 102)
  t.match(await documents.usage(), { documents: 103, uncounted: 0, snapshots: 103 })
})

t.test("the same with the user's PrismaClient", async (t) => {
  const { store, adapter } = await open(t)
  const prisma = new PrismaClient({ adapter: adapter() })
  t.teardown(() => prisma.$disconnect())
  const documents = createDocuments({ prisma })
  await store.createSnapshot({ snapshot: ada.snapshot('document') })
  t.strictSame(await idsOf(documents, {}), ['document'])
  t.match(await documents.get('document'), { version: 1 })
  t.match(await documents.usage(), { documents: 1 })
  t.match(await documents.delete('document'), { version: 1 })
  t.equal(await documents.purge(), 1)
  await documents.close()
})

t.test('what makes no sense is named', async (t) => {
  const { documents, drop } = await open(t)
  const cursor = Buffer.from('["documentId","ascending",1,"a"]').toString('base64url')
  for (const [query, message] of [
    [{ limit: 0 }, /list\(\): limit/],
    [{ limit: 1001 }, /list\(\): limit/],
    [{ orderBy: 'size' }, /list\(\): orderBy/],
    [{ unknown: 1 }, /list\(\): unknown/],
    [{ prefix: 'a\0' }, /list\(\): prefix/],
    [{ cursor: 'none' }, /list\(\): cursor is not one/],
    [{ cursor: Buffer.from('[1]').toString('base64url') }, /list\(\): cursor is not one/],
    [{ cursor, descending: true }, /list\(\): cursor is that of a page in another order/],
    ['a', /list\(\): the argument/]
  ] as const) {
    await t.rejects(documents.list(query as ListQuery), { code: 'FST_SECSYNC_DOCUMENTS_QUERY_INVALID', message })
  }
  await t.rejects(documents.get(1 as unknown as string), { code: 'FST_SECSYNC_DOCUMENTS_QUERY_INVALID' })
  await t.rejects(documents.delete('a', { restorableFor: -1 }), { code: 'FST_SECSYNC_DOCUMENTS_QUERY_INVALID' })
  t.throws(() => createDocuments({}), { code: 'FST_SECSYNC_OPTION_INVALID' })
  await drop()
  await t.rejects(documents.list(), { code: 'FST_SECSYNC_DATABASE_FAILED' })
  t.notOk(Value.Check(DocumentInfo, {}))
})

t.test('pages and sums are read by index', async (t) => {
  const { query } = await open(t)
  await query(`INSERT INTO secsync_document (id, active_snapshot_id, clocks, version, counted_version, changed_at)
    SELECT md5(i::text), 's', '{}', 1, 1, now() - make_interval(secs => i) FROM generate_series(1, 20000) i`)
  await query('ANALYZE secsync_document')
  const { statements } = await import('../../lib/stores/document-rows.ts')
  for (const [name, values, index] of [
    ['listById.ascending', ['', '\u{10FFFF}', 'a', 101], 'secsync_document_id_idx'],
    ['listById.descending', ['a', 'a\u{10FFFF}', 'b', 101], 'secsync_document_id_idx'],
    ['listByChange.ascending', ['', '-infinity', '', 101], 'secsync_document_changed_at_id_idx'],
    ['listByChange.descending', ['', 'infinity', '', 101], 'secsync_document_changed_at_id_idx'],
    ['sum', ['abc', 'abc', 'abc', 'abc\u{10FFFF}'], 'secsync_document_id_idx'],
    ['one', ['abc'], 'Index Scan']
  ] as const) {
    const sql = (statements[name] as readonly string[]).reduce((text, part, i) => `${text}$${i}${part}`)
    const plan = JSON.stringify(await query(`EXPLAIN (FORMAT JSON) ${sql}`, [...values]))
    t.match(plan, index, name)
    t.notMatch(plan, '"Seq Scan","Parallel Aware":false,"Async Capable":false,"Relation Name":"secsync_document"', name)
    // As a statement with a name is planned after a few times.
    await query('SET plan_cache_mode = force_generic_plan')
    const parameters = values.map((value) => typeof value === 'number' ? value : `'${value}'`).join()
    await query(`PREPARE p AS ${sql}`)
    const generic = JSON.stringify(await query(`EXPLAIN (FORMAT JSON) EXECUTE p (${parameters})`))
    await query('DEALLOCATE p')
    t.match(generic, index, `${name}, generic`)
    t.notMatch(generic, '"Sort"', `${name}, generic`)
    await query('RESET plan_cache_mode')
  }
})
