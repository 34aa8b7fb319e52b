import { setTimeout as sleep } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import { Value } from '@sinclair/typebox/value'
import { FormatRegistry } from '@sinclair/typebox'
import pg from 'pg'
import t, { type Test } from 'tap'
import { memoryStorage } from '../../lib/client/index.ts'
import { createDocuments, Receipt, type Documents } from '../../lib/documents/index.ts'
import { parentSnapshotProof } from '../../lib/protocol/proof.ts'
import { hash, type SecsyncOptions } from '../../lib/index.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { openClient, untilEqual, untilState } from '../fixtures/client.ts'
import { ControlledBroker } from '../fixtures/controlled-bus.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'
import { Version01 } from '../fixtures/version-0.1.ts'

FormatRegistry.Set('date-time', (text) => new Date(text).toISOString() === text)

const [ada, bob] = [new Author(), new Author()]

async function setUp (t: Test, options: Partial<SecsyncOptions> = {}) {
  const { connectionString } = await createDatabase(t)
  const start = (more: Partial<SecsyncOptions> = {}) => startServer(t, { adapter: new PrismaPg({ connectionString }), ...options, ...more })
  const client = new pg.Client({ connectionString })
  await client.connect()
  t.teardown(() => client.end())
  const rows = async () => {
    const { rows: [row] } = await client.query<{ updates: number, snapshots: number, kept: string }>(`SELECT (SELECT count(*)::int FROM secsync_update) AS updates,
      (SELECT count(*)::int FROM secsync_snapshot) AS snapshots, (SELECT sum(kept_bytes) FROM secsync_document) AS kept`)
    return row
  }
  return { connectionString, start, rows, client }
}

async function untilPurged (documents: Documents, documentId: string): Promise<Receipt> {
  for (;;) {
    const receipt = await documents.receipt(documentId)
    if (receipt?.purgedAt !== undefined) return receipt
    await sleep(5)
  }
}

t.test('a deleted document is gone for everybody at once, and its data soon, and the receipt says what it was', async (t) => {
  const { start, rows } = await setUp(t)
  const { app: { secsync }, connect } = await start()
  const snapshot = ada.snapshot('document')
  await secsync.createSnapshot({ snapshot })
  const [writer, reader] = [connect('document'), connect('document')]
  for (const client of [writer, reader]) await client.next('document')
  writer.send(ada.update('document', idOf(snapshot), 0))
  await writer.next('update-saved')
  await reader.next('update')
  const usage = (await secsync.documents.get('document'))?.usage

  const receipt = await secsync.documents.delete('document')
  t.ok(Value.Check(Receipt, receipt))
  const { snapshotId, parentSnapshotProof: proof } = snapshot.publicData
  t.match(receipt, {
    documentId: 'document',
    version: 2,
    activeSnapshotId: snapshotId,
    chainProof: parentSnapshotProof({ snapshotId, parentSnapshotProof: proof, snapshotCiphertextHash: hash(snapshot.ciphertext) }),
    snapshots: 1,
    updates: 1,
    bytes: usage?.keptBytes
  })
  t.notOk(receipt?.restorableUntil)
  for (const client of [writer, reader]) {
    await client.next('document-not-found')
    t.equal(await client.closed(), 4404)
  }
  t.equal(await secsync.documents.exists('document'), false)
  t.equal(await secsync.documents.get('document'), undefined)
  t.strictSame((await secsync.documents.list()).documents, [])
  t.equal(await secsync.getDocument({ documentId: 'document', mode: 'complete' }), undefined)
  t.equal(await secsync.documents.delete('document'), undefined, 'it is deleted once')
  const purged = await untilPurged(secsync.documents, 'document')
  t.strictSame({ ...purged, purgedAt: undefined }, { ...receipt, purgedAt: undefined })
  t.match(await rows(), { updates: 0, snapshots: 0, kept: '0' })
  t.match(await secsync.documents.usage(), { documents: 0, keptBytes: 0, deleted: { documents: 0, bytes: 0 } })
  t.equal(await secsync.documents.restore('document'), false)
})

