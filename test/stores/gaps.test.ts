import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t from 'tap'
import { updateChange } from '../../lib/protocol/changes.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { PrismaStore } from '../../lib/stores/prisma.ts'
import { Log } from '../fixtures/log.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'

const [ada, bob] = [new Author(), new Author()]

t.test('the store refuses a gap, whatever it is asked to save', async (t) => {
  const client = new AdapterClient(new PrismaPg({ connectionString: (await createDatabase(t)).connectionString }))
  t.teardown(() => client.close())
  const store = new PrismaStore(client)
  const { app } = await startServer(t, { adapter: new PrismaPg({ connectionString: (await createDatabase(t)).connectionString }) })
  t.ok(app)
  const updates = (...clocks: number[]) => clocks.map((clock) => updateChange(ada.update('document', 'snapshot', clock)))
  for (const clocks of [[0, 2], [0, 1, 3], [0, 0]]) {
    await t.rejects(store.saveUpdates('document', updates(...clocks)), { code: 'FST_SECSYNC_UPDATE_CONFLICT' })
  }
})

t.test('a stored gap is said by name, and the rest of the document is there for everybody', async (t) => {
  const { connectionString } = await createDatabase(t)
  const log = new Log()
  const server = await startServer(t, { adapter: new PrismaPg({ connectionString }) }, log.options)
  const { createSnapshot, createUpdate } = server.app.secsync
  const snapshot = ada.snapshot('document')
  await createSnapshot({ snapshot })
  const id = idOf(snapshot)
  for (const clock of [0, 1, 2]) await createUpdate({ update: ada.update('document', id, clock) })
  await createUpdate({ update: bob.update('document', id, 0) })
  // As version 0.1 could leave it.
  const database = new pg.Client({ connectionString })
  await database.connect()
  t.teardown(() => database.end())
  await database.query('DELETE FROM secsync_update WHERE author = $1 AND clock = 1', [ada.publicKey])

  const client = server.connect('document')
  const { updates } = await client.next('document')
  t.strictSame(updates?.map(({ publicData: { pubKey, clock } }) => [pubKey, clock]), [[ada.publicKey, 0], [bob.publicKey, 0]])
  t.match(log.takeErrors(), [{ documentId: 'document', snapshotId: id, author: ada.publicKey, clock: 1, updates: 1 }])
  for (const clock of [1, 2]) {
    client.send(ada.update('document', id, clock, 'again'))
    t.equal((await client.next('update-saved')).clock, clock)
  }
  t.equal((await database.query("SELECT 1 FROM secsync_update WHERE author LIKE '% put aside %'")).rowCount, 1, 'nothing is deleted')
  t.equal((await server.connect('document', { mode: 'delta', knownSnapshotId: id }).next('document')).updates?.length, 4)
  t.strictSame(log.takeErrors(), [])
})

t.test('published clients open a document with a stored gap, and write it', async (t) => {
  const { connectionString } = await createDatabase(t)
  const server = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  const writer = new RealClient(t, server.endpoint, 'document', { snapshotEvery: Infinity })
  for (const letter of 'abcd') {
    writer.type(letter)
    await agree(writer)
  }
  writer.stop()
  const database = new pg.Client({ connectionString })
  await database.connect()
  await database.query('DELETE FROM secsync_update WHERE clock = 1')
  await database.end()
  const reader = new RealClient(t, server.endpoint, 'document', { snapshotEvery: Infinity })
  await reader.until(({ isSettled }) => isSettled)
  reader.type('!')
  t.equal(await agree(reader), 'ab!')
})
