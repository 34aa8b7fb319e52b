import t from 'tap'
import type { Test } from 'tap'
import type { SecsyncOptions, Update } from '../lib/index.ts'
import { ControlledAdapter } from './fixtures/controlled-adapter.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author, type RawClient } from './fixtures/raw-client.ts'
import { idOf } from './fixtures/open-document.ts'
import { memoryStore, startServer } from './fixtures/server.ts'
import { flush, mockTimers, World } from './fixtures/world.ts'

const documentId = 'document'

/** A document with a snapshot, a writer whose updates the test holds back on their way to the database, and others. */
async function openDocument (t: Test, options: Partial<SecsyncOptions> = {}) {
  const adapter = new ControlledAdapter((await createDatabase(t)).connectionString)
  const server = await startServer(t, { adapter, ...options })
  const author = new Author()
  const snapshot = author.snapshot(documentId)
  await server.app.secsync.createSnapshot({ snapshot })
  let messages = 0
  let counted: Array<{ count: number, resolve (): void }> = []
  // From here on a message is handed over without waiting for anything.
  server.app.secsync.addHook('preHandler', ({ action }) => {
    if (action === 'read') return
    messages++
    for (const { count, resolve } of counted) if (messages >= count) setImmediate(resolve)
    counted = counted.filter(({ count }) => messages < count)
  })
  return {
    ...server,
    adapter,
    author,
    snapshotId: snapshot.publicData.snapshotId,
    update: (author: Author, clock: number, content?: string) => author.update(documentId, snapshot.publicData.snapshotId, clock, content),
    snapshot,
    /** A client that may be the published one, which confirms by clock: it says its mode. */
    async published (): Promise<RawClient> {
      const client = server.connect(documentId, { mode: 'complete' })
      await client.next('document')
      client.send(author.ephemeralMessage(documentId))
      return client
    },
    async join (): Promise<RawClient> {
      const client = server.connect(documentId)
      await client.next('document')
      return client
    },
    /** Resolves when so many messages have been handed to the room. */
    received: (count: number) => new Promise<void>((resolve) => {
      if (messages >= count) setImmediate(resolve)
      else counted.push({ count, resolve })
    }),
    stored: async (): Promise<Update[]> => (await server.app.secsync.getDocument({ documentId, mode: 'complete' }))!.updates
  }
}

const signatures = (updates: Update[]) => updates.map(({ signature }) => signature)

t.test('pipelined updates are saved in the order in which they were sent, and many in one statement', async (t) => {
  const { adapter, author, join, received, stored, update } = await openDocument(t)
  const [writer, reader] = [await join(), await join()]
  const updates = Array.from({ length: 200 }, (_, clock) => update(author, clock))
  const statements = adapter.writes.length
  adapter.hold()
  writer.send(updates[0])
  await adapter.begun(statements + 1)
  for (const update of updates.slice(1)) writer.send(update)
  await received(200)
  adapter.release()
  const [saved, relayed]: [number[], Update[]] = [[], []]
  while (saved.length < updates.length) saved.push((await writer.next('update-saved')).clock)
  while (relayed.length < updates.length) relayed.push(await reader.next('update'))
  t.same(saved, updates.map(({ publicData: { clock } }) => clock))
  t.same(signatures(relayed), signatures(updates))
  t.same(signatures(await stored()), signatures(updates))
  t.equal(adapter.writes.length - statements, 2)
})

t.test('a group of big updates is not one statement', async (t) => {
  const { adapter, author, join, received, update } = await openDocument(t, { limits: { maxBytesPerSnapshot: 0 } })
  const writer = await join()
  const content = 'x'.repeat(1024 * 1024)
  const statements = adapter.writes.length
  adapter.hold()
  writer.send(update(author, 0))
  await adapter.begun(statements + 1)
  for (let clock = 1; clock <= 8; clock++) writer.send(update(author, clock, content))
  await received(9)
  adapter.release()
  for (let clock = 0; clock <= 8; clock++) await writer.next('update-saved')
  t.ok(adapter.writes.length - statements > 2)
})

t.test('one failure answers the pipeline behind it, and what is sent anew is saved once', async (t) => {
  const { adapter, author, join, received, stored, update } = await openDocument(t)
  const [writer, reader] = [await join(), await join()]
  const statements = adapter.writes.length
  adapter.hold()
  adapter.fails = (kind) => kind === 'write'
  writer.send(update(author, 0))
  await adapter.begun(statements + 1)
  for (let clock = 1; clock < 10; clock++) writer.send(update(author, clock))
  await received(10)
  adapter.release()
  await writer.next('update-save-failed')
  adapter.fails = () => false

  const again = [0, 1, 2].map((clock) => update(author, clock, 'again'))
  for (const update of again) writer.send(update)
  let message = await writer.nextOfAny()
  while (message.type === 'update-save-failed') message = await writer.nextOfAny()
  t.same(message, { type: 'update-saved', snapshotId: again[0]!.publicData.refSnapshotId, clock: 0 })
  for (const clock of [1, 2]) t.equal((await writer.next('update-saved')).clock, clock)
  for (const { signature } of again) t.equal((await reader.next('update')).signature, signature)
  t.same(signatures(await stored()), signatures(again))
})