t.test('nothing brings a deleted document back: a copy, a first snapshot, an update, another node, version 0.1', async (t) => {
  const { start, connectionString } = await setUp(t)
  const { app: { secsync }, connect } = await start()
  const other = await start()
  const snapshot = ada.snapshot('document', { content: 'x'.repeat(20_000) })
  await secsync.createSnapshot({ snapshot })
  // In the caches of both nodes.
  for (const node of [connect, other.connect]) await node('document').next('document')
  t.match(await secsync.documents.delete('document'), { version: 1 })

  for (const when of ['before', 'after'] as const) {
    if (when === 'after') await untilPurged(secsync.documents, 'document')
    const known = [{}, { mode: 'delta', knownSnapshotId: idOf(snapshot) }, { knownSnapshotId: idOf(snapshot) }, { mode: 'delta', knownSnapshotId: 'other' }]
    for (const node of [connect, other.connect]) {
      for (const query of known) {
        const client = node('document', query)
        await client.next('document-not-found')
        t.equal(await client.closed(), 4404, when)
      }
    }
    for (const store of [secsync, other.app.secsync]) {
      const deleted = { code: 'FST_SECSYNC_DOCUMENT_DELETED' }
      await t.rejects(async () => await store.createSnapshot({ snapshot }), deleted, 'the first snapshot, sent again')
      await t.rejects(async () => await store.createSnapshot({ snapshot: bob.snapshot('document') }), deleted)
      await t.rejects(async () => await store.createSnapshot({ snapshot: ada.snapshot('document', { parent: snapshot }) }), deleted)
      await t.rejects(async () => await store.createUpdate({ update: ada.update('document', idOf(snapshot), 0) }), { code: 'FST_SECSYNC_UPDATE_CONFLICT' })
    }
    const db = new AdapterClient(new PrismaPg({ connectionString }))
    t.teardown(() => db.close())
    const old = new Version01(db)
    t.equal(await old.createSnapshot({ snapshot }), undefined)
    t.equal(await old.createSnapshot({ snapshot: ada.snapshot('document', { parent: snapshot }) }), undefined)
    t.equal(await old.createUpdate({ update: ada.update('document', idOf(snapshot), 0) }), undefined)
    t.equal(await secsync.documents.exists('document'), false)
  }
})

t.test('a client that has opened a new document is told when another node has made and deleted it', async (t) => {
  const { start } = await setUp(t)
  const { app: { secsync }, connect } = await start()
  const other = await start()
  const client = connect('document')
  await client.next('document')
  await other.app.secsync.createSnapshot({ snapshot: ada.snapshot('document') })
  await other.app.secsync.documents.delete('document')
  // No bus: this node learns of it from the store.
  client.send(bob.snapshot('document'))
  await client.next('document-not-found')
  t.equal(await client.closed(), 4404)
  t.equal(await secsync.documents.exists('document'), false)
})

t.test('a client whose document was being loaded while it was deleted is told', async (t) => {
  const { connectionString, start } = await setUp(t)
  const adapter = new PrismaPg({ connectionString })
  let goOn = () => {}
  const hold = new Promise<void>((resolve) => { goOn = resolve })
  let isLoading = () => {}
  const loading = new Promise<void>((resolve) => { isLoading = resolve })
  const { app: { secsync }, connect } = await start({
    adapter: Object.assign(Object.create(adapter) as PrismaPg, {
      connect: async () => {
        const connection = await adapter.connect()
        return Object.assign(Object.create(connection) as typeof connection, {
          queryRaw: async (query: { sql: string, args: unknown[] }) => {
            const result = await connection.queryRaw(query as Parameters<typeof connection.queryRaw>[0])
            if (!query.sql.includes('"snapshotProofChain"')) return result
            isLoading()
            await hold
            return result
          }
        })
      }
    })
  })
  const snapshot = ada.snapshot('document')
  await secsync.createSnapshot({ snapshot })
  const client = connect('document')
  await loading
  await secsync.documents.delete('document')
  goOn()
  await client.next('document')
  await client.next('document-not-found')
  t.equal(await client.closed(), 4404)
})

