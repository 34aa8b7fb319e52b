// What changes stored documents is killed at each of its statements, before and after it: what is stored is right at any time, and the next run ends it.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { importDocuments } from '../../lib/archive/import.ts'
import { readArchive } from '../../lib/archive/read.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { recount } from '../../lib/stores/counts.ts'
import { deleteDocument, purgeSome, restoreDocument } from '../../lib/stores/deletion.ts'
import { prune } from '../../lib/stores/prune.ts'
import { createChecker } from '../../lib/verify/checker.ts'
import { repairDocument } from '../../lib/verify/repair.ts'
import { damages } from '../fixtures/damages.ts'
import { MortalAdapter } from '../fixtures/mortal-adapter.ts'
import { collect, storedDocuments, writeDocument, type StoredDocuments } from '../fixtures/stored-documents.ts'

const checker = createChecker(0)

const documentId = 'document'

interface Operation {
  /** What is stored before it. */
  prepare (database: StoredDocuments): Promise<unknown>
  run (client: AdapterClient): Promise<unknown>
  /** What is right after a kill, and after the end. */
  check (t: Test, database: StoredDocuments, isEnded: boolean): Promise<unknown>
}

/** All columns of a document but its times. */
const rows = `SELECT
  (SELECT to_jsonb(d) - 'created_at' - 'changed_at' - 'deleted_at' FROM secsync_document d WHERE id = $1) AS document,
  (SELECT jsonb_agg(to_jsonb(s) - 'created_at' - 'pruned_at' ORDER BY version) FROM secsync_snapshot s WHERE document_id = $1) AS snapshots,
  (SELECT jsonb_agg(to_jsonb(u) - 'created_at' ORDER BY version) FROM secsync_update u WHERE document_id = $1) AS updates`
const tables = ['secsync_document', 'secsync_deletion', 'secsync_snapshot', 'secsync_update']

/** Kills it at its first statement, then, from the same beginning, at its second one, and so on until it is through. */
async function killEverywhere (t: Test, { prepare, run, check }: Operation): Promise<void> {
  const database = await storedDocuments(t)
  await prepare(database)
  for (const table of tables) await database.query(`CREATE TABLE saved_${table} AS SELECT * FROM ${table}`)
  let kills = 0
  for (const when of ['before', 'after'] as const) {
    for (let at = 1; ; at++) {
      await database.query(`TRUNCATE ${tables.join()}`)
      for (const table of tables) await database.query(`INSERT INTO ${table} SELECT * FROM saved_${table}`)
      const mortal = new MortalAdapter(database.connectionString, at, when)
      const client = new AdapterClient(mortal)
      await run(client).catch((error: unknown) => { if (!mortal.isDead) throw error })
      await client.close()
      if (!mortal.isDead) break
      kills++
      await check(t, database, false)
      await run(database.client)
      await check(t, database, true)
    }
  }
  t.ok(kills >= 2, `${kills} kills`)
}

async function reportOf ({ reports }: StoredDocuments) {
  return (await reports())[0]
}

async function number ({ query }: StoredDocuments, sql: string): Promise<number> {
  const [row] = await query(sql, documentId)
  return Number(row?.number)
}

const updatesOf = 'SELECT count(*) AS number FROM secsync_update WHERE document_id = $1'
const textsOf = 'SELECT count(data) AS number FROM secsync_snapshot WHERE document_id = $1'
const asVersion01 = 'UPDATE secsync_snapshot SET signature = NULL, author = NULL, bytes = NULL WHERE document_id = $1'

for (const [name, prepare] of [
  ['', async (database: StoredDocuments) => await writeDocument(database, documentId)],
  [' of version 0.1', async (database: StoredDocuments) => {
    await writeDocument(database, documentId)
    await database.query(asVersion01, documentId)
    await database.query('UPDATE secsync_document SET counted_version = 0 WHERE id = $1', documentId)
    await recount(database.client, documentId)
  }]
] as const) {
  t.test(`pruning a document${name}`, async (t) => {
    await killEverywhere(t, {
      prepare,
      run: async (client) => await prune(client, { snapshots: 1 }, { share: 1 }),
      async check (t, database, isEnded) {
        t.match(await reportOf(database), { opens: true, problemCount: 0, problems: [] })
        t.match(await database.store.getDocument({ documentId, mode: 'complete' }), { updates: { length: 7 } }, 'what readers load is as it was')
        if (isEnded) t.strictSame([await number(database, updatesOf), await number(database, textsOf)], [7, 1])
      }
    })
  })
}

