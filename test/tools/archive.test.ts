import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import t, { type Test } from 'tap'
import { importDocuments, type ImportReport } from '../../lib/archive/import.ts'
import { readArchive } from '../../lib/archive/read.ts'
import { writeArchive, type Exported } from '../../lib/archive/write.ts'
import type { Snapshot } from '../../lib/index.ts'
import { readDocuments, type Selection } from '../../lib/stores/rows.ts'
import { createChecker } from '../../lib/verify/checker.ts'
import type { DocumentReport } from '../../lib/verify/problems.ts'
import { verify } from '../../lib/verify/verify.ts'
import { fill } from '../fixtures/fill.ts'
import { signed } from '../fixtures/raw-client.ts'
import { ada, bob, collect, storedDocuments } from '../fixtures/stored-documents.ts'

type Database = Awaited<ReturnType<typeof setUp>>

async function setUp (t: Test) {
  const database = await storedDocuments(t)
  const { query } = database
  return {
    ...database,
    /** Everything but when it was put here. */
    async rows () {
      return [
        await query('SELECT id, active_snapshot_id, clocks, version, created_at, deleted_at FROM secsync_document ORDER BY id'),
        await query('SELECT document_id, id, version, parent_snapshot_proof, ciphertext_hash, data, signature, author, bytes, created_at FROM secsync_snapshot ORDER BY 1, 3'),
        await query('SELECT * FROM secsync_update ORDER BY 1, 5')
      ]
    },
    async counts () {
      return await query(`SELECT id, counted_version, snapshot_count, update_count, kept_bytes, active_updates, active_update_bytes, active_snapshot_bytes
        FROM secsync_document ORDER BY id`)
    }
  }
}

async function exportAll ({ client }: Database, selection?: Selection): Promise<{ archive: Buffer, counts: Exported }> {
  const counts = { documents: 0, snapshots: 0, updates: 0, putAside: 0 }
  return { archive: await buffer(Readable.from(writeArchive(readDocuments(client, selection), counts))), counts }
}

/** In pieces, so that lines are cut anywhere. */
async function * pieces (archive: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let start = 0; start < archive.length; start += size) yield archive.subarray(start, start + size)
}

async function importAll ({ client }: Database, archive: Buffer, workers = 0): Promise<ImportReport[]> {
  const checker = createChecker(workers)
  try {
    return await collect(importDocuments(client, readArchive(pieces(archive)), checker))
  } finally {
    await checker.close()
  }
}

async function verifyArchive (archive: Buffer): Promise<DocumentReport[]> {
  return await collect(verify(readArchive(pieces(archive)), createChecker(0)))
}

/** Adds a snapshot, two updates of ada and one of bob to the document. */
async function write ({ store }: Database, documentId: string): Promise<Snapshot> {
  const document = await store.getDocument({ documentId, mode: 'complete' }) ?? { updates: [] }
  const clocks: Record<string, number> = {}
  for (const { publicData: { pubKey, clock } } of document.updates) clocks[pubKey] = clock
  const snapshot = ada.snapshot(documentId, { parent: document.snapshot ?? undefined, clocks })
  await store.createSnapshot({ snapshot })
  const id = snapshot.publicData.snapshotId
  await store.createUpdate({ update: ada.update(documentId, id, 0) })
  await store.createUpdate({ update: bob.update(documentId, id, 0) })
  await store.createUpdate({ update: ada.update(documentId, id, 1) })
  return snapshot
}

