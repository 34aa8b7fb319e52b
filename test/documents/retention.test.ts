import { setTimeout as sleep } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import pg from 'pg'
import t from 'tap'
import { memoryStorage } from '../../lib/client/index.ts'
import { retaining } from '../../lib/documents/background.ts'
import { createDocuments } from '../../lib/documents/index.ts'
import type { Documents, RetentionOptions, Snapshot, Update } from '../../lib/index.ts'
import { resolveOptions } from '../../lib/options.ts'
import { AdapterClient } from '../../lib/stores/adapter.ts'
import { readDocuments } from '../../lib/stores/rows.ts'
import { memoryStore } from '../../lib/testing/memory-store.ts'
import { createChecker } from '../../lib/verify/checker.ts'
import { verify } from '../../lib/verify/verify.ts'
import { openClient, untilEqual } from '../fixtures/client.ts'
import { Log } from '../fixtures/log.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'
import { startServer } from '../fixtures/server.ts'

const ada = new Author()
const hasAccess = () => true
const adapter = new PrismaPg({ connectionString: 'postgresql://127.0.0.1:1/none' })

/** Numbers of the kept snapshots, the oldest is 0. */
async function kept (documents: Documents, documentId: string): Promise<number[]> {
  const { snapshots } = await documents.history(documentId) ?? { snapshots: [] }
  return snapshots.reverse().flatMap(({ isKept }, index) => isKept ? [index] : [])
}

async function untilKept (documents: Documents, documentId: string, count: number): Promise<number[]> {
  for (;;) {
    const numbers = await kept(documents, documentId)
    if (numbers.length === count) return numbers
    await sleep(20)
  }
}

