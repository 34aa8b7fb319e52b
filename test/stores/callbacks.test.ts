import { PrismaPg } from '@prisma/adapter-pg'
import * as secsync from 'secsync'
import t from 'tap'
import { createPrismaStore, type GetDocumentResult, type SecsyncOptions, type Snapshot, type StoreCallbacks, type Update } from '../../lib/index.ts'
import { snapshotChange, updateChange } from '../../lib/protocol/changes.ts'
import { CallbackStore } from '../../lib/stores/callbacks.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { idOf, openDocument } from '../fixtures/open-document.ts'
import { Author, signed, sodium } from '../fixtures/raw-client.ts'
import { memoryStore, startServer } from '../fixtures/server.ts'

const [ada, bob] = [new Author(), new Author()]
const first = ada.snapshot('document')
const second = bob.snapshot('document', { parent: first })
const updates = [ada.update('document', idOf(second), 0), bob.update('document', idOf(second), 0), ada.update('document', idOf(second), 1)]

const chainEntry = ({ publicData: { snapshotId, parentSnapshotProof }, ciphertext }: secsync.Snapshot) => ({
  snapshotId, parentSnapshotProof, snapshotCiphertextHash: secsync.hash(ciphertext, sodium)
})

const store = (callbacks: Partial<StoreCallbacks>) => new CallbackStore({ ...memoryStore(), ...callbacks })

t.test('a store that gives everything, whatever it is asked for, is enough: clients get what they are missing', async (t) => {
  const { connect } = await startServer(t, {
    ...memoryStore(),
    getDocument: () => ({ snapshot: second, updates, additional: 'ignored' })
  })
  const knownSnapshotId = idOf(second)
  for (const [query, expected] of [
    [{}, { snapshot: second, snapshotProofChain: [], updates }],
    // The chain to a child needs nothing but the child.
    [{ mode: 'delta', knownSnapshotId: idOf(first) }, { snapshot: second, snapshotProofChain: [chainEntry(second)], updates }],
    [{ mode: 'delta', knownSnapshotId }, { updates }],
    [{ mode: 'delta', knownSnapshotId, clocks: { [ada.publicKey]: 0 } }, { updates: updates.slice(1) }],
    [{ mode: 'delta', knownSnapshotId, clocks: { [ada.publicKey]: 1, [bob.publicKey]: 0 } }, { updates: [] }]
  ] as Array<[{ clocks?: object }, object]>) {
    const { clocks, ...parameters } = query
    const client = connect('document', { ...parameters, ...clocks && { knownSnapshotUpdateClocks: JSON.stringify(clocks) } })
    t.strictSame(await client.next('document'), { type: 'document', ...expected })
  }
})

t.test('a store that gives the proofs has them passed on', async (t) => {
  const snapshotProofChain = [{ snapshotId: idOf(second), parentSnapshotProof: 'proof', snapshotCiphertextHash: 'hash' }]
  const { connect } = await startServer(t, { ...memoryStore(), getDocument: () => ({ snapshot: second, snapshotProofChain, updates: [] }) })
  t.strictSame((await connect('document', { mode: 'delta', knownSnapshotId: idOf(first) }).next('document')).snapshotProofChain, snapshotProofChain)
})

t.test('what a store may add to a message does not reach the clients', async (t) => {
  const extended = { snapshot: { ...second, id: 7, createdAt: new Date() }, updates: [{ ...updates[0]!, version: 1 }] }
  const { connect } = await startServer(t, { ...memoryStore(), getDocument: () => extended })
  t.strictSame(await connect('document').next('document'), { type: 'document', snapshot: second, snapshotProofChain: [], updates: [updates[0]] })
})

t.test('nothing stored is undefined or null, or a document without a snapshot', async (t) => {
  for (const nothing of [undefined, null]) t.equal(await store({ getDocument: () => nothing }).load('document', { mode: 'complete' }), undefined)
  for (const empty of [{ updates: [] }, { snapshot: null, snapshotProofChain: null, updates: [] }]) {
    t.strictSame((await store({ getDocument: () => empty }).load('document', { mode: 'complete' }))?.cursor, { snapshotId: '', clocks: {} })
  }
})