t.test('the connections of other nodes are closed: by the bus, and without it when they look', async (t) => {
  const broker = new ControlledBroker()
  const { start, connectionString } = await setUp(t)
  const [first, second] = [await start({ bus: broker.bus() }), await start({ bus: broker.bus(), limits: { checkInterval: 200 } })]
  for (const [id, connected] of [['with bus', true], ['without', false]] as const) {
    const snapshot = ada.snapshot(id)
    await first.app.secsync.createSnapshot({ snapshot })
    const client = second.connect(id)
    await client.next('document')
    if (connected) broker.connect()
    else broker.leave()
    if (connected) await first.app.secsync.documents.delete(id)
    else {
      const documents = createDocuments({ adapter: new PrismaPg({ connectionString }) })
      t.teardown(() => documents.close())
      await documents.delete(id)
    }
    while (broker.underway.length > 0) broker.deliver()
    await client.next('document-not-found')
    t.equal(await client.closed(), 4404, id)
  }
})

t.test('of writes and a deletion at the same moment, all that is acknowledged before is deleted, and nothing is stored after', async (t) => {
  const { start, client } = await setUp(t)
  const nodes = [await start(), await start()]
  for (let round = 0; round < 8; round++) {
    const id = `document ${round}`
    let parent = ada.snapshot(id)
    await nodes[0]!.app.secsync.createSnapshot({ snapshot: parent })
    const acknowledged = { count: 1 }
    const writing = nodes.map(async ({ app: { secsync } }, index) => {
      const author = new Author()
      try {
        for (let clock = 0; ; clock++) {
          await secsync.createUpdate({ update: author.update(id, idOf(parent), clock) })
          acknowledged.count++
          if (index === 1 && clock === round) {
            const snapshot = author.snapshot(id, { parent, clocks: { [author.publicKey]: clock } })
            await Promise.resolve(secsync.createSnapshot({ snapshot })).then(() => {
              parent = snapshot
              acknowledged.count++
            }, () => {})
          }
        }
      } catch {}
    })
    await sleep(round)
    const receipt = await nodes[1]!.app.secsync.documents.delete(id, { restorableFor: 1e6 })
    await Promise.all(writing)
    t.equal(receipt?.version, acknowledged.count)
    t.equal((receipt?.snapshots ?? 0) + (receipt?.updates ?? 0), acknowledged.count)
    const { rows } = await client.query<{ stored: number }>(`SELECT (SELECT count(*) FROM secsync_update WHERE document_id = $1)::int +
      (SELECT count(*) FROM secsync_snapshot WHERE document_id = $1)::int AS stored`, [id])
    t.equal(rows[0]?.stored, acknowledged.count)
    t.equal(await nodes[0]!.app.secsync.documents.exists(id), false)
  }
})

t.test('a deleted document can be restored as it was, until its time is over', async (t) => {
  const { start, client, rows } = await setUp(t)
  const { app: { secsync }, connect } = await start()
  const snapshot = ada.snapshot('document')
  await secsync.createSnapshot({ snapshot })
  const updates = [0, 1].map((clock) => ada.update('document', idOf(snapshot), clock))
  for (const update of updates) await secsync.createUpdate({ update })
  const before = await secsync.documents.get('document')

  const receipt = await secsync.documents.delete('document', { restorableFor: 60_000 })
  t.equal(Date.parse(receipt?.restorableUntil ?? '') - Date.parse(receipt?.deletedAt ?? ''), 60_000)
  t.match(await secsync.documents.usage(), { documents: 0, deleted: { documents: 1, bytes: receipt?.bytes } })
  t.equal(await secsync.documents.purge(), 0)
  await connect('document').next('document-not-found')
  t.equal(await secsync.documents.restore('document'), true)
  t.equal(await secsync.documents.restore('document'), false)
  t.equal(await secsync.documents.receipt('document'), undefined)
  t.strictSame({ ...await secsync.documents.get('document'), changedAt: '' }, { ...before, changedAt: '' })
  const reader = connect('document')
  t.strictSame((await reader.next('document')).updates, updates)
  reader.send(ada.update('document', idOf(snapshot), 2))
  await reader.next('update-saved')

  await secsync.documents.delete('document', { restorableFor: 60_000 })
  await client.query("UPDATE secsync_deletion SET restorable_until = now() - interval '1 s'")
  t.equal(await secsync.documents.restore('document'), false)
  t.equal(await secsync.documents.purge({ signal: AbortSignal.abort() }), 0)
  await secsync.documents.purge()
  await untilPurged(secsync.documents, 'document')
  t.match(await rows(), { updates: 0, snapshots: 0 })

  // A clock that was set back does not give time that is over.
  const other = ada.snapshot('other')
  await secsync.createSnapshot({ snapshot: other })
  await secsync.documents.delete('other', { restorableFor: 60_000 })
  await client.query("UPDATE secsync_deletion SET purge_started_at = now() WHERE document_id = 'other'")
  t.equal(await secsync.documents.restore('other'), false)
})