t.test('another database gets every row, and each message byte for byte', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  const messages = await fill(source.connectionString, { documents: 2, snapshots: 1, updates: 520, updateBytes: 20, prefix: 'large' })
  for (const id of ['a', 'a', 'ä "quoted"\n', 'b/c']) await write(source, id)
  const { archive, counts } = await exportAll(source)
  t.strictSame(counts, { documents: 5, snapshots: 6, updates: messages - 2 + 12, putAside: 0 })
  t.match(await verifyArchive(archive), Array.from({ length: 5 }, () => ({ opens: true, problems: [] })))
  const reports = await importAll(target, archive, 1)
  t.strictSame(reports.map(({ outcome }) => outcome), Array.from({ length: 5 }, () => 'created'))
  t.match(reports.find(({ documentId }) => documentId === 'a'), { snapshots: 2, updates: 6 })
  t.strictSame((await target.rows())[0], (await source.rows())[0])
  t.strictSame((await target.rows())[2], (await source.rows())[2])
  t.strictSame((await target.rows())[1]?.map(({ data, version }) => [data, version]), (await source.rows())[1]?.map(({ data, version }) => [data, version]))
  t.strictSame((await target.counts()).filter(({ id }) => !String(id).startsWith('large')), (await source.counts()).filter(({ id }) => !String(id).startsWith('large')))
  t.match(await collect(verify(readDocuments(target.client), createChecker(0))), Array.from({ length: 5 }, () => ({ opens: true, problems: [] })))
  const again = (await exportAll(target)).archive.toString().split('\n')
  t.strictSame(again.slice(1, -2), archive.toString().split('\n').slice(1, -2), 'the archive of the other database is the same')

  t.strictSame((await importAll(target, archive)).map(({ outcome }) => outcome), Array.from({ length: 5 }, () => 'unchanged'), 'a second time changes nothing')
  t.strictSame((await exportAll(source, { documentIds: ['b/c'] })).counts, { documents: 1, snapshots: 1, updates: 3, putAside: 0 })
})

t.test('a compressed archive is read as one that is not', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  await write(source, 'document')
  const { archive } = await exportAll(source)
  const compressed = gzipSync(archive)
  t.match(await importAll(target, compressed.subarray(0, compressed.length - 20)), [{ outcome: 'refused', reason: /^after line \d+: / }])
  const flipped = Buffer.from(compressed)
  flipped[200] = (flipped[200] ?? 0) ^ 1
  t.match((await importAll(target, flipped)).at(-1), { outcome: 'refused' })
  t.strictSame(await target.rows(), [[], [], []])
  t.match(await importAll(target, compressed), [{ outcome: 'created' }])
})

t.test('of a document that is there, only what continues it is added', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  await write(source, 'document')
  const first = await exportAll(source)
  await write(source, 'document')
  await write(source, 'other')
  const second = await exportAll(source)
  t.match(await importAll(target, first.archive), [{ outcome: 'created' }])
  t.match(await importAll(target, second.archive), [{ outcome: 'extended', snapshots: 1, updates: 3 }, { outcome: 'created' }])
  t.strictSame(await target.rows(), await source.rows())
  t.match(await importAll(target, first.archive), [{ outcome: 'newer', snapshots: 0, updates: 0 }])
  t.strictSame(await target.rows(), await source.rows())

  await t.test('one with other changes stays as it is', async (t) => {
    const forked = await setUp(t)
    await importAll(forked, first.archive)
    await write(forked, 'document')
    const before = await forked.rows()
    t.match(await importAll(forked, (await exportAll(source, { documentIds: ['document'] })).archive), [{
      outcome: 'refused', reason: /^the database has the document with other changes: it has no snapshot /
    }])
    t.strictSame(await forked.rows(), before)
  })

  await t.test('another document with its id stays as it is', async (t) => {
    const other = await setUp(t)
    await write(other, 'document')
    const before = await other.rows()
    t.match(await importAll(other, first.archive), [{ outcome: 'refused', reason: /: it has no snapshot / }])
    t.match(await importAll(other, second.archive), [{ outcome: 'refused' }, { outcome: 'created' }])
    t.strictSame((await other.rows())[1]?.filter((row) => row.document_id === 'document'), before[1])
  })

  for (const [name, sql, reason] of [
    ['another update', "UPDATE secsync_update SET data = data || ' ' WHERE version = 2", /it has another update 0 of author/],
    ['a missing update', 'DELETE FROM secsync_update WHERE version = 4', /it has no update 1 of author/],
    ['another snapshot', "UPDATE secsync_snapshot SET data = data || ' '", /it has another snapshot/],
    ['an update more', 'INSERT INTO secsync_update SELECT document_id, snapshot_id, author, 7, 3, data FROM secsync_update WHERE version = 2', /it has 1 that the archive does not have/]
  ] as const) {
    await t.test(`${name} in the database is not passed over`, async (t) => {
      const damaged = await setUp(t)
      await importAll(damaged, first.archive)
      await damaged.query(sql)
      const before = await damaged.rows()
      t.match(await importAll(damaged, first.archive), [{ outcome: 'refused', reason }])
      t.strictSame(await damaged.rows(), before)
    })
  }
})