t.test('a document that is there for who says to know it, but not for others, is not there', async (t) => {
  const getDocument: StoreCallbacks['getDocument'] = ({ mode }) => mode === 'delta' ? { updates: [] } : undefined
  const { connect } = await startServer(t, { ...memoryStore(), getDocument })
  const client = connect('document', { mode: 'delta', knownSnapshotId: 'invented' })
  await client.next('document-not-found')
  t.equal(await client.closed(), 4404)
})

t.test('a result that would break a client is an error of the store', async (t) => {
  const elsewhere = ada.snapshot('elsewhere')
  const table: Array<[what: string, result: unknown]> = [
    ['no object', 'document'],
    ['no updates', { snapshot: second }],
    ['updates that are no array', { updates: {} }],
    ['an update that is none', { snapshot: second, updates: [{}] }],
    ['an update without a signature', { snapshot: second, updates: [{ ...updates[0], signature: undefined }] }],
    ['an update without a clock', { snapshot: second, updates: [{ ...updates[0], publicData: { ...updates[0]!.publicData, clock: '0' } }] }],
    ['a snapshot that is none', { snapshot: {}, updates: [] }],
    ['a row of a database', { snapshot: { id: 1, data: JSON.stringify(second) }, updates: [] }],
    ['proofs that are none', { snapshot: second, snapshotProofChain: [{}], updates: [] }],
    ['a snapshot of another document', { snapshot: elsewhere, updates: [] }],
    ['an update of another document', { snapshot: second, updates: [ada.update('elsewhere', idOf(second), 0)] }],
    ['an update of another snapshot', { snapshot: second, updates: [ada.update('document', idOf(first), 0)] }],
    ['a gap', { snapshot: second, updates: [updates[0], ada.update('document', idOf(second), 2)] }],
    ['an author who begins with 1', { snapshot: second, updates: [updates[2]] }],
    ['a wrong order', { snapshot: second, updates: [updates[2], updates[0]] }],
    ['an update twice', { snapshot: second, updates: [updates[0], updates[0]] }]
  ]
  for (const [what, result] of table) {
    const loading = store({ getDocument: () => result as GetDocumentResult }).load('document', { mode: 'complete' })
    await t.rejects(loading, { code: 'FST_SECSYNC_CALLBACK_RESULT_INVALID', message: /^getDocument / }, what)
    const { connect } = await startServer(t, { ...memoryStore(), getDocument: () => result as GetDocumentResult })
    const client = connect('document')
    await client.next('document-error')
    t.equal(await client.closed(), 4500, what)
  }
})

t.test('a store that gives back something else than it was given has not saved it', async (t) => {
  const update = updateChange(updates[0]!)
  for (const result of [undefined, null, {}, true, second, updates[2], ada.update('document', idOf(first), 0)]) {
    await t.rejects(store({ createUpdate: () => result as Update }).saveUpdates('document', [update]),
      { code: 'FST_SECSYNC_CALLBACK_RESULT_INVALID', message: /^createUpdate .* another update/ })
  }
  const snapshot = snapshotChange(first)
  for (const result of [undefined, null, {}, true, second, updates[0]]) {
    await t.rejects(store({ createSnapshot: () => result as unknown as Snapshot }).saveSnapshot('document', snapshot),
      { code: 'FST_SECSYNC_CALLBACK_RESULT_INVALID', message: /^createSnapshot .* another snapshot/ })
  }
})

t.test('a store need not check what a snapshot is based on: it never sees a wrong one', async (t) => {
  const naive = memoryStore()
  const checked = new CallbackStore({ ...naive, createSnapshot: () => t.fail('it was asked') as unknown as Snapshot })
  naive.createSnapshot({ snapshot: first })
  const { publicData } = ada.snapshot('document', { parent: first })
  const forged = signed(ada, 'secsync_snapshot', { ...publicData, parentSnapshotProof: first.publicData.parentSnapshotProof })
  await t.rejects(checked.saveSnapshot('document', snapshotChange(forged as unknown as Snapshot)), { code: 'FST_SECSYNC_SNAPSHOT_PROOF_INVALID' })
  for (const outdated of [ada.snapshot('document'), ada.snapshot('document', { parent: second })]) {
    await t.rejects(checked.saveSnapshot('document', snapshotChange(outdated)), { name: 'SecsyncSnapshotBasedOnOutdatedSnapshotError' })
  }
  naive.createUpdate({ update: bob.update('document', idOf(first), 0) })
  for (const clocks of [{}, { [ada.publicKey]: 0 }, { [bob.publicKey]: 1 }]) {
    const missing = ada.snapshot('document', { parent: first, clocks })
    await t.rejects(checked.saveSnapshot('document', snapshotChange(missing)), { name: 'SecsyncSnapshotMissesUpdatesError' })
  }
})

