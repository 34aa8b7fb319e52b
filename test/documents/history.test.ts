import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t from 'tap'
import type { Snapshot } from '../../lib/index.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'
import { startServer } from '../fixtures/server.ts'

const [ada, bob] = [new Author(), new Author()]

t.test('every kept snapshot is a version, with its time, author and size, and can be read', async (t) => {
  const { connectionString } = await createDatabase(t)
  const { app: { secsync: { createSnapshot, createUpdate, documents } } } = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  const snapshots: Snapshot[] = []
  for (const author of [ada, bob, ada]) {
    const snapshot = author.snapshot('document', { parent: snapshots[0], clocks: snapshots.length > 0 ? { [bob.publicKey]: 0 } : {} })
    await createSnapshot({ snapshot })
    await createUpdate({ update: bob.update('document', idOf(snapshot), 0) })
    snapshots.unshift(snapshot)
  }
  const history = await documents.history('document')
  t.match(history?.snapshots, snapshots.map((snapshot, index) => ({
    snapshotId: idOf(snapshot),
    version: 5 - 2 * index,
    publicKey: snapshot.publicData.pubKey,
    bytes: Buffer.byteLength(JSON.stringify(snapshot)),
    isActive: index === 0,
    isKept: true
  })))
  t.equal(history?.before, undefined)
  const first = await documents.history('document', { limit: 2 })
  t.equal(first?.snapshots.length, 2)
  const rest = await documents.history('document', { limit: 2, before: first?.before ?? 0 })
  t.strictSame([...first?.snapshots ?? [], ...rest?.snapshots ?? []], history?.snapshots)
  for (const snapshot of snapshots) t.strictSame(await documents.snapshot('document', idOf(snapshot)), snapshot)

  const database = new pg.Client({ connectionString })
  await database.connect()
  t.teardown(() => database.end())
  // Of version 0.1, and pruned.
  await database.query('UPDATE secsync_snapshot SET author = NULL, bytes = NULL, signature = NULL')
  t.strictSame(await documents.history('document'), history)
  await database.query('UPDATE secsync_snapshot SET data = NULL WHERE version = 1')
  const pruned = (await documents.history('document'))?.snapshots[2]
  t.match(pruned, { version: 1, isKept: false })
  t.notOk(pruned?.publicKey ?? pruned?.bytes)
  t.equal(await documents.snapshot('document', idOf(snapshots[2]!)), undefined)

  t.equal(await documents.snapshot('document', 'none'), undefined)
  t.equal(await documents.snapshot('none', idOf(snapshots[0]!)), undefined)
  t.strictSame(await documents.history('document', { before: 1 }), { snapshots: [] })
  for (const id of ['', 'none']) {
    t.equal(await documents.history(id), undefined)
    t.equal(await documents.snapshot(id, 'none'), undefined)
  }
  await t.rejects(documents.history('document', { limit: 0 }), { code: 'FST_SECSYNC_DOCUMENTS_QUERY_INVALID' })
  await documents.delete('document', { restorableFor: 60_000 })
  t.equal(await documents.history('document'), undefined)
  t.equal(await documents.snapshot('document', idOf(snapshots[0]!)), undefined)
})
