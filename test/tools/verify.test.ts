import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createPrismaStore, type Snapshot } from '../../lib/index.ts'
import { updateChange } from '../../lib/protocol/changes.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { readDocuments, type Selection } from '../../lib/stores/rows.ts'
import { createChecker } from '../../lib/verify/checker.ts'
import { describe, type DocumentReport, type Problem } from '../../lib/verify/problems.ts'
import { verify } from '../../lib/verify/verify.ts'
import { fill } from '../fixtures/fill.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author, signed } from '../fixtures/raw-client.ts'

const [ada, bob] = [new Author(), new Author()]

async function collect<T> (values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

async function setUp (t: Test) {
  const { connectionString } = await createDatabase(t)
  const client = new AdapterClient(new PrismaPg({ connectionString }))
  const pool = new pg.Pool({ connectionString })
  const store = createPrismaStore({ adapter: new PrismaPg({ connectionString }) })
  t.teardown(async () => await Promise.all([client.close(), pool.end(), store.close()]))
  const reports = async (selection?: Selection, workers = 0): Promise<DocumentReport[]> => {
    const checker = createChecker(workers)
    try {
      return await collect(verify(readDocuments(client, selection), checker))
    } finally {
      await checker.close()
    }
  }
  const query = async (sql: string, ...values: unknown[]) => (await pool.query<Record<string, unknown>>(sql, values)).rows
  return { connectionString, client, store, reports, query }
}

interface Stored { snapshots: Snapshot[], ids: [string, string, string] }

/** Three snapshots. On the first two, three updates of ada and one of bob; on the last, five of ada and two of bob. */
async function write ({ store }: Awaited<ReturnType<typeof setUp>>, documentId: string): Promise<Stored> {
  const snapshots: Snapshot[] = []
  let clocks: Record<string, number> = {}
  for (const [ofAda, ofBob] of [[3, 1], [3, 1], [5, 2]] as const) {
    const snapshot = ada.snapshot(documentId, { parent: snapshots.at(-1), clocks })
    await store.createSnapshot({ snapshot })
    snapshots.push(snapshot)
    const id = snapshot.publicData.snapshotId
    for (let clock = 0; clock < ofAda; clock++) {
      await store.createUpdate({ update: ada.update(documentId, id, clock) })
      if (clock < ofBob) await store.createUpdate({ update: bob.update(documentId, id, clock) })
    }
    clocks = { [ada.publicKey]: ofAda - 1, [bob.publicKey]: ofBob - 1 }
  }
  const [first = '', second = '', third = ''] = snapshots.map(({ publicData }) => publicData.snapshotId)
  return { snapshots, ids: [first, second, third] }
}

const whole = {
  opens: true, checked: { snapshots: 3, updates: 15 }, good: { snapshots: 3, updates: 15 }, putAside: 0, pruned: 0, problems: [], problemCount: 0
}

t.test('good documents have no problem, with and without threads', async (t) => {
  const database = await setUp(t)
  t.strictSame(await database.reports(), [])
  for (const id of ['a', 'b', 'b/c', 'é']) await write(database, id)
  for (const workers of [0, 1, 2]) {
    t.strictSame(await database.reports({}, workers), ['a', 'b', 'b/c', 'é'].map((documentId) => ({ documentId, ...whole })))
  }
  t.strictSame((await database.reports({ prefix: 'b' })).map(({ documentId }) => documentId), ['b', 'b/c'])
  t.strictSame((await database.reports({ documentIds: ['é', 'a', 'nobody', 'a'] })).map(({ documentId }) => documentId), ['é', 'a'])
  t.strictSame(await database.reports({ documentIds: [] }), [])
})

t.test('many documents and large ones are read page by page', async (t) => {
  const { connectionString, reports } = await setUp(t)
  const messages = await fill(connectionString, { documents: 1, snapshots: 2, updates: 1100, prefix: 'large', updateBytes: 20 }) +
    await fill(connectionString, { documents: 520, snapshots: 1, updates: 1, snapshotBytes: 20, updateBytes: 20 }) +
    await fill(connectionString, { documents: 1, snapshots: 3, updates: 0, snapshotBytes: 3 * 1024 * 1024, prefix: 'heavy' })
  const found = await reports({}, 1)
  t.equal(found.length, 522)
  t.equal(found.reduce((sum, { good }) => sum + good.snapshots + good.updates, 0), messages)
  t.ok(found.every(({ opens, problemCount }) => opens && problemCount === 0))
})

interface Damage {
  /** $1, $2 and $3 are the snapshots, $4 and $5 the keys of ada and bob. */
  sql?: string
  act? (database: Awaited<ReturnType<typeof setUp>>, stored: Stored): Promise<unknown>
  problems: (ids: Stored['ids']) => Array<Partial<Problem>>
  good?: [snapshots: number, updates: number]
  opens?: boolean
}

const damages: Record<string, Damage> = {
  'a flipped bit in an update': {
    sql: "UPDATE secsync_update SET data = overlay(data PLACING CASE substr(data, 20, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM 20) WHERE snapshot_id = $3 AND author = $4 AND clock = 2",
    problems: ([,, snapshotId]) => [{ kind: 'signature', snapshotId, author: ada.publicKey, clock: 2, reason: 'the update has an invalid signature' }],
    good: [3, 12]
  },
  'an update that is no JSON': {
    sql: 'UPDATE secsync_update SET data = left(data, 50) WHERE snapshot_id = $2 AND author = $5',
    problems: ([, snapshotId]) => [{ kind: 'json', snapshotId, author: bob.publicKey, clock: 0, reason: 'the update is not JSON' }],
    good: [3, 14],
    opens: true
  },
  'an update that is no message': {
    sql: "UPDATE secsync_update SET data = '{}' WHERE snapshot_id = $3 AND author = $5 AND clock = 1",
    problems: ([,, snapshotId]) => [{ kind: 'json', snapshotId, clock: 1, reason: 'the update is not a message of the protocol: /ciphertext Expected required property' }],
    good: [3, 14]
  },
  'an update with one property more': {
    sql: "UPDATE secsync_update SET data = '{\"type\":\"x\",' || substr(data, 2) WHERE snapshot_id = $3 AND author = $5 AND clock = 1",
    problems: ([,, snapshotId]) => [{ kind: 'json', snapshotId, clock: 1, reason: 'the update has more than ciphertext, nonce, publicData and signature' }],
    good: [3, 14]
  },
  'an update of another snapshot': {
    sql: `UPDATE secsync_update SET data = (SELECT data FROM secsync_update WHERE snapshot_id = $1 AND author = $4 AND clock = 1)
      WHERE snapshot_id = $3 AND author = $4 AND clock = 1`,
    problems: ([first,, snapshotId]) => [{
      kind: 'row', snapshotId, clock: 1, reason: `the update is stored with refSnapshotId ${JSON.stringify(snapshotId)}, but the message says ${JSON.stringify(first)}`
    }],
    good: [3, 11]
  },
  'two updates that have changed places': {
    sql: `UPDATE secsync_update SET data = (SELECT data FROM secsync_update o WHERE o.snapshot_id = $3 AND o.author = $4 AND o.clock = 1 - secsync_update.clock)
      WHERE snapshot_id = $3 AND author = $4 AND clock < 2`,
    problems: ([,, snapshotId]) => [{ kind: 'row', snapshotId, clock: 0 }, { kind: 'row', snapshotId, clock: 1 }],
    good: [3, 10]
  },
  'a missing update': {
    sql: 'DELETE FROM secsync_update WHERE snapshot_id = $3 AND author = $4 AND clock = 1',
    problems: ([,, snapshotId]) => [{
      kind: 'gap', snapshotId, author: ada.publicKey, clock: 1, reason: 'the update is missing, and 3 are stored behind it'
    }],
    good: [3, 11]
  },
  'a missing last update': {
    sql: 'DELETE FROM secsync_update WHERE snapshot_id = $3 AND author = $4 AND clock > 2',
    problems: ([,, snapshotId]) => [{
      kind: 'gap', snapshotId, author: ada.publicKey, clock: 3, reason: 'the updates from here to clock 4 are missing: the document knows them'
    }],
    good: [3, 13]
  },
  'a missing author on a replaced snapshot': {
    sql: 'DELETE FROM secsync_update WHERE snapshot_id = $1 AND author = $5',
    problems: ([snapshotId, next]) => [{
      kind: 'gap', snapshotId, author: bob.publicKey, clock: 0, reason: `the updates from here to clock 0 are missing: snapshot ${next} knows them`
    }],
    good: [3, 14],
    opens: true
  },
  'an update that the document does not know': {
    sql: 'UPDATE secsync_document SET clocks = clocks - $5',
    problems: ([,, snapshotId]) => [{ kind: 'clocks', snapshotId, author: bob.publicKey, clock: 1, reason: 'the update is stored, but the document does not know it' }]
  },
  'clocks that are none': {
    sql: "UPDATE secsync_document SET clocks = '[1]'",
    problems: () => [{ kind: 'document', reason: 'the clocks of the document are not clocks' }]
  },
  'two updates with one version': {
    sql: `UPDATE secsync_update SET version = (SELECT version FROM secsync_update WHERE snapshot_id = $3 AND author = $4 AND clock = 3)
      WHERE snapshot_id = $3 AND author = $4 AND clock = 4`,
    problems: ([,, snapshotId]) => [{ kind: 'version', snapshotId, author: ada.publicKey, clock: 4 }],
    good: [3, 14]
  },
  'updates outside of their snapshot': {
    sql: 'UPDATE secsync_update SET version = CASE author WHEN $5 THEN 1 ELSE 50 END WHERE snapshot_id = $2 AND (author = $5 OR clock = 2)',
    problems: ([, snapshotId]) => [
      { kind: 'version', snapshotId, author: ada.publicKey, clock: 2, reason: 'the update has version 50, which is not below version 11 of the next snapshot' },
      { kind: 'version', snapshotId, author: bob.publicKey, clock: 0, reason: 'the update has version 1, which is not above version 6 of its snapshot' },
      { kind: 'document', reason: 'the document has version 18, and changes up to version 50' }
    ],
    good: [3, 13],
    opens: true
  },
  'a document that is behind its changes': {
    sql: 'UPDATE secsync_document SET version = 12',
    problems: () => [{ kind: 'document', reason: 'the document has version 12, and changes up to version 18' }],
    opens: true
  },
  'an active snapshot that is not the last': {
    sql: 'UPDATE secsync_document SET active_snapshot_id = $2',
    problems: ([, second, third]) => [{ kind: 'document', reason: `the active snapshot is ${second}, and the last one that is stored is ${third}` }]
  },
  'a document without snapshots': {
    sql: 'DELETE FROM secsync_snapshot',
    problems: () => [{ kind: 'document', reason: 'the document has no snapshot' }],
    good: [0, 0]
  },
  'a flipped bit in the active snapshot': {
    sql: "UPDATE secsync_snapshot SET data = overlay(data PLACING CASE substr(data, 20, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM 20) WHERE id = $3",
    problems: ([,, snapshotId]) => [{ kind: 'signature', snapshotId, reason: 'the snapshot has an invalid signature' }],
    good: [2, 15]
  },
  'a replaced snapshot that is no JSON': {
    sql: "UPDATE secsync_snapshot SET data = '\"' WHERE id = $2",
    problems: ([, snapshotId]) => [{ kind: 'json', snapshotId, reason: 'the snapshot is not JSON' }],
    good: [2, 15],
    opens: true
  },
  'a snapshot with one property more': {
    sql: "UPDATE secsync_snapshot SET data = '{\"type\":\"x\",' || substr(data, 2) WHERE id = $1",
    problems: ([snapshotId]) => [{ kind: 'json', snapshotId, reason: 'the snapshot has more than ciphertext, nonce, publicData and signature' }],
    good: [2, 15],
    opens: true
  },
  'a hash that is not that of the snapshot': {
    sql: 'UPDATE secsync_snapshot SET ciphertext_hash = parent_snapshot_proof WHERE id = $2',
    problems: ([, second, third]) => [
      { kind: 'row', snapshotId: second }, { kind: 'proof', snapshotId: third, reason: 'the snapshot does not prove the one before it' }
    ],
    good: [1, 15],
    opens: true
  },
  'a snapshot that is missing': {
    sql: 'DELETE FROM secsync_snapshot WHERE id = $2',
    problems: ([first, second, third]) => [
      { kind: 'chain', snapshotId: third, reason: `the parent of the snapshot is ${second}, and the snapshot before it is ${first}` },
    ],
    good: [1, 11],
    opens: true
  },
  'a first snapshot that is missing': {
    sql: 'DELETE FROM secsync_snapshot WHERE id = $1',
    problems: ([first, second]) => [
      { kind: 'chain', snapshotId: second, reason: `the parent of the snapshot is ${first}, and the snapshot before it is none` },
      { kind: 'version', snapshotId: second, reason: 'the snapshot has version 6' }
    ],
    good: [1, 11],
    opens: true
  },
  'a signed snapshot with a forged proof': {
    async act ({ query }, { snapshots: [, , last] }) {
      const publicData = { ...last?.publicData, parentSnapshotProof: last?.publicData.snapshotId.padEnd(43, 'A') }
      const forged = signed(ada, 'secsync_snapshot', publicData, last?.ciphertext)
      await query('UPDATE secsync_snapshot SET data = $1, parent_snapshot_proof = $2, signature = NULL WHERE id = $3',
        JSON.stringify(forged), publicData.parentSnapshotProof, publicData.snapshotId)
    },
    problems: ([,, snapshotId]) => [{ kind: 'proof', snapshotId }],
    good: [2, 15],
    opens: true
  },
  'updates of a snapshot that is not there': {
    sql: 'ALTER TABLE secsync_update DROP CONSTRAINT secsync_update_document_id_snapshot_id_fkey; DELETE FROM secsync_snapshot',
    problems: (ids) => [
      ...ids.map((snapshotId) => ({ kind: 'chain' as const, snapshotId, reason: 'updates are stored for a snapshot that is not there' })),
      { kind: 'document', reason: 'the document has no snapshot' }
    ],
    good: [0, 0]
  }
}

t.test('says what is wrong, and where', async (t) => {
  const database = await setUp(t)
  const stored = await write(database, 'document')
  const tables = ['secsync_document', 'secsync_snapshot', 'secsync_update']
  for (const table of tables) await database.query(`CREATE TABLE saved_${table} AS TABLE ${table}`)
  const parameters = [...stored.ids, ada.publicKey, bob.publicKey]
  for (const [name, { sql, act, problems, good: [snapshots, updates] = [3, 15], opens = false }] of Object.entries(damages)) {
    // pg sends several statements only without parameters.
    if (sql !== undefined) await database.query(sql.replaceAll(/\$(\d)/g, (_, number: string) => `'${parameters[Number(number) - 1]}'`))
    await act?.(database, stored)
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
  const database = await setUp(t)
  const { ids } = await write(database, 'document')
  await database.query('DELETE FROM secsync_update WHERE snapshot_id = $1 AND author = $2 AND clock = 2', ids[2], ada.publicKey)
  await database.store.getDocument({ documentId: 'document', mode: 'complete' })
  t.match(await database.reports(), [{ opens: true, putAside: 2, checked: { updates: 12 }, good: { updates: 12 }, problems: [] }])
})

t.test('wrong counts are said, and those of another version passed over', async (t) => {
  const database = await setUp(t)
  await write(database, 'document')
  await database.query('UPDATE secsync_document SET kept_bytes = 1, active_updates = 8')
  const [report] = await database.reports()
  t.match(report, { opens: true, good: whole.good, problemCount: 2 })
  t.match(report?.problems, [{ kind: 'counts', reason: /^the document counts 1 keptBytes, and \d+ are stored$/ }, { kind: 'counts', reason: 'the document counts 8 activeUpdates, and 7 are stored' }])
  await database.query('UPDATE secsync_document SET counted_version = 1')
  t.match(await database.reports(), [whole])
})

t.test('a pruned document is good: its proofs are', async (t) => {
  const database = await setUp(t)
  const { ids } = await write(database, 'document')
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
  const database = await setUp(t)
  for (const id of ['a', 'b', 'c']) await write(database, id)
  await database.query("UPDATE secsync_document SET deleted_at = now(), active_snapshot_id = '' WHERE id = 'b'")
  t.match(await database.reports(), [{ documentId: 'a', ...whole }, { documentId: 'c', ...whole }])
})

t.test('a document with a thousand problems is reported with the first hundred', async (t) => {
  const { connectionString, reports, query } = await setUp(t)
  await fill(connectionString, { documents: 1, snapshots: 1, updates: 150, updateBytes: 20 })
  await query("UPDATE secsync_update SET data = ''")
  const [report] = await reports({}, 1)
  t.match(report, { problemCount: 150, opens: false, good: { updates: 0 }, problems: { length: 100 } })
})

t.test('rows without their document are not passed over', async (t) => {
  const database = await setUp(t)
  for (const id of ['a', 'b', 'c']) await write(database, id)
  await database.query('ALTER TABLE secsync_snapshot DROP CONSTRAINT secsync_snapshot_document_id_fkey')
  await database.query("DELETE FROM secsync_document WHERE id = 'b'")
  await t.rejects(database.reports(), { code: 'FST_SECSYNC_ROWS_UNORDERED' })
})

t.test('a thread that ends, and a database that does, end the check', async (t) => {
  const database = await setUp(t)
  await write(database, 'document')
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