t.test('any one of the three can be overridden, and wrap the Prisma store', async (t) => {
  for (const name of ['getDocument', 'createSnapshot', 'createUpdate'] as const) {
    const { connectionString } = await createDatabase(t)
    const adapter = new PrismaPg({ connectionString })
    const prismaStore = createPrismaStore({ adapter })
    t.teardown(() => prismaStore.close())
    let calls = 0
    const wrapped = (params: never) => {
      calls++
      return prismaStore[name](params)
    }
    const { writer, reader, connect, snapshot } = await openDocument(t, { adapter, [name]: wrapped } as Partial<SecsyncOptions>)
    const update = ada.update('document', idOf(snapshot), 0)
    writer.send(update)
    await writer.next('update-saved')
    const child = ada.snapshot('document', { parent: snapshot, clocks: { [ada.publicKey]: 0 } })
    writer.send(child)
    await writer.next('snapshot-saved')
    t.strictSame(await reader.next('update'), { type: 'update', ...update })
    t.strictSame(await reader.next('snapshot'), { type: 'snapshot', snapshot: child })
    t.strictSame(await connect('document').next('document'), { type: 'document', snapshot: child, snapshotProofChain: [], updates: [] })
    t.ok(calls > 0, name)
  }
})

t.test('all three can be overridden', async (t) => {
  const naive = memoryStore()
  const { writer, reader, snapshot } = await openDocument(t, naive)
  const update = ada.update('document', idOf(snapshot), 0)
  writer.send(update)
  await writer.next('update-saved')
  await reader.next('update')
  t.strictSame(naive.documents.get('document'), { snapshots: [snapshot], updates: [update] })
})

t.test('the errors of the npm package secsync are known by their names: an outdated parent', async (t) => {
  const naive = memoryStore()
  const rivals: Snapshot[] = []
  const { writer, snapshot } = await openDocument(t, {
    ...naive,
    createSnapshot (params) {
      if (rivals.length === 0) return naive.createSnapshot(params)
      for (const snapshot of rivals) naive.createSnapshot({ snapshot })
      throw new secsync.SecsyncSnapshotBasedOnOutdatedSnapshotError('somebody else was faster')
    }
  })
  rivals.push(bob.snapshot('document', { parent: snapshot }))
  writer.send(ada.snapshot('document', { parent: snapshot }))
  t.strictSame((await writer.next('snapshot')).snapshot, rivals[0])
  t.strictSame(await writer.next('snapshot-save-failed'), {
    type: 'snapshot-save-failed', snapshot: rivals[0], snapshotProofChain: rivals.map(chainEntry), updates: []
  })
})

t.test('the errors of the npm package secsync are known by their names: missing updates', async (t) => {
  const naive = memoryStore()
  const rivals: Update[] = []
  const { writer, snapshot } = await openDocument(t, {
    ...naive,
    createSnapshot (params) {
      if (rivals.length === 0) return naive.createSnapshot(params)
      for (const update of rivals) naive.createUpdate({ update })
      throw new secsync.SecsyncSnapshotMissesUpdatesError('somebody else was faster')
    }
  })
  rivals.push(bob.update('document', idOf(snapshot), 0))
  writer.send(ada.snapshot('document', { parent: snapshot }))
  t.strictSame(await writer.next('update'), { type: 'update', ...rivals[0] })
  t.strictSame(await writer.next('snapshot-save-failed'), { type: 'snapshot-save-failed', updates: rivals })
})

t.test('whatever a client says to know of a document that has no snapshot, others can begin it', async (t) => {
  for (const mode of ['complete', 'delta']) {
    const { connect } = await startServer(t, memoryStore())
    const knownSnapshotUpdateClocks = JSON.stringify({ [bob.publicKey]: 5 })
    const liar = connect('document', { mode, knownSnapshotId: 'invented', knownSnapshotUpdateClocks })
    t.match(await liar.nextOfAny(), { type: mode === 'delta' ? 'document' : 'document-not-found' })
    const writer = connect('document')
    t.strictSame(await writer.next('document'), { type: 'document' })
    writer.send(first)
    t.equal((await writer.nextOfAny()).type, 'snapshot-saved', mode)
  }
})