t.test('the option says what to write when it is wrong', async (t) => {
  const { documents: _, ...store } = { ...memoryStore(), documents: undefined }
  const resolve = (retention: unknown, more = {}) => resolveOptions({ hasAccess, adapter, retention: retention as RetentionOptions, ...more }).retention
  t.equal(resolve(undefined), undefined)
  t.strictSame(resolve({ snapshots: 10, age: undefined }), { snapshots: 10, interval: 600_000, share: 0.2 })
  t.strictSame(resolve({ age: 0, updates: 1, interval: 100, share: 1 }), { age: 0, updates: 1, interval: 100, share: 1 })
  t.strictSame(resolve({ updates: 2 }, { adapter: undefined, ...store, documentCallbacks: { prune: async () => ({ snapshots: 0, updates: 0 }) } }),
    { updates: 2, interval: 600_000, share: 0.2 })
  const wrong: Array<[retention: unknown, message: RegExp, more?: object]> = [
    ['30 days', /retention is invalid: must be an object that says what is kept, for instance \{ snapshots: 10/],
    [{}, /retention is invalid: does not say what is kept.*To keep everything, leave out the option/],
    [{ interval: 1000 }, /does not say what is kept/],
    [{ snapshots: 0 }, /retention\.snapshots is invalid: must be an integer of at least 1: the active snapshot is always kept/],
    [{ snapshots: '5' }, /retention\.snapshots/],
    [{ updates: 1.5 }, /retention\.updates is invalid: must be an integer of at least 1/],
    [{ age: -1 }, /retention\.age is invalid: must be a number of milliseconds/],
    [{ age: NaN }, /retention\.age/],
    [{ snapshots: 1, share: 0 }, /retention\.share is invalid: must be a number from 0\.01 to 1/],
    [{ snapshots: 1, interval: 10 }, /retention\.interval is invalid: must be an integer from 100/],
    [{ snapshot: 1 }, /Unknown option retention\.snapshot\. Did you mean retention\.snapshots/],
    [{ snapshots: 1, zzzzzzzzzz: 1 }, /retention\.zzzzzzzzzz is invalid: is unknown\. The properties are snapshots, age, updates, interval, share/],
    [{ snapshots: 1 }, /needs the Prisma store\. For a store of your own, pass documentCallbacks: \{ prune \}/, { adapter: undefined, ...store }]
  ]
  for (const [retention, message, more] of wrong) t.throws(() => resolve(retention, more), { message }, JSON.stringify(retention))
})

t.test('two nodes remove what is not kept while clients write; what is kept stays as it was sent, and clients come back by the proofs', async (t) => {
  const { connectionString } = await createDatabase(t)
  const log = new Log()
  const start = async (retention?: RetentionOptions) => await startServer(t, {
    adapter: new PrismaPg({ connectionString }), ...retention && { retention }
  }, log.options)
  const everything = await start()
  const storage = memoryStorage({ keepsState: true })
  const away = openClient(t, everything.endpoint, 'ours', { storage })
  const writer = openClient(t, everything.endpoint, 'ours')
  away.crdt.add('first')
  await untilEqual(away, writer)
  await away.document.destroy()
  const storedBefore = (await everything.app.secsync.documents.history('ours'))?.snapshots.length ?? 0

  const nodes = [1, 2].map(async () => await start({ snapshots: 2, interval: 100, share: 1 }))
  const [{ app: { secsync } }, other] = [await nodes[0]!, await nodes[1]!]
  const sent: Array<{ snapshot: Snapshot, updates: Update[] }> = []
  const ids = ['a', 'b', 'c', 'd']
  const written = ids.map(async (documentId, index) => {
    for (let i = 0; i < 6; i++) {
      const parent = sent.findLast(({ snapshot }) => snapshot.publicData.docId === documentId)?.snapshot
      const snapshot = ada.snapshot(documentId, { parent, clocks: parent === undefined ? {} : { [ada.publicKey]: 2 } })
      const updates = [0, 1, 2].map((clock) => ada.update(documentId, idOf(snapshot), clock))
      await (index % 2 === 0 ? secsync : other.app.secsync).createSnapshot({ snapshot })
      for (const update of updates) await secsync.createUpdate({ update })
      sent.push({ snapshot, updates })
    }
  })
  for (const text of ['second', 'third', 'fourth']) {
    writer.crdt.add(text)
    await writer.document.createSnapshot()
  }
  await Promise.all(written)
  for (const documentId of ids) t.strictSame(await untilKept(secsync.documents, documentId, 2), [4, 5])
  await untilKept(secsync.documents, 'ours', 2)

  for (const documentId of ids) {
    const all = sent.filter(({ snapshot }) => snapshot.publicData.docId === documentId)
    const [oldest, newest] = [all[0]!, all[5]!]
    for (const { snapshot } of all.slice(4)) t.strictSame(await secsync.documents.snapshot(documentId, idOf(snapshot)), snapshot)
    const loaded = await secsync.getDocument({ documentId, mode: 'complete' })
    t.strictSame([loaded?.snapshot, loaded?.updates], [newest.snapshot, newest.updates])
    const delta = await secsync.getDocument({ documentId, mode: 'delta', knownSnapshotId: idOf(oldest.snapshot), knownSnapshotUpdateClocks: {} })
    t.equal(delta?.snapshotProofChain?.length, 5)
    t.strictSame(await secsync.createSnapshot({ snapshot: oldest.snapshot }), oldest.snapshot, 'sent again, it is known without its text')
    t.match(await secsync.documents.get(documentId), { usage: { snapshots: 2, updates: 6 }, version: 24 })
  }
  const back = openClient(t, other.endpoint, 'ours', { storage })
  t.strictSame(await untilEqual(back, writer), ['first', 'fourth', 'second', 'third'])
  t.ok(storedBefore > 0)

  const client = new AdapterClient(new PrismaPg({ connectionString }))
  t.teardown(() => client.close())
  for await (const { opens, problems } of verify(readDocuments(client), createChecker(0))) t.ok(opens && problems.length === 0, JSON.stringify(problems))
  const removed = log.lines.filter(({ msg }) => msg === 'secsync: retention has removed old snapshots and updates') as unknown as Array<{ snapshots: number, updates: number }>
  const sumOf = (name: 'snapshots' | 'updates') => removed.reduce((sum, line) => sum + line[name], 0)
  const { usage } = await secsync.documents.get('ours') ?? {}
  t.equal(usage?.snapshots, 2)
  t.ok(sumOf('snapshots') >= 4 * 4 && sumOf('updates') >= 4 * 4 * 3, 'it is logged')
  t.strictSame(log.takeErrors(), [])
})

t.test('a node leaves the work to another one that is at it, and a script waits for its turn', async (t) => {
  const { connectionString } = await createDatabase(t)
  const documents = createDocuments({ adapter: new PrismaPg({ connectionString }) })
  const { app: { secsync } } = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  const snapshot = ada.snapshot('document')
  await secsync.createSnapshot({ snapshot })
  await secsync.createUpdate({ update: ada.update('document', idOf(snapshot), 0) })
  await secsync.createSnapshot({ snapshot: ada.snapshot('document', { parent: snapshot, clocks: { [ada.publicKey]: 0 } }) })
  const other = new pg.Client({ connectionString })
  await other.connect()
  t.teardown(async () => await Promise.all([documents.close(), other.end()]))
  await other.query('BEGIN')
  await other.query('SELECT pg_advisory_xact_lock(72707370)')
  t.strictSame(await documents.prune({ snapshots: 1 }, { ifBusy: 'end', share: 1 }), { snapshots: 0, updates: 0 })
  const stopped = new AbortController()
  const stopping = documents.prune({ snapshots: 1 }, { signal: stopped.signal })
  const waiting = documents.prune({ snapshots: 1 }, { share: 1 })
  stopped.abort()
  t.strictSame(await stopping, { snapshots: 0, updates: 0 })
  t.strictSame(await kept(documents, 'document'), [0, 1])
  await other.query('COMMIT')
  t.strictSame(await waiting, { snapshots: 1, updates: 1 })
  t.strictSame(await kept(documents, 'document'), [1])
  await t.rejects(documents.prune({ snapshots: 0 }), { code: 'FST_SECSYNC_DOCUMENTS_QUERY_INVALID', message: /prune\(\): snapshots/ })
})

t.test('another node that begins between two batches gets the rest of the work', async (t) => {
  const { connectionString } = await createDatabase(t)
  const { app: { secsync } } = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  let parent: Snapshot | undefined
  for (let i = 0; i < 3; i++) {
    const snapshot = ada.snapshot('document', { parent })
    await secsync.createSnapshot({ snapshot })
    parent = snapshot
  }
  const other = new pg.Client({ connectionString })
  await other.connect()
  t.teardown(() => other.end())
  const adapter = new PrismaPg({ connectionString })
  const client = new AdapterClient(Object.assign(Object.create(adapter) as PrismaPg, {
    connect: async () => {
      const connection = await adapter.connect()
      return Object.assign(Object.create(connection) as typeof connection, {
        queryRaw: async (query: Parameters<typeof connection.queryRaw>[0]) => {
          if (query.sql.includes('removed AS')) await other.query('SELECT pg_advisory_lock(72707370)')
          return await connection.queryRaw(query)
        }
      })
    }
  }))
  t.teardown(() => client.close())
  const documents = createDocuments({ prisma: Object.assign(client, { secsyncDocument: {}, secsyncSnapshot: {}, secsyncUpdate: {}, secsyncDeletion: {} }) })
  t.strictSame(await documents.prune({ snapshots: 1 }, { ifBusy: 'end', share: 1 }), { snapshots: 0, updates: 0 })
  t.strictSame(await kept(secsync.documents, 'document'), [0, 1, 2])
})

t.test('with a store of your own, its prune function is called; a failure is logged and tried again; it stops with the server', async (t) => {
  const log = new Log()
  const calls: unknown[] = []
  let tellCalled = () => {}
  const called = new Promise<void>((resolve) => { tellCalled = resolve })
  let signal: AbortSignal | undefined
  const { app } = await startServer(t, {
    ...memoryStore(),
    retention: { age: 1000, interval: 100 },
    documentCallbacks: {
      async prune (retention, options) {
        calls.push([retention, options?.share, options?.ifBusy])
        if (calls.length === 1) throw new Error('away')
        signal = options?.signal
        tellCalled()
        await new Promise((resolve) => signal?.addEventListener('abort', resolve))
        return { snapshots: 0, updates: 0 }
      }
    }
  }, log.options)
  await called
  t.strictSame(calls, [[{ age: 1000 }, 0.2, 'end'], [{ age: 1000 }, 0.2, 'end']])
  t.match(log.lines.filter(({ msg }) => /retention/.test(msg)), [{ msg: /removing what retention does not keep failed. It is tried again/, err: { message: 'away' } }])
  await app.close()
  t.ok(signal?.aborted)
  t.equal(calls.length, 2)
})

t.test('a run that does not end holds the end of the server for drainTimeout only', async (t) => {
  const log = new Log()
  let tellCalled = () => {}
  const called = new Promise<void>((resolve) => { tellCalled = resolve })
  const { app } = await startServer(t, {
    ...memoryStore(),
    limits: { drainTimeout: 50 },
    retention: { updates: 1, interval: 100 },
    documentCallbacks: { prune: async () => { tellCalled(); return await new Promise(() => {}) } }
  }, log.options)
  await called
  await app.close()
  t.match(log.lines.filter(({ msg }) => /did not stop/.test(msg)), [{ err: { code: 'FST_SECSYNC_CALLBACK_TIMEOUT' } }])
})

t.test('nothing is logged when nothing was removed', async (t) => {
  const log = new Log()
  const task = retaining({ prune: async () => ({ snapshots: 0, updates: 0 }) }, { snapshots: 1, interval: 100, share: 1 }, Fastify(log.options).log)
  task.run()
  await task.stop()
  t.strictSame(log.lines, [])
})
