// PROTOCOL.md, "Connecting" and "Which updates and proofs to send", over a raw socket and PostgreSQL.
import * as secsync from 'secsync'
import t, { type Test } from 'tap'
import type { GetDocumentParams, HasAccessParams, Snapshot, Update } from '../lib/index.ts'
import { Author, RawClient, sodium } from './fixtures/raw-client.ts'
import { memoryStore, startServer, type TestServer } from './fixtures/server.ts'

const [ada, bob, eve] = [new Author(), new Author(), new Author()]

async function endsWith (t: Test, client: RawClient, type: 'document-error' | 'document-not-found' | 'unauthorized', code: number): Promise<void> {
  t.strictSame(await client.next(type), { type })
  t.equal(await client.closed(), code)
}

t.test('no session key, or no document id that can be stored: document-error', async (t) => {
  const { endpoint } = await startServer(t, memoryStore())
  for (const path of ['/document', '/document?mode=delta', '?sessionKey=key', '/?sessionKey=key', '/%00?sessionKey=key', `/${'x'.repeat(1025)}?sessionKey=key`]) {
    await endsWith(t, new RawClient(`${endpoint}${path}`), 'document-error', 4500)
  }
})

t.test('no read access: unauthorized', async (t) => {
  const asked: HasAccessParams[] = []
  const { connect } = await startServer(t, {
    ...memoryStore(),
    hasAccess: (params) => {
      asked.push(params)
      return false
    }
  })
  await endsWith(t, connect('a/b ü', { sessionKey: 'k&y' }), 'unauthorized', 4401)
  const read = { action: 'read', documentId: 'a/b ü' }
  t.strictSame(asked.map(({ request: _, ...params }) => params), [{ ...read, websocketSessionKey: 'k%26y' }, { ...read, websocketSessionKey: 'k&y' }],
    'the session key as the published client sends it, and as others do')
})

t.test('access that throws, or answers neither true nor false, lets nobody in: they may come back later', async (t) => {
  const answers: Array<() => unknown> = [
    () => { throw new Error('no') }, async () => { throw new Error('no') }, () => 'yes', async () => undefined, () => 1
  ]
  const { connect } = await startServer(t, {
    ...memoryStore(),
    hasAccess: ({ websocketSessionKey }) => answers[Number(websocketSessionKey)]!() as boolean
  })
  await Promise.all(answers.map(async (_answer, index) => {
    const client = connect('document', { sessionKey: `${index}` })
    t.equal(await client.closed(), 1011)
    t.strictSame(client.received, [])
  }))
})

t.test('getDocument gives nothing: document-not-found; it throws: document-error', async (t) => {
  for (const nothing of [undefined, null]) {
    const { connect } = await startServer(t, { ...memoryStore(), getDocument: () => nothing })
    await endsWith(t, connect('document'), 'document-not-found', 4404)
  }
  for (const getDocument of [() => { throw new Error('no') }, async () => { throw new Error('no') }]) {
    const { connect } = await startServer(t, { ...memoryStore(), getDocument })
    await endsWith(t, connect('document'), 'document-error', 4500)
  }
})