t.test('of two updates with one clock, only the one that its client sent after it had heard of the failure is saved', async (t) => {
  const { adapter, author, published, stored, update } = await openDocument(t)
  const writer = await published()
  for (const clock of [0, 1]) {
    writer.send(update(author, clock))
    await writer.next('update-saved')
  }
  adapter.fails = (kind) => kind === 'write'
  writer.send(update(author, 2, 'refused'))
  t.equal((await writer.next('update-save-failed')).clock, 2)
  adapter.fails = () => false
  // Sent before the client heard of it, then all of it again as one.
  for (const clock of [3, 4]) writer.send(update(author, clock, 'sent before'))
  const again = update(author, 2, 'sent after')
  writer.send(again)
  t.equal((await writer.next('update-saved')).clock, 2)
  const next = update(author, 3, 'sent after')
  writer.send(next)
  t.equal((await writer.next('update-saved')).clock, 3)
  t.same(signatures(await stored()).slice(2), signatures([again, next]))
})

t.test('when a clock does not tell which update it is, a snapshot is asked for, and nothing before that is saved', async (t) => {
  const { author, published, snapshot, stored, update } = await openDocument(t)
  const writer = await published()
  const first = update(author, 0)
  writer.send(first)
  await writer.next('update-saved')
  // After a reconnect, the published client begins at clock 0 again.
  writer.send(update(author, 0, 'refused'))
  t.equal((await writer.next('update')).signature, first.signature)
  t.match(await writer.next('update-save-failed'), { clock: 0, requiresNewSnapshot: false })
  writer.send(update(author, 1, 'sent before, or after'))
  t.match(await writer.next('update-save-failed'), { clock: 1, requiresNewSnapshot: true })
  for (const clock of [2, 3]) writer.send(update(author, clock))
  t.same(signatures(await stored()), signatures([first]))
  const child = author.snapshot(documentId, { parent: snapshot, clocks: { [author.publicKey]: 0 } })
  writer.send(child)
  // It takes back what it has in flight, and confirms none of it with the snapshot.
  await writer.next('update-save-failed')
  t.equal((await writer.next('snapshot-saved')).snapshotId, idOf(child))
  writer.send(author.update(documentId, idOf(child), 0))
  t.equal((await writer.next('update-saved')).clock, 0)
})

t.test('an update on a snapshot that was replaced is refused with the first one on the new snapshot', async (t) => {
  const { author, join, published, snapshot, update } = await openDocument(t)
  const [writer, other] = [await published(), await join()]
  const child = new Author().snapshot(documentId, { parent: snapshot })
  other.send(child)
  await other.next('snapshot-saved')
  const id = idOf((await writer.next('snapshot')).snapshot)
  writer.send(update(author, 0, 'under way'))
  for (const clock of [0, 1]) writer.send(author.update(documentId, id, clock, 'sent before'))
  t.match(await writer.next('update-save-failed'), { snapshotId: id, clock: 0 })
  writer.send(author.update(documentId, id, 0, 'all of it'))
  t.equal((await writer.next('update-saved')).clock, 0)
  await other.next('update')
  t.equal(other.received.length, 0)
})

t.test('a client that sends nothing on the new snapshot has to come back', async (t) => {
  const { author, join, published, snapshot, update } = await openDocument(t)
  const [writer, other] = [await published(), await join()]
  other.send(new Author().snapshot(documentId, { parent: snapshot }))
  await writer.next('snapshot')
  writer.send(update(author, 0, 'under way'))
  await writer.next('update-save-failed')
  t.equal(await writer.closed(), 1013)
})

t.test('a refusal waits its turn: what was sent before is answered before', async (t) => {
  let denied = false
  const { adapter, author, join, received, update } = await openDocument(t, {
    hasAccess ({ action }) {
      if (action !== 'write-update' || !denied) return true
      denied = false
      throw new Error('The sessions are away')
    }
  })
  const writer = await join()
  const statements = adapter.writes.length
  adapter.hold()
  writer.send(update(author, 0))
  await adapter.begun(statements + 1)
  denied = true
  writer.send(update(author, 1))
  writer.send(update(author, 2))
  await received(2)
  adapter.release()
  // A client that hears of a failure takes back what is not confirmed yet.
  t.equal((await writer.next('update-saved')).clock, 0)
  t.equal((await writer.next('update-save-failed')).clock, 1)
  writer.send(update(author, 1))
  t.equal((await writer.next('update-saved')).clock, 1)
})

