import t from 'tap'
import { updateChange } from '../../lib/protocol/changes.ts'
import { readDocuments } from '../../lib/stores/rows.ts'
import { createChecker } from '../../lib/verify/checker.ts'
import { describe, type Problem } from '../../lib/verify/problems.ts'
import { verify } from '../../lib/verify/verify.ts'
import { damages } from '../fixtures/damages.ts'
import { fill } from '../fixtures/fill.ts'
import { ada, collect, storedDocuments, writeDocument } from '../fixtures/stored-documents.ts'

const whole = {
  opens: true, checked: { snapshots: 3, updates: 15 }, good: { snapshots: 3, updates: 15 }, putAside: 0, pruned: 0, problems: [], problemCount: 0
}

t.test('good documents have no problem, with and without threads', async (t) => {
  const database = await storedDocuments(t)
  t.strictSame(await database.reports(), [])
  for (const id of ['a', 'b', 'b/c', 'é']) await writeDocument(database, id)
  for (const workers of [0, 1, 2]) {
    t.strictSame(await database.reports({}, workers), ['a', 'b', 'b/c', 'é'].map((documentId) => ({ documentId, ...whole })))
  }
  t.strictSame((await database.reports({ prefix: 'b' })).map(({ documentId }) => documentId), ['b', 'b/c'])
  t.strictSame((await database.reports({ documentIds: ['é', 'a', 'nobody', 'a'] })).map(({ documentId }) => documentId), ['é', 'a'])
  t.strictSame(await database.reports({ documentIds: [] }), [])
})

t.test('many documents and large ones are read page by page', async (t) => {
  const { connectionString, reports } = await storedDocuments(t)
  const messages = await fill(connectionString, { documents: 1, snapshots: 2, updates: 1100, prefix: 'large', updateBytes: 20 }) +
    await fill(connectionString, { documents: 520, snapshots: 1, updates: 1, snapshotBytes: 20, updateBytes: 20 }) +
    await fill(connectionString, { documents: 1, snapshots: 3, updates: 0, snapshotBytes: 3 * 1024 * 1024, prefix: 'heavy' })
  const found = await reports({}, 1)
  t.equal(found.length, 522)
  t.equal(found.reduce((sum, { good }) => sum + good.snapshots + good.updates, 0), messages)
  t.ok(found.every(({ opens, problemCount }) => opens && problemCount === 0))
})

t.test('says what is wrong, and where', async (t) => {
  const database = await storedDocuments(t)
  const stored = await writeDocument(database, 'document')
  const tables = ['secsync_document', 'secsync_snapshot', 'secsync_update']
  for (const table of tables) await database.query(`CREATE TABLE saved_${table} AS TABLE ${table}`)
  for (const [name, { damage, problems, good: [snapshots, updates] = [3, 15], opens = false }] of Object.entries(damages)) {
    await damage(database, stored)
    await database.query('UPDATE secsync_document SET counted_version = -1')
    const [report] = await database.reports()
    const inOrder = (list: Array<Partial<Problem>>) => list.map(({ kind, snapshotId, clock, ...problem }) => ({ kind, snapshotId, clock, ...problem }))
      .sort((a, b) => JSON.stringify([a.kind, a.snapshotId, a.clock]) < JSON.stringify([b.kind, b.snapshotId, b.clock]) ? -1 : 1)
    t.match(inOrder(report?.problems ?? []), inOrder(problems(stored.ids)), name)
    t.match(report, { documentId: 'document', good: { snapshots, updates }, opens, problemCount: problems(stored.ids).length }, name)
    await database.query(`TRUNCATE ${tables.join()} CASCADE`)
    for (const table of tables) await database.query(`INSERT INTO ${table} TABLE saved_${table}`)
  }
})

t.test('what was put aside is counted, and no problem', async (t) => {
  const database = await storedDocuments(t)
  const { ids } = await writeDocument(database, 'document')
  await database.query('DELETE FROM secsync_update WHERE snapshot_id = $1 AND author = $2 AND clock = 2', ids[2], ada.publicKey)
  await database.store.getDocument({ documentId: 'document', mode: 'complete' })
  t.match(await database.reports(), [{ opens: true, putAside: 2, checked: { updates: 12 }, good: { updates: 12 }, problems: [] }])
})

