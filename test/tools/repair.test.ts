import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import * as Y from 'yjs'
import { hash } from '../../lib/protocol/proof.ts'
import { createDocuments } from '../../lib/documents/index.ts'
import { yjs } from '../../lib/client/yjs.ts'
import { planDocumentRepair, repairDocument } from '../../lib/verify/repair.ts'
import { createChecker } from '../../lib/verify/checker.ts'
import { openDocumentWith, untilState } from '../fixtures/client.ts'
import { damages, type Damage } from '../fixtures/damages.ts'
import { signed } from '../fixtures/raw-client.ts'
import { RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'
import { ada, bob, storedDocuments, writeDocument, type StoredDocuments } from '../fixtures/stored-documents.ts'

const checker = createChecker(0)

/** Opens the document with the published client and with ours. Each reads what the other writes. Returns the texts. */
async function open (t: Test, { connectionString }: StoredDocuments, documentId: string): Promise<{ ada: string, bob: string }> {
  const server = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  const published = new RealClient(t, server.endpoint, documentId, { encoding: 'v2', snapshotEvery: Infinity })
  const yDoc = new Y.Doc()
  const ours = openDocumentWith(t, server.endpoint, documentId, { crdt: yjs(yDoc) })
  await Promise.all([published.until(({ isSettled }) => isSettled), untilState(ours, ({ connection }) => connection.status === 'live')])
  const texts = { ada: yDoc.getText('ada').toJSON().trim(), bob: yDoc.getText('bob').toJSON().trim() }
  t.strictSame({ ada: published.yDoc.getText('ada').toJSON().trim(), bob: published.yDoc.getText('bob').toJSON().trim() }, texts)
  published.type('1')
  await untilText(yDoc, '1')
  yDoc.getText('text').insert(1, '2')
  await published.until(({ text, isSettled }) => isSettled && text.toJSON() === '12')
  published.stop()
  await ours.destroy()
  await server.app.close()
  return texts
}

async function untilText (yDoc: Y.Doc, text: string): Promise<void> {
  while (yDoc.getText('text').toJSON() !== text) await new Promise((resolve) => yDoc.once('update', resolve))
}

/** What is stored, without numbers and ids that tell the time. */
async function messages ({ query }: StoredDocuments): Promise<unknown[]> {
  return [
    await query('SELECT data FROM secsync_snapshot WHERE data IS NOT NULL ORDER BY data'),
    await query('SELECT clock, data FROM secsync_update ORDER BY data, clock')
  ]
}

/** What a repair does, by the name of the damage: how many messages are put aside, and which snapshot is the active one. */
const all = { ada: 'a10 a11 a12 a20 a21 a22 a30 a31 a32 a33 a34', bob: 'b10 b20 b30 b31' }
const expected: Record<string, { putAside: number, active?: number, ada?: string, bob?: string }> = {
  'a flipped bit in an update': { putAside: 3, ada: 'a10 a11 a12 a20 a21 a22 a30 a31' },
  'an update that is no JSON': { putAside: 1 },
  'an update that is no message': { putAside: 1, bob: 'b10 b20 b30' },
  'an update with one property more': { putAside: 1, bob: 'b10 b20 b30' },
  'an update of another snapshot': { putAside: 4, ada: 'a10 a11 a12 a20 a21 a22 a30' },
  'two updates that have changed places': { putAside: 5, ada: 'a10 a11 a12 a20 a21 a22' },
  'a missing update': { putAside: 3, ada: 'a10 a11 a12 a20 a21 a22 a30' },
  'a missing last update': { putAside: 0, ada: 'a10 a11 a12 a20 a21 a22 a30 a31 a32' },
  'a missing author on a replaced snapshot': { putAside: 0 },
  'an update that the document does not know': { putAside: 0 },
  'clocks that are none': { putAside: 0 },
  'two updates with one version': { putAside: 0 },
  'updates outside of their snapshot': { putAside: 0 },
  'a document that is behind its changes': { putAside: 0 },
  'an active snapshot that is not the last': { putAside: 0 },
  'a flipped bit in the active snapshot': { putAside: 1, active: 1, ada: 'a10 a11 a12 a20 a21 a22', bob: 'b10 b20' },
  'a replaced snapshot that is no JSON': { putAside: 1 },
  'a snapshot with one property more': { putAside: 1 },
  'a hash that is not that of the snapshot': { putAside: 0 },
  'a snapshot that is missing': { putAside: 0 },
  'a first snapshot that is missing': { putAside: 0 },
  'a signed snapshot with a forged proof': { putAside: 1, active: 1, ada: 'a10 a11 a12 a20 a21 a22', bob: 'b10 b20' }
}
const impossible = ['a document without snapshots', 'updates of a snapshot that is not there']

t.test('after a repair nothing is wrong, nothing is gone, and clients open the document and write it', async (t) => {
  for (const [name, { damage, problems, opens = false }] of Object.entries(damages)) {
    await t.test(name, async (t) => {
      const database = await storedDocuments(t)
      const stored = await writeDocument(database, 'document')
      await damage(database, stored)
      await database.query('UPDATE secsync_document SET counted_version = -1')
      const before = await messages(database)
      const planned = await planDocumentRepair(database.client, 'document', checker)
      t.strictSame(await messages(database), before)
      t.match(await database.reports(), [{ opens, problemCount: problems(stored.ids).length }], 'a plan changes nothing')
      const done = await repairDocument(database.client, 'document', checker)
      if (impossible.includes(name)) {
        t.strictSame([planned, done], [{ outcome: 'impossible' }, { outcome: 'impossible' }])
        return
      }
      t.match(planned, { ...done, outcome: 'repairable' })
      const { putAside, active = 2, ...texts } = expected[name] ?? { putAside: NaN }
      t.match(done, { outcome: 'repaired', putAside: { length: putAside }, activeSnapshotId: stored.ids[active] })
      t.match(await database.reports(), [{ opens: true, problems: [] }])
      t.strictSame(await messages(database), before, 'nothing is deleted')
      t.strictSame(await repairDocument(database.client, 'document', checker), { outcome: 'nothing' })
      t.strictSame(await open(t, database, 'document'), { ...all, ...texts })
      t.match(await database.reports(), [{ opens: true, problems: [] }], 'and after they have written it')
    })
  }
})

/** Damages that say more than one thing of the document. What `verify` finds in them is not listed here. */
const others: Record<string, Damage['damage']> = {
  async 'the active snapshot has the text of another document' ({ query }, { ids: [,, third] }) {
    await query('UPDATE secsync_snapshot SET data = $1 WHERE id = $2', JSON.stringify(ada.snapshot('other')), third)
  },
  async 'all snapshots in the wrong order' ({ query }) {
    await query('UPDATE secsync_snapshot SET version = 30 - version')
  },
  async 'two children of one snapshot' ({ query }, { snapshots: [first] }) {
    const { ciphertext, nonce, publicData, signature } = bob.snapshot('document', { parent: first, clocks: { [ada.publicKey]: 2, [bob.publicKey]: 0 } })
    await query(`INSERT INTO secsync_snapshot (document_id, id, version, parent_snapshot_proof, ciphertext_hash, data)
      VALUES ('document', $1, 8, $2, $3, $4)`, publicData.snapshotId, publicData.parentSnapshotProof, hash(ciphertext), JSON.stringify({ ciphertext, nonce, publicData, signature }))
  },
  async 'a proof of a pruned snapshot that is wrong' ({ query }, { ids: [first] }) {
    await query('UPDATE secsync_snapshot SET data = NULL, pruned_at = now(), ciphertext_hash = parent_snapshot_proof WHERE id = $1', first)
  },
  async 'a pruned snapshot that is missing' ({ query }, { ids: [first, second] }) {
    await query('UPDATE secsync_snapshot SET data = NULL, pruned_at = now() WHERE id = ANY($1)', [first, second])
    await query('DELETE FROM secsync_snapshot WHERE id = $1', second)
  },
  async 'the first of two pruned snapshots is missing' ({ query }, { ids: [first, second] }) {
    await query('UPDATE secsync_snapshot SET data = NULL, pruned_at = now() WHERE id = ANY($1)', [first, second])
    await query('DELETE FROM secsync_snapshot WHERE id = $1', first)
  },
  async 'the text of a snapshot is no JSON, and the next one does not prove it' ({ query }, { ids: [, second] }) {
    await query("UPDATE secsync_snapshot SET data = '', ciphertext_hash = parent_snapshot_proof WHERE id = $1", second)
  },
  async 'a forged snapshot between others' ({ query }, { snapshots: [first, second], ids: [, id] }) {
    const publicData = { ...second?.publicData, parentSnapshotProof: first?.publicData.snapshotId.padEnd(43, 'A') }
    await query('UPDATE secsync_snapshot SET data = $1, parent_snapshot_proof = $2, signature = NULL WHERE id = $3',
      JSON.stringify(signed(ada, 'secsync_snapshot', publicData, second?.ciphertext)), publicData.parentSnapshotProof, id)
  },
  async 'an update that the next snapshot does not know, and updates behind a gap there' ({ query }, { ids: [first, second] }) {
    await query('INSERT INTO secsync_update SELECT document_id, snapshot_id, author, 1, 20, data FROM secsync_update WHERE snapshot_id = $1 AND author = $2', first, bob.publicKey)
    await query('DELETE FROM secsync_update WHERE snapshot_id = $1 AND author = $2 AND clock = 0', second, ada.publicKey)
  },
  async 'wrong counts' ({ query }) {
    await query('UPDATE secsync_document SET kept_bytes = 1')
  }
}

t.test('other damages', async (t) => {
  for (const [name, damage] of Object.entries(others)) {
    await t.test(name, async (t) => {
      const database = await storedDocuments(t)
      await damage(database, await writeDocument(database, 'document'))
      const before = await messages(database)
      t.match(await database.reports(), [{ problemCount: /[1-9]/ }])
      t.match(await repairDocument(database.client, 'document', checker), { outcome: 'repaired' })
      t.match(await database.reports(), [{ opens: true, problems: [] }])
      t.strictSame(await messages(database), before)
      const { ada: text } = await open(t, database, 'document')
      t.equal(text, name.startsWith('the active snapshot') ? 'a10 a11 a12 a20 a21 a22' : all.ada)
    })
  }
})

t.test('a document that is damaged again is repaired again, and the history shows what is good', async (t) => {
  const database = await storedDocuments(t)
  const { ids: [, second, third], snapshots } = await writeDocument(database, 'document')
  for (let times = 0; times < 2; times++) {
    await database.query("UPDATE secsync_update SET data = '' WHERE snapshot_id = $1 AND author = $2 AND clock = 3", third, ada.publicKey)
    t.match(await repairDocument(database.client, 'document', checker), { putAside: { length: 2 } })
    for (const clock of [3, 4]) await database.store.createUpdate({ update: ada.update('document', third, clock) })
  }
  t.match(await database.reports(), [{ putAside: 4, opens: true, problems: [] }])
  await database.query("UPDATE secsync_snapshot SET data = '' WHERE id = ANY($1)", [second, third])
  t.match(await repairDocument(database.client, 'document', checker), { putAside: [{ kind: 'snapshot', snapshotId: second, updates: 4 }, { kind: 'snapshot', snapshotId: third, updates: 11 }] })
  t.match(await database.reports(), [{ opens: true, problems: [] }])
  const documents = createDocuments({ adapter: new PrismaPg({ connectionString: database.connectionString }) })
  t.teardown(async () => await documents.close())
  t.match(await documents.history('document'), { snapshots: [{ version: 1 }] })
  t.match(await documents.get('document'), { activeSnapshotId: snapshots[0]?.publicData.snapshotId, usage: { snapshots: 3 } })
  const [aside] = await database.query("SELECT id FROM secsync_snapshot WHERE id LIKE '% %'")
  t.equal(await documents.snapshot('document', String(aside?.id)), undefined)
})

t.test('a server that has the document open notices, also if as much was written since', async (t) => {
  const database = await storedDocuments(t)
  const { ids: [,, third] } = await writeDocument(database, 'document')
  const server = await startServer(t, { adapter: new PrismaPg({ connectionString: database.connectionString }) })
  // So that the document is worth being cached.
  await database.store.createUpdate({ update: bob.update('document', third, 2, 'long '.repeat(5000)) })
  const reader = server.connect('document')
  t.equal((await reader.next('document')).updates?.length, 8)
  await database.query("UPDATE secsync_update SET data = '' WHERE snapshot_id = $1 AND author = $2 AND clock = 1", third, ada.publicKey)
  await repairDocument(database.client, 'document', checker)
  const again = [1, 2, 3, 4].map((clock) => ada.update('document', third, clock, 'again'))
  for (const update of again) await database.store.createUpdate({ update })
  const newcomer = server.connect('document')
  const { updates = [] } = await newcomer.next('document')
  t.strictSame(updates.slice(-4).map(({ signature }) => signature), again.map(({ signature }) => signature))
  t.equal(await reader.closed(), 1013)
})

t.test('a server that has the document open notices that an older snapshot is the active one', async (t) => {
  const database = await storedDocuments(t)
  const { ids: [, second, third] } = await writeDocument(database, 'document')
  const server = await startServer(t, { adapter: new PrismaPg({ connectionString: database.connectionString }) })
  const reader = server.connect('document')
  await reader.next('document')
  // The server lags behind another one.
  for (let clock = 2; clock < 30; clock++) await database.store.createUpdate({ update: bob.update('document', third, clock) })
  await database.query("UPDATE secsync_snapshot SET data = '' WHERE id = $1", third)
  t.match(await repairDocument(database.client, 'document', checker), { activeSnapshotId: second })
  reader.send(bob.update('document', third, 30))
  t.equal(await reader.closed(), 1013)
  const newcomer = server.connect('document')
  t.match(await newcomer.next('document'), { snapshot: { publicData: { snapshotId: second } }, updates: { length: 4 } })
  newcomer.send(bob.update('document', second, 1))
  t.match(await newcomer.next('update-saved'), { clock: 1 })
})

t.test('the command line', async (t) => {
  const database = await storedDocuments(t)
  const { ids: [,, third] } = await writeDocument(database, 'broken')
  await writeDocument(database, 'good')
  await database.query("UPDATE secsync_update SET data = '' WHERE snapshot_id = $1 AND clock = 1", third)
  const planned = await database.call('verify')
  t.match(planned, { code: 1, stdout: /--repair would put aside: 5 messages\n {4}snapshot .*, author .*, clock 1: the update is not JSON/ })
  const [found = ''] = (await database.call('verify', '--json')).stdout.split('\n')
  t.match(JSON.parse(found), { documentId: 'broken', repair: { outcome: 'repairable', putAside: { length: 5 } } })
  t.match(await database.call('verify', '--repair', 'archive.ndjson'), { code: 2, stderr: /An archive cannot be repaired/ })
  const repaired = await database.call('verify', '--repair', '--json')
  t.equal(repaired.code, 0)
  const [document = '', summary = ''] = repaired.stdout.split('\n')
  t.match(JSON.parse(document), { repair: { outcome: 'repaired', activeSnapshotId: third, putAside: Array.from({ length: 5 }, () => ({ kind: 'update', snapshotId: third, author: String, clock: Number, reason: String })) } })
  t.match(JSON.parse(summary), { documents: 2, broken: 1, repaired: 1 })
  t.match(await database.call('verify'), { code: 0, stdout: /No problem found/ })
  await database.query("UPDATE secsync_snapshot SET data = '' WHERE document_id = 'broken'")
  t.match(await database.call('verify', '--repair'), { code: 1, stdout: /repair: not possible. No snapshot is good/ })
  await database.query("UPDATE secsync_update SET data = '' WHERE document_id = 'good'")
  t.match(await database.call('verify', '--repair'), { code: 1, stdout: /… and 5 more\n/ })
  await database.query("UPDATE secsync_document SET deleted_at = now(), active_snapshot_id = '' WHERE id = 'broken'")
  t.match(await repairDocument(database.client, 'broken', checker), { outcome: 'nothing' })
})

t.test('a repair that is killed has changed nothing, and the next one repairs', async (t) => {
  const database = await storedDocuments(t)
  const { ids: [,, third] } = await writeDocument(database, 'document')
  await database.query("UPDATE secsync_update SET data = '' WHERE snapshot_id = $1 AND clock = 1", third)
  const before = await database.query('SELECT * FROM secsync_update ORDER BY version')
  const document = await database.query('SELECT * FROM secsync_document')
  // It waits in the middle: the first statements were carried out.
  const blocker = new pg.Client({ connectionString: database.connectionString })
  await blocker.connect()
  await blocker.query('BEGIN')
  await blocker.query('SELECT FROM secsync_snapshot WHERE id = $1 FOR UPDATE', [third])
  const main = new URL('../../lib/cli/main.ts', import.meta.url).pathname
  const args = [...process.execArgv.filter((arg) => arg.includes('types.js')), main, 'verify', '--repair', '--workers', '0']
  const child = spawn(process.execPath, args, { env: { ...process.env, DATABASE_URL: database.connectionString }, stdio: 'ignore' })
  const isWaiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
  while ((await database.query(isWaiting)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  child.kill('SIGKILL')
  await once(child, 'exit')
  await blocker.query('ROLLBACK')
  await blocker.end()
  t.match(await database.reports(), [{ opens: false }])
  t.strictSame(await database.query('SELECT * FROM secsync_update ORDER BY version'), before)
  t.strictSame(await database.query('SELECT * FROM secsync_document'), document)
  t.match(await database.call('verify', '--repair'), { code: 0 })
  t.match(await database.reports(), [{ opens: true, problems: [] }])
})