t.test('what the client says to know is handed to getDocument; what cannot be read is ignored', async (t) => {
  const asked: GetDocumentParams[] = []
  const { connect } = await startServer(t, {
    ...memoryStore(),
    getDocument: (params) => {
      asked.push(params)
      return undefined
    }
  })
  const clocks = { [ada.publicKey]: 3 }
  const known = { knownSnapshotId: 'snapshot', knownSnapshotUpdateClocks: JSON.stringify(clocks) }
  const nothing = { knownSnapshotId: undefined, knownSnapshotUpdateClocks: undefined }
  for (const [query, expected] of [
    [{}, { mode: 'complete', ...nothing }],
    [{ mode: 'complete' }, { mode: 'complete', ...nothing }],
    [{ mode: 'other' }, { mode: 'complete', ...nothing }],
    [{ mode: 'delta' }, { mode: 'delta', ...nothing }],
    [{ mode: 'delta', ...known }, { mode: 'delta', knownSnapshotId: 'snapshot', knownSnapshotUpdateClocks: clocks }],
    [{ mode: 'delta', ...known, knownSnapshotUpdateClocks: encodeURIComponent(JSON.stringify(clocks)) },
      { mode: 'delta', knownSnapshotId: 'snapshot', knownSnapshotUpdateClocks: clocks }],
    [{ mode: 'delta', ...known, knownSnapshotUpdateClocks: '{' }, { mode: 'delta', ...nothing, knownSnapshotId: 'snapshot' }],
    [{ mode: 'delta', ...known, knownSnapshotUpdateClocks: '{"a":"1"}' }, { mode: 'delta', ...nothing, knownSnapshotId: 'snapshot' }]
  ] as const) {
    asked.splice(0)
    await connect('document', query).next('document-not-found')
    const { request: _, ...params } = asked[0]!
    t.strictSame(params, { documentId: 'document', ...expected })
  }
})

t.test('a new document has neither snapshot nor updates', async (t) => {
  const { connect } = await startServer(t)
  for (const query of [{}, { mode: 'delta' }, { mode: 'complete' }]) {
    t.strictSame(await connect('document', query).next('document'), { type: 'document' })
  }
})

t.test('a document that the client knows, and that is no longer there, is not found', async (t) => {
  const { connect } = await startServer(t)
  const client = connect('document', { mode: 'delta', knownSnapshotId: 'gone', knownSnapshotUpdateClocks: JSON.stringify({ [ada.publicKey]: 3 }) })
  await client.next('document-not-found')
  t.equal(await client.closed(), 4404)
})

/** Three snapshots, one after the other, with updates of two and of three authors on the last two. */
async function startWithDocument (t: Test): Promise<TestServer & { snapshots: Snapshot[], updates: Update[] }> {
  const server = await startServer(t)
  const { createSnapshot, createUpdate } = server.app.secsync
  const first = ada.snapshot('document')
  const second = bob.snapshot('document', { parent: first })
  const clocks = { [ada.publicKey]: 1, [bob.publicKey]: 0 }
  const third = ada.snapshot('document', { parent: second, clocks })
  const update = (author: Author, { publicData: { snapshotId } }: Snapshot, clock: number) => author.update('document', snapshotId, clock)
  const updates = [update(ada, third, 0), update(bob, third, 0), update(ada, third, 1), update(eve, third, 0), update(ada, third, 2)]
  await createSnapshot({ snapshot: first })
  await createSnapshot({ snapshot: second })
  for (const old of [update(ada, second, 0), update(bob, second, 0), update(ada, second, 1)]) await createUpdate({ update: old })
  await createSnapshot({ snapshot: third })
  for (const update of updates) await createUpdate({ update })
  return { ...server, snapshots: [first, second, third], updates }
}

function entryOf ({ ciphertext, publicData: { snapshotId, parentSnapshotProof } }: Snapshot) {
  return { snapshotId, parentSnapshotProof, snapshotCiphertextHash: secsync.hash(ciphertext, sodium) }
}

t.test('the known snapshot is the active one, delta: only the updates that are missing, for each author', async (t) => {
  const { connect, snapshots, updates } = await startWithDocument(t)
  const knownSnapshotId = snapshots[2]!.publicData.snapshotId
  for (const [clocks, missing] of [
    [undefined, [0, 1, 2, 3, 4]],
    [{}, [0, 1, 2, 3, 4]],
    [{ [ada.publicKey]: 1 }, [1, 3, 4]],
    [{ [ada.publicKey]: 2, [bob.publicKey]: 0 }, [3]],
    [{ [ada.publicKey]: 2, [bob.publicKey]: 0, [eve.publicKey]: 0 }, []]
  ] as const) {
    const query = { mode: 'delta', knownSnapshotId, ...clocks && { knownSnapshotUpdateClocks: JSON.stringify(clocks) } }
    t.strictSame(await connect('document', query).next('document'), { type: 'document', updates: missing.map((index) => updates[index]) })
  }
})