t.test('pruned documents keep their proofs, and compare with their unpruned copies', async (t) => {
  const [source, target, pruned] = [await setUp(t), await setUp(t), await setUp(t)]
  await write(source, 'document')
  await write(source, 'document')
  const unpruned = await exportAll(source)
  await importAll(pruned, unpruned.archive)
  await pruned.query('DELETE FROM secsync_update WHERE version < 5')
  await pruned.query('UPDATE secsync_snapshot SET data = NULL, pruned_at = now() WHERE version = 1')
  await pruned.query('UPDATE secsync_document SET counted_version = -1')
  const { archive, counts } = await exportAll(pruned)
  t.strictSame(counts, { documents: 1, snapshots: 2, updates: 3, putAside: 0 })
  t.match(await importAll(target, archive), [{ outcome: 'created', snapshots: 2, updates: 3 }])
  t.strictSame(await target.rows(), await pruned.rows())
  t.match(await target.counts(), [{ snapshot_count: '1', update_count: '3' }])
  t.match(await importAll(source, archive), [{ outcome: 'unchanged' }])
  t.match(await importAll(target, unpruned.archive), [{ outcome: 'unchanged' }], 'what was pruned does not come back')
  t.strictSame(await target.rows(), await pruned.rows())
  await write(source, 'document')
  t.match(await importAll(target, (await exportAll(source)).archive), [{ outcome: 'extended', snapshots: 1, updates: 3 }])
})

t.test('a deleted document is neither exported nor imported', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  await write(source, 'document')
  const { archive } = await exportAll(source)
  await importAll(target, archive)
  await target.query("UPDATE secsync_document SET deleted_at = now(), active_snapshot_id = ''")
  t.match(await importAll(target, archive), [{ outcome: 'refused', reason: /^the document was deleted/ }])
  t.strictSame((await exportAll(target)).counts, { documents: 0, snapshots: 0, updates: 0, putAside: 0 })
})

t.test('what was put aside is left out, and counted', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  await write(source, 'document')
  await source.query('DELETE FROM secsync_update WHERE author = $1 AND clock = 0', ada.publicKey)
  await source.store.getDocument({ documentId: 'document', mode: 'complete' })
  const { archive, counts } = await exportAll(source)
  t.strictSame(counts, { documents: 1, snapshots: 1, updates: 1, putAside: 1 })
  t.match(await importAll(target, archive), [{ outcome: 'created', snapshots: 1, updates: 1 }])
})

t.test('an archive that was made while people write holds a state of each document', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  for (const id of ['a', 'b']) await write(source, id)
  const writing = { goesOn: true }
  const writers = ['a', 'b'].map(async (id) => {
    while (writing.goesOn) await write(source, id)
  })
  for (let i = 0; i < 5; i++) {
    t.match(await importAll(target, (await exportAll(source)).archive), [{ outcome: i === 0 ? 'created' : /extended|unchanged/ }, {}])
  }
  writing.goesOn = false
  await Promise.all(writers)
  t.match((await importAll(target, (await exportAll(source)).archive)).map(({ outcome }) => outcome), [/extended|unchanged/, /extended|unchanged/])
  t.strictSame(await target.rows(), await source.rows())
})