t.test('the data goes in batches, and several nodes may remove it at once', async (t) => {
  const { start, client, rows, connectionString } = await setUp(t)
  const { app: { secsync } } = await start()
  const tools = [1, 2].map(() => createDocuments({ adapter: new PrismaPg({ connectionString }) }))
  for (const tool of tools) t.teardown(() => tool.close())
  let parent = ada.snapshot('document')
  await secsync.createSnapshot({ snapshot: parent })
  for (let i = 0; i < 50; i++) {
    const snapshot = ada.snapshot('document', { parent })
    await secsync.createSnapshot({ snapshot })
    parent = snapshot
  }
  await client.query('INSERT INTO secsync_update SELECT \'document\', $1, \'author\' || i % 10, i / 10, 51 + i, \'data\' FROM generate_series(0, 2999) i', [idOf(parent)])
  // As if version 0.1 had written them.
  await client.query('UPDATE secsync_document SET version = version + 3000')
  t.match(await secsync.documents.delete('document', { restorableFor: 60_000 }), { snapshots: 51, updates: 3000 })
  await client.query('UPDATE secsync_deletion SET restorable_until = now()')
  await Promise.all(tools.map(async (tool) => await tool.purge()))
  t.match(await rows(), { updates: 0, snapshots: 0, kept: '0' })
  t.match(await secsync.documents.receipt('document'), { snapshots: 51, updates: 3000, version: 3051 })
})

t.test('both clients are told, keep their copy, and never bring the document back', async (t) => {
  const { start } = await setUp(t)
  const { app: { secsync }, endpoint } = await start()
  const [published, away] = [new RealClient(t, endpoint, 'document'), new RealClient(t, endpoint, 'document')]
  published.type('written')
  t.equal(await agree(published, away), 'written')
  away.disconnect()
  await secsync.documents.delete('document')
  await published.until(({ status }) => status === 'noAccess')
  away.type('offline')
  away.connect()
  await away.until(({ status }) => status === 'noAccess')
  t.equal(away.text.toString(), 'writtenoffline')
  const anew = new RealClient(t, endpoint, 'document')
  await anew.until(({ status }) => status === 'noAccess')

  const storage = memoryStorage({ keepsState: true })
  const [ours, ours2] = [openClient(t, endpoint, 'ours', { storage }), openClient(t, endpoint, 'ours')]
  ours.crdt.add('written')
  await untilEqual(ours, ours2)
  await secsync.documents.delete('ours')
  for (const { document } of [ours, ours2]) {
    const { connection } = await untilState(document, ({ connection }) => connection.status === 'noAccess')
    t.match(connection, { reason: 'notFound' })
  }
  ours.crdt.add('offline')
  ours.document.retry()
  await untilState(ours.document, ({ connection }) => connection.status === 'connecting')
  t.match(await untilState(ours.document, ({ connection }) => connection.status === 'noAccess'), { pending: 1 })
  ours.document.destroy()
  const later = openClient(t, endpoint, 'ours', { storage })
  t.match(await untilState(later.document, ({ connection }) => connection.status === 'noAccess'), { loaded: 'device' })
  t.ok(later.crdt.sorted.includes('written'))
  for (const id of ['document', 'ours']) t.equal(await secsync.documents.exists(id), false)
})