t.test('a client that knows more than is stored gets an error: the database was set back', async (t) => {
  const { connect, snapshots } = await startWithDocument(t)
  const knownSnapshotId = snapshots[2]!.publicData.snapshotId
  for (const clocks of [{ [ada.publicKey]: 3 }, { [new Author().publicKey]: 0, [ada.publicKey]: 0 }]) {
    const client = connect('document', { mode: 'delta', knownSnapshotId, knownSnapshotUpdateClocks: JSON.stringify(clocks) })
    await client.next('document-error')
    t.equal(await client.closed(), 4500)
  }
})

t.test('the known snapshot is the active one, complete: the snapshot, and then it and its updates as if they were relayed', async (t) => {
  const { connect, snapshots, updates } = await startWithDocument(t)
  const query = { knownSnapshotId: snapshots[2]!.publicData.snapshotId, knownSnapshotUpdateClocks: JSON.stringify({ [ada.publicKey]: 1 }) }
  const client = connect('document', { mode: 'complete', ...query })
  t.strictSame(await client.next('document'), { type: 'document', snapshot: snapshots[2], snapshotProofChain: [], updates: [] })
  client.send(ada.ephemeralMessage('document'))
  t.strictSame((await client.next('snapshot')).snapshot, snapshots[2])
  for (const update of updates) t.strictSame(await client.next('update'), { type: 'update', ...update })
})

t.test('the known snapshot is an ancestor of the active one: that, all its updates, and the proofs in between', async (t) => {
  const { connect, snapshots, updates } = await startWithDocument(t)
  for (const mode of ['delta', 'complete']) {
    for (const known of [0, 1]) {
      const knownSnapshotUpdateClocks = JSON.stringify({ [ada.publicKey]: 1 })
      const client = connect('document', { mode, knownSnapshotId: snapshots[known]!.publicData.snapshotId, knownSnapshotUpdateClocks })
      t.strictSame(await client.next('document'),
        { type: 'document', snapshot: snapshots[2], snapshotProofChain: snapshots.slice(known + 1).map(entryOf), updates })
    }
  }
})

t.test('the known snapshot is unknown or absent: the active snapshot and all its updates, no proofs', async (t) => {
  const { app, connect, snapshots, updates } = await startWithDocument(t)
  const elsewhere = ada.snapshot('elsewhere')
  await app.secsync.createSnapshot({ snapshot: elsewhere })
  for (const mode of ['delta', 'complete']) {
    for (const knownSnapshotId of [undefined, '', secsync.generateId(sodium), elsewhere.publicData.snapshotId, "'; --"]) {
      t.strictSame(await connect('document', { mode, ...knownSnapshotId !== undefined && { knownSnapshotId } }).next('document'),
        { type: 'document', snapshot: snapshots[2], snapshotProofChain: [], updates })
    }
  }
})

t.test('what is sent before the document has come is handled after it', async (t) => {
  const { documents: _, ...store } = memoryStore()
  let letGo = () => {}
  const loaded = new Promise<void>((resolve) => { letGo = resolve })
  const { connect } = await startServer(t, {
    ...store,
    getDocument: async (params) => {
      await loaded
      return store.getDocument(params)
    }
  })
  const client = connect('document')
  client.socket.on('open', () => {
    const snapshot = ada.snapshot('document')
    client.send(snapshot)
    client.send(ada.update('document', snapshot.publicData.snapshotId, 0))
    client.socket.ping()
  })
  client.socket.on('pong', letGo)
  await client.next('document')
  await client.next('snapshot-saved')
  await client.next('update-saved')
})