t.test('an update that cannot be saved takes nobody else’s with it', async (t) => {
  const { adapter, join, received, stored, update } = await openDocument(t)
  const [bad, good, first] = [new Author(), new Author(), new Author()]
  const [a, b, c] = [await join(), await join(), await join()]
  const statements = adapter.writes.length
  adapter.hold()
  adapter.fails = (_kind, values) => JSON.stringify(values).includes(bad.publicKey)
  c.send(update(first, 0))
  await adapter.begun(statements + 1)
  a.send(update(bad, 0))
  await received(2)
  b.send(update(good, 0))
  b.send(update(good, 1))
  await received(4)
  adapter.release()
  await b.next('update')
  for (const clock of [0, 1]) t.equal((await b.next('update-saved')).clock, clock)
  t.same((await stored()).map(({ publicData: { pubKey } }) => pubKey), [first, good, good].map(({ publicKey }) => publicKey))
  // As long as others write, too.
  adapter.fails = () => false
  await a.next('update')
  const answers = [await a.nextOfAny(), await a.nextOfAny(), await a.nextOfAny()]
  t.same(answers.map(({ type }) => type).sort(), ['update', 'update', 'update-save-failed'])
})

t.test('an update that createUpdate refuses takes nobody else’s with it', async (t) => {
  const [bad, good] = [new Author(), new Author()]
  const store = memoryStore()
  let begin: () => void
  let proceed: () => void
  const begun = new Promise<void>((resolve) => { begin = resolve })
  const allThere = new Promise<void>((resolve) => { proceed = resolve })
  const { app, connect } = await startServer(t, {
    ...store,
    async createUpdate (params) {
      begin()
      await allThere
      if (params.update.publicData.pubKey === bad.publicKey) throw new Error('No')
      return store.createUpdate(params)
    }
  })
  const snapshot = good.snapshot(documentId)
  store.createSnapshot({ snapshot })
  const [a, b] = [connect(documentId), connect(documentId)]
  await a.next('document')
  await b.next('document')
  const { snapshotId } = snapshot.publicData
  b.send(good.update(documentId, snapshotId, 0))
  await begun
  let updates = 0
  app.secsync.addHook('preHandler', () => { if (++updates === 2) setImmediate(proceed) })
  a.send(bad.update(documentId, snapshotId, 0))
  b.send(good.update(documentId, snapshotId, 1))
  for (const clock of [0, 1]) t.equal((await b.next('update-saved')).clock, clock)
  const answers = [await a.nextOfAny(), await a.nextOfAny(), await a.nextOfAny()]
  t.same(answers.map(({ type }) => type).sort(), ['update', 'update', 'update-save-failed'])
})

t.test('an update whose clock is taken is refused also when the one that has it cannot be looked up', async (t) => {
  const store = memoryStore()
  let reads = Infinity
  const { app, connect } = await startServer(t, {
    ...store,
    getDocument: (params) => {
      if (reads-- <= 0) throw new Error('The database is away')
      return store.getDocument(params)
    }
  })
  const author = new Author()
  const snapshot = author.snapshot(documentId)
  const update = () => author.update(documentId, snapshot.publicData.snapshotId, 0)
  await app.secsync.createSnapshot({ snapshot })
  const client = connect(documentId)
  await client.next('document')
  client.send(update())
  await client.next('update-saved')
  reads = 0
  client.send(update())
  t.match(await client.next('update-save-failed'), { clock: 0 })
  t.equal(store.documents.get(documentId)?.updates.length, 1)
})

t.test('failures and conflicts are answered at once: no timer of the server goes off in this test', async (t) => {
  mockTimers(t)
  const world = new World()
  const [a, b] = [world.clients[0]!, world.clients[1]!]
  a.type()
  await world.drain({ withTimers: false })
  for (let failures = 0; failures < 5; failures++) {
    a.type()
    while (a.passDown() || a.work() || a.passUp());
    await world.until(() => world.store.called.length > 0)
    world.store.perform(0, 'failed')
    world.store.answer()
    await world.until(() => {
      world.store.serve()
      return a.socket!.down.length > 0
    })
  }
  // Both send a snapshot at the same time.
  for (const client of [a, b]) client.type({ wantsSnapshot: true })
  await world.drain({ withTimers: false })
  for (const client of [a, b]) t.same([...client.content].sort(), [...world.stored].sort())
})

t.test('an update that was saved though its client was told otherwise: it hears of it, and nothing that it types meanwhile is lost', async (t) => {
  mockTimers(t)
  const world = new World()
  const client = world.clients[0]!
  client.type()
  await world.drain()
  const isCalled = () => world.store.called.length > 0
  const pass = async (pass: () => boolean) => {
    while (pass());
    await flush()
  }

  client.type()
  client.work()
  await pass(() => client.passUp())
  // The database has it, and neither says so nor answers the question.
  for (const outcome of ['lost', 'failed'] as const) {
    await world.until(isCalled)
    world.store.perform(0, outcome)
    world.store.answer()
  }
  await world.until(() => client.socket!.down.length > 0)
  await pass(() => client.passDown() || client.work())
  // Sent again under the same clock, and the next one behind it.
  client.type()
  client.work()
  await pass(() => client.passUp())
  await world.until(() => {
    world.store.serve()
    return client.socket!.down.length > 0
  })
  // It hears of what was saved, and numbers on from there.
  client.passDown()
  client.work()
  client.type()
  client.work()
  await world.drain()
  t.same([...world.stored].sort(), [...client.typed].sort())
})