t.test('deleting a document and removing its data', async (t) => {
  await killEverywhere(t, {
    prepare: async (database) => await writeDocument(database, documentId),
    async run (client) {
      await deleteDocument(client, documentId, 0)
      while (await purgeSome(client, documentId));
    },
    async check (t, database, isEnded) {
      const [deletion] = await database.query('SELECT * FROM secsync_deletion WHERE document_id = $1', documentId)
      const [document] = await database.query('SELECT * FROM secsync_document WHERE id = $1', documentId)
      if (deletion === undefined) {
        t.match(await reportOf(database), { opens: true, problemCount: 0 }, 'it was not deleted at all')
        t.match(await database.store.getDocument({ documentId, mode: 'complete' }), { updates: { length: 7 } })
        t.notOk(isEnded)
        return
      }
      t.match(document, { deleted_at: Date, active_snapshot_id: '' })
      t.match(deletion, { snapshot_count: '3', update_count: '15', version: '18' })
      t.equal(await database.store.getDocument({ documentId, mode: 'complete' }), undefined)
      if (!isEnded) return
      t.match(deletion, { purged_at: Date })
      t.strictSame([await number(database, updatesOf), await number(database, textsOf)], [0, 0])
    }
  })
})

t.test('restoring a document', async (t) => {
  let before: unknown
  await killEverywhere(t, {
    async prepare (database) {
      await writeDocument(database, documentId)
      before = await database.query(rows, documentId)
      await deleteDocument(database.client, documentId, 60_000)
    },
    run: async (client) => await restoreDocument(client, documentId),
    async check (t, database, isEnded) {
      const [deletion] = await database.query('SELECT * FROM secsync_deletion WHERE document_id = $1', documentId)
      if (deletion === undefined) t.strictSame(await database.query(rows, documentId), before)
      else t.notOk(isEnded)
    }
  })
})

t.test('counting a document', async (t) => {
  await killEverywhere(t, {
    async prepare (database) {
      await writeDocument(database, documentId)
      await database.query('UPDATE secsync_document SET counted_version = 0, kept_bytes = 1 WHERE id = $1', documentId)
    },
    async run (client) {
      await recount(client, documentId)
    },
    async check (t, database) {
      t.match(await reportOf(database), { opens: true, problemCount: 0 })
    }
  })
})

t.test('repairing a document', async (t) => {
  const { damage } = damages['a flipped bit in an update'] ?? {}
  let before: unknown
  await killEverywhere(t, {
    async prepare (database) {
      await damage?.(database, await writeDocument(database, documentId))
      before = await database.query(rows, documentId)
    },
    run: async (client) => await repairDocument(client, documentId, checker),
    async check (t, database, isEnded) {
      const report = await reportOf(database)
      if (report?.problemCount === 0) {
        t.match(report, { opens: true, putAside: 3 })
        return
      }
      t.strictSame(await database.query(rows, documentId), before, 'as it was')
      t.notOk(isEnded)
    }
  })
})

t.test('importing an archive', async (t) => {
  const source = await storedDocuments(t)
  for (const documentId of ['a', 'b']) await writeDocument(source, documentId)
  const file = join(t.testdir(), 'documents.ndjson')
  t.match(await source.call('export', '--output', file), { code: 0 })
  const archive = await readFile(file)
  const stored = await Promise.all(['a', 'b'].map(async (documentId) => await source.query(rows, documentId)))
  await killEverywhere(t, {
    async prepare () {},
    run: async (client) => await collect(importDocuments(client, readArchive(Readable.from([archive])), checker)),
    async check (t, database, isEnded) {
      const found = await Promise.all(['a', 'b'].map(async (documentId) => await database.query(rows, documentId)))
      for (const [index, [document]] of found.entries()) {
        if (document?.document === null) t.notOk(isEnded, 'not there at all')
        else t.strictSame([document], stored[index])
      }
    }
  })
})