t.test('wrong counts are said, and those of another version passed over', async (t) => {
  const database = await storedDocuments(t)
  await writeDocument(database, 'document')
  await database.query('UPDATE secsync_document SET kept_bytes = 1, active_updates = 8')
  const [report] = await database.reports()
  t.match(report, { opens: true, good: whole.good, problemCount: 2 })
  t.match(report?.problems, [{ kind: 'counts', reason: /^the document counts 1 keptBytes, and \d+ are stored$/ }, { kind: 'counts', reason: 'the document counts 8 activeUpdates, and 7 are stored' }])
  await database.query('UPDATE secsync_document SET counted_version = 1')
  t.match(await database.reports(), [whole])
})

t.test('a pruned document is good: its proofs are', async (t) => {
  const database = await storedDocuments(t)
  const { ids } = await writeDocument(database, 'document')
  await database.query('UPDATE secsync_snapshot SET data = NULL, pruned_at = now() WHERE id = ANY($1)', ids.slice(0, 2))
  await database.query('DELETE FROM secsync_update WHERE snapshot_id = ANY($1)', ids.slice(0, 2))
  await database.query('UPDATE secsync_document SET counted_version = -1')
  t.match(await database.reports(), [{ opens: true, pruned: 2, checked: { snapshots: 1, updates: 7 }, good: { snapshots: 1, updates: 7 }, problems: [] }])
  await database.query('UPDATE secsync_snapshot SET ciphertext_hash = parent_snapshot_proof WHERE id = $1', ids[0])
  t.match(await database.reports(), [{ opens: true, problems: [{ kind: 'proof', snapshotId: ids[1] }] }])
  await database.query('UPDATE secsync_snapshot SET data = NULL')
  t.match(await database.reports(), [{ opens: false, problems: [{}, { kind: 'document', snapshotId: ids[2], reason: 'the last snapshot was pruned' }] }])
})

t.test('a deleted document is passed over', async (t) => {
  const database = await storedDocuments(t)
  for (const id of ['a', 'b', 'c']) await writeDocument(database, id)
  await database.query("UPDATE secsync_document SET deleted_at = now(), active_snapshot_id = '' WHERE id = 'b'")
  t.match(await database.reports(), [{ documentId: 'a', ...whole }, { documentId: 'c', ...whole }])
})

t.test('a document with a thousand problems is reported with the first hundred', async (t) => {
  const { connectionString, reports, query } = await storedDocuments(t)
  await fill(connectionString, { documents: 1, snapshots: 1, updates: 150, updateBytes: 20 })
  await query("UPDATE secsync_update SET data = ''")
  const [report] = await reports({}, 1)
  t.match(report, { problemCount: 150, opens: false, good: { updates: 0 }, problems: { length: 100 } })
})

t.test('rows without their document are not passed over', async (t) => {
  const database = await storedDocuments(t)
  for (const id of ['a', 'b', 'c']) await writeDocument(database, id)
  await database.query('ALTER TABLE secsync_snapshot DROP CONSTRAINT secsync_snapshot_document_id_fkey')
  await database.query("DELETE FROM secsync_document WHERE id = 'b'")
  await t.rejects(database.reports(), { code: 'FST_SECSYNC_ROWS_UNORDERED' })
})

t.test('a thread that ends, and a database that does, end the check', async (t) => {
  const database = await storedDocuments(t)
  await writeDocument(database, 'document')
  const checker = createChecker(1)
  const { text: data } = updateChange(ada.update('document', 'snapshot', 1))
  // A thread cannot write this into a reason.
  const row = { documentId: 'document', snapshotId: 'snapshot', author: ada.publicKey, clock: 1n as unknown as number, version: 1, createdAt: 0, data }
  await t.rejects(checker.updates([row]), /BigInt/)
  await t.rejects(checker.updates([row]), /BigInt/)
  await checker.room()
  await t.rejects(collect(verify(readDocuments(database.client), checker)))
  await checker.close()
  await database.query('DROP TABLE secsync_update')
  await t.rejects(database.reports())
})

t.test('a problem is said in one line', (t) => {
  t.equal(describe({ documentId: 'a "b"', kind: 'document', reason: 'broken' }), 'document "a \\"b\\"": broken')
  t.equal(describe({ documentId: 'a', snapshotId: 's', author: 'k', clock: 1, kind: 'gap', reason: 'missing' }), 'document "a", snapshot s, author k, clock 1: missing')
  t.end()
})