t.test('refuses with the place, and nothing is changed', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  for (const id of ['a', 'b']) {
    await write(source, id)
    await write(source, id)
  }
  const { archive } = await exportAll(source)
  const lines = archive.toString().split('\n').slice(0, -1)
  const whole = await source.rows()
  t.equal(lines.length, 22)
  const text = (changed: string[]) => Buffer.from(changed.map((line) => `${line}\n`).join(''))
  /** Whatever is there of a document is all of it. */
  const assertUnharmed = async (t: Test) => {
    const rows = await target.rows()
    const ids = rows[0]?.map(({ id }) => id) ?? []
    t.strictSame(rows, whole.map((table) => table.filter((row) => ids.includes(row.id ?? '') || ids.includes(row.document_id ?? ''))))
    await target.query('TRUNCATE secsync_document CASCADE')
    return ids
  }

  const swap = (a: number, b: number) => lines.map((line, index) => index === a ? lines[b] ?? '' : index === b ? lines[a] ?? '' : line)
  const cases: Array<[name: string, lines: string[], reports: Array<Partial<Record<keyof ImportReport, unknown>>>, ids: string[]]> = [
    ['nothing', [], [{ documentId: '', reason: 'the archive ends at line 0, and is not complete' }], []],
    ['another file', ['{"name":"fastify"}'], [{ documentId: '', reason: 'line 1: this is not an archive of fastify-secsync' }], []],
    ['a later version', [lines[0]?.replace('"version":1', '"version":2') ?? '', ...lines.slice(1)], [{ documentId: '', reason: /^line 1: the archive has version 2 of the format/ }], []],
    ['cut in the first document', lines.slice(0, 5), [{ documentId: 'a', reason: 'the archive ends at line 5, and is not complete' }], []],
    ['cut between documents', lines.slice(0, 11), [{ outcome: 'created' }, { documentId: '', reason: 'the archive ends at line 11, and is not complete' }], ['a']],
    ['cut before its end', lines.slice(0, 21), [{}, {}, { documentId: '', reason: 'the archive ends at line 21, and is not complete' }], ['a', 'b']],
    ['a missing line', lines.toSpliced(6, 1), [{ documentId: 'a', reason: 'line 10: 2 snapshots and 5 updates are there, of 2 and 6' }, { outcome: 'created' }, {}], ['b']],
    ['a missing end of a document', lines.toSpliced(10, 1), [{ documentId: 'a', reason: 'line 11: the document ends without its checksum: here begins a document' }, {}, {}], ['b']],
    ['a missing start of a document', lines.toSpliced(11, 1), [{ outcome: 'created' }, { documentId: '', reason: 'line 12: a line of type snapshot belongs to a document' }, {}], ['a']],
    ['a missing document', lines.toSpliced(1, 10), [{ documentId: 'b' }, { documentId: '', reason: 'line 12: the documents are not those that were written (1 of 2 are whole)' }], ['b']],
    ['a line more', [...lines, lines[1] ?? ''], [{}, {}, { documentId: '', reason: 'line 23: something follows the end of the archive' }], ['a', 'b']],
    ['snapshots that have changed places', swap(2, 3), [{ documentId: 'a', reason: /^line 4: snapshot .* with version 1 comes after version 5$/ }, {}, {}], ['b']],
    ['a snapshot behind updates', swap(3, 5), [{ documentId: 'a', reason: /^line 4: there is no snapshot .* for the update$|^line 6: snapshot .* comes after updates$/ }, {}, {}], ['b']],
    ['a snapshot twice', lines.toSpliced(3, 1, lines[2]?.replace('"version":1', '"version":3') ?? ''), [{ documentId: 'a', reason: /^line 4: snapshot .* comes twice$/ }, {}, {}], ['b']],
    ['updates that have changed places', swap(5, 4), [{ documentId: 'a' }, {}, {}], ['b']],
    ['updates of two snapshots among each other', swap(5, 8), [{ documentId: 'a', reason: /^line \d+: the updates of snapshot .* are not together$/ }, {}, {}], ['b']],
    ['an update of the other document', lines.toSpliced(5, 1, lines[15] ?? ''), [{ documentId: 'a', reason: /^line 6: there is no snapshot/ }, {}, {}], ['b']],
    ['a line of another kind', lines.toSpliced(5, 1, '{"type":"note"}'), [{ documentId: 'a', reason: 'line 6: not a line of the format (type "note")' }, {}, {}], ['b']],
    ['a line that is no JSON', lines.toSpliced(5, 1, 'update'), [{ documentId: 'a', reason: 'line 6: not JSON' }, {}, {}], ['b']],
    ['a message that is written otherwise', lines.map((line, index) => index === 5 || index === 2 ? line.replace('"message":{', '"message":{ ') : line), [{ documentId: 'a', reason: 'line 3: the message is not written as it was signed' }, {}, {}], ['b']],
    ['an update that is written otherwise', lines.map((line, index) => index === 5 ? line.replace('"message":{', '"message":{ ') : line), [{ documentId: 'a', reason: 'line 6: the message is not written as it was signed' }, {}, {}], ['b']],
    ['another time', lines.map((line, index) => index === 5 ? line.replace(/"createdAt":\d+/, '"createdAt":5') : line), [{ documentId: 'a', reason: 'line 11: the checksum of the document is wrong: some of its lines were changed' }, {}, {}], ['b']]
  ]
  for (const [name, changed, reports, ids] of cases) {
    await t.test(name, async (t) => {
      const found = await importAll(target, text(changed))
      t.match(found, reports)
      t.equal(found.length, reports.length)
      t.strictSame(await assertUnharmed(t), ids)
      t.ok((await verifyArchive(text(changed))).some(({ problemCount }) => problemCount > 0))
    })
  }

  await t.test('anything flipped, cut, doubled or left out', async (t) => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('flip' as const), at: fc.nat(archive.length - 1), bit: fc.nat(7) }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(archive.length - 2) }),
      fc.record({ kind: fc.constant('drop' as const), at: fc.nat(archive.length - 1), length: fc.integer({ min: 1, max: 3000 }) }),
      fc.record({ kind: fc.constant('swap' as const), at: fc.nat(lines.length - 1), with: fc.nat(lines.length - 1) }),
      fc.record({ kind: fc.constant('repeat' as const), at: fc.nat(lines.length - 1) })
    )
    await fc.assert(fc.asyncProperty(change, async (change) => {
      let changed = Buffer.from(archive)
      switch (change.kind) {
        case 'flip':
          changed[change.at] = (changed[change.at] ?? 0) ^ (1 << change.bit)
          break
        case 'cut':
          changed = changed.subarray(0, change.at)
          break
        case 'drop':
          changed = Buffer.concat([changed.subarray(0, change.at), changed.subarray(change.at + change.length)])
          break
        case 'swap':
          changed = text(swap(change.at, change.with))
          break
        case 'repeat':
          changed = text(lines.toSpliced(change.at, 0, lines[change.at] ?? ''))
      }
      const reports = await importAll(target, changed)
      // The last line is whole without the end of line behind it.
      const isWhole = changed.equals(archive) || changed.equals(archive.subarray(0, -1))
      if (!isWhole && !reports.some(({ outcome }) => outcome === 'refused')) throw new Error('taken for whole')
      for (const { outcome, reason } of reports) if (outcome === 'refused' && !/line \d+|document /.test(reason ?? '')) throw new Error(`no place: ${reason}`)
      await assertUnharmed(t)
    }), { numRuns: 40 })
  })

  await t.test('messages that others have signed', async (t) => {
    const publicData = { docId: 'c', pubKey: bob.publicKey, refSnapshotId: 's', clock: 0 }
    const { signature } = signed(ada, 'secsync_update', publicData)
    const forged = await setUp(t)
    await write(forged, 'c')
    const [row] = await forged.query('SELECT data FROM secsync_update WHERE version = 2')
    await forged.query('UPDATE secsync_update SET data = $1 WHERE version = 2', String(row?.data).replace(/"signature":"[^"]*"/, `"signature":"${String(signature)}"`))
    const { archive: signedByOthers } = await exportAll(forged)
    t.match(await importAll(target, signedByOthers), [{
      outcome: 'refused', documentId: 'c', reason: /^document "c", snapshot .*, author .*, clock 0: the update has an invalid signature$/
    }])
    await forged.query("UPDATE secsync_document SET clocks = '{}'")
    t.match(await importAll(target, (await exportAll(forged)).archive), [{ outcome: 'refused', reason: / \(and 2 more\)$/ }])
    t.strictSame(await target.rows(), [[], [], []])
  })
})

t.test('a database that fails, and a reader that stops, leave nothing half-done', async (t) => {
  const [source, target] = [await setUp(t), await setUp(t)]
  for (const id of ['a', 'b']) await write(source, id)
  const { archive } = await exportAll(source)
  const reports = importDocuments(target.client, readArchive(pieces(archive)), createChecker(0))
  t.match(await reports.next(), { value: { outcome: 'created' } })
  await reports.return(undefined)
  t.equal((await target.query('SELECT 1 FROM secsync_document')).length, 1)
  await target.query('ALTER TABLE secsync_update ADD CONSTRAINT small CHECK (clock < 1) NOT VALID')
  await t.rejects(importAll(target, archive))
  t.equal((await target.query('SELECT 1 FROM secsync_document')).length, 1)
  await target.query('ALTER TABLE secsync_update DROP CONSTRAINT small')
  t.match(await importAll(target, archive), [{ outcome: 'unchanged' }, { outcome: 'created' }])
  t.equal((await target.query("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'")).length, 0)
})
