import t from 'tap'
import { createKey, createKeyPair } from '../../lib/client/crypto/keys.ts'
import { createSnapshot, createUpdate } from '../../lib/client/crypto/messages.ts'
import { encodeChanges } from '../../lib/client/crypto/changes.ts'
import { proofEntryOf } from '../../lib/client/crypto/proof.ts'
import { finish } from '../../lib/client/crypto/work.ts'
import { OpenDocument } from '../../lib/client/document.ts'
import { memoryStorage, type ClientErrorCode } from '../../lib/client/index.ts'
import { noParent } from '../../lib/protocol/chain.ts'
import type { Snapshot, Update } from '../../lib/protocol/messages.ts'
import { SetCrdt } from '../fixtures/set-crdt.ts'
import { SimulatedServer } from '../fixtures/simulation/server.ts'
import { World } from '../fixtures/simulation/world.ts'

const key = createKey()
const mallory = createKeyPair()

/** Somebody who reads and writes, connected to a server that may do anything, and what was in the document before that began. */
async function begin () {
  const server = new SimulatedServer(key)
  const world = new World(server, 1)
  const open = (crdt: SetCrdt) => new OpenDocument({
    url: 'ws://server/documents',
    documentId: 'document',
    sessionKey: 'session-key',
    crdt,
    getKey: () => key,
    isValidClient: () => true,
    storage: memoryStorage()
  }, world.environment(crdt, () => true))
  const writer = new SetCrdt()
  const reader = new SetCrdt()
  const documents = [open(writer), open(reader)] as const
  const run = async (ms = 100) => { await world.settle(); await world.flow(); await world.advance(ms); await world.flow() }
  await run()
  for (const text of ['a', 'b', 'c']) {
    writer.add(text)
    await run()
  }
  const line = () => world.openLines.find(({ owner }) => owner === reader)!
  return {
    server,
    world,
    open,
    writer,
    reader,
    documents,
    run,
    /** The line of the reader. */
    line,
    send: async (message: object) => { line().down.push(JSON.stringify(message)); await world.flow() },
    get state () { return documents[1].getState().connection },
    /** What stays wrong after a reconnect, too. */
    async code (): Promise<ClientErrorCode | string> {
      for (let i = 0; i < 3; i++) {
        const { connection } = documents[1].getState()
        if (connection.status === 'trouble') return connection.error.code
        await run(300)
      }
      return documents[1].getState().connection.status
    }
  }
}

type Situation = Awaited<ReturnType<typeof begin>>

function update ({ server }: Situation, clock: number, text: string, more: object = {}, author = mallory): Update {
  const content = finish(encodeChanges([new TextEncoder().encode(text)]))
  return finish(createUpdate(content, { docId: 'document', refSnapshotId: server.active!.publicData.snapshotId, clock, ...more }, key, author))
}

function snapshot (parent: Snapshot | undefined, clocks: Record<string, number>, texts: string[]): Snapshot {
  return finish(createSnapshot(new TextEncoder().encode(JSON.stringify(texts)), {
    docId: 'document',
    snapshotId: `snapshot-of-mallory-${texts.join('-')}`,
    parent: parent === undefined ? noParent : finish(proofEntryOf(parent)),
    parentSnapshotUpdateClocks: clocks
  }, key, mallory))
}

/** What a server may do, and how the client calls it. */
const attacks: Array<[name: string, code: ClientErrorCode | 'live', attack: (situation: Situation) => void | Promise<void>]> = [
  ['no JSON', 'SECSYNC_INVALID_MESSAGE', ({ line, world }) => { line().down.push('no JSON'); return world.flow() }],
  ['an update of the wrong shape', 'SECSYNC_INVALID_MESSAGE', ({ send }) => send({ type: 'update', publicData: {} })],
  ['an acknowledgement of nothing', 'SECSYNC_INVALID_MESSAGE', ({ send }) => send({ type: 'update-saved' })],
  ['an update whose ciphertext was changed', 'SECSYNC_INVALID_SIGNATURE', (situation) =>
    situation.send({ type: 'update', ...update(situation, 0, 'x'), ciphertext: update(situation, 0, 'y').ciphertext })],
  ['an update whose clock was changed', 'SECSYNC_INVALID_SIGNATURE', (situation) => {
    const signed = update(situation, 1, 'x')
    return situation.send({ type: 'update', ...signed, publicData: { ...signed.publicData, clock: 0 } })
  }],
  ['an update in the name of somebody else', 'SECSYNC_INVALID_SIGNATURE', (situation) => {
    const signed = update(situation, 2, 'x')
    return situation.send({ type: 'update', ...signed, publicData: { ...signed.publicData, pubKey: situation.documents[0].publicKey } })
  }],
  ['an update of another document', 'SECSYNC_WRONG_DOCUMENT', (situation) => situation.send({ type: 'update', ...update(situation, 0, 'x', { docId: 'other' }) })],
  ['an update that it sent before', 'live', ({ send, server }) => send({ type: 'update', ...server.updates[0]! })],
  ['updates in another order', 'live', async (situation) => {
    const [first, second] = [update(situation, 0, 'first'), update(situation, 1, 'second')]
    situation.server.updates.push(first, second)
    await situation.send({ type: 'update', ...second })
  }],
  ['an update, and leaves out the one before', 'SECSYNC_MISSING_UPDATE', (situation) => {
    const second = update(situation, 1, 'x')
    situation.server.updates.push(second)
    return situation.send({ type: 'update', ...second })
  }],
  ['another update in place of one', 'SECSYNC_HISTORY_LOST', async (situation) => {
    await situation.send({ type: 'update', ...update(situation, 0, 'first') })
    situation.reader.texts.delete('first')
    await situation.send({ type: 'update', ...update(situation, 0, 'x') })
  }],
  ['a snapshot that does not follow', 'SECSYNC_INVALID_HISTORY', async ({ server, send }) => {
    const forged = snapshot(undefined, {}, ['x'])
    server.snapshots = [forged]
    server.updates = []
    await send({ type: 'snapshot', snapshot: forged })
  }],
  ['a snapshot whose ciphertext was changed', 'SECSYNC_INVALID_SIGNATURE', async ({ server, send }) => {
    const { ciphertext } = snapshot(server.active, server.clocks, ['y'])
    await send({ type: 'snapshot', snapshot: { ...snapshot(server.active, server.clocks, ['x']), ciphertext } })
  }],
  ['an update of the snapshot before', 'live', async (situation) => {
    const late = update(situation, 0, 'x')
    void situation.documents[0].createSnapshot()
    await situation.run(10_000)
    await situation.send({ type: 'update', ...late })
  }],
  ['a snapshot made without an update', 'SECSYNC_HISTORY_LOST', async ({ server, send }) => {
    await send({ type: 'snapshot', snapshot: snapshot(server.active, {}, ['x']) })
  }],
  ['another snapshot under the same id', 'SECSYNC_INVALID_HISTORY', async ({ server, send }) => {
    const other = snapshot(server.active, server.clocks, ['a', 'b', 'c'])
    await send({ type: 'snapshot', snapshot: other })
    await send({ type: 'snapshot', snapshot: snapshot(server.active, server.clocks, ['a', 'b', 'c']) })
    server.snapshots.push(other)
    server.updates = []
  }],
  ['a document from before, after a reconnect', 'SECSYNC_INVALID_HISTORY', async ({ server, documents, run, line }) => {
    const before = [...server.snapshots]
    void documents[0].createSnapshot()
    await run(10_000)
    server.snapshots = before
    line().cut()
    await run(1000)
  }],
  ['no document any more', 'SECSYNC_HISTORY_LOST', async ({ server, line, run }) => {
    server.snapshots = []
    server.updates = []
    line().cut()
    await run(1000)
  }],
  ['a snapshot with garbage', 'SECSYNC_INVALID_CONTENT', async ({ server, send }) => {
    const garbage = finish(createSnapshot(new TextEncoder().encode('garbage'), {
      docId: 'document', snapshotId: 'garbage', parent: finish(proofEntryOf(server.active!)), parentSnapshotUpdateClocks: server.clocks
    }, key, mallory))
    await send({ type: 'snapshot', snapshot: garbage })
  }]
]

for (const [name, code, attack] of attacks) {
  t.test(`the server sends ${name}: ${code}`, async (t) => {
    const situation = await begin()
    const { reader, run, documents } = situation
    await attack(situation)
    t.equal(await situation.code(), code)
    t.strictSame(reader.sorted.filter((text) => text === 'x'), [], 'nothing of it is applied')
    for (const text of ['a', 'b', 'c']) t.ok(reader.texts.has(text))

    if (code === 'live') return
    const sent = situation.world.lines.flatMap(({ up }) => up).length
    reader.add('written in trouble')
    await run(50)
    t.equal(situation.world.lines.flatMap(({ up }) => up).length, sent, 'nothing is sent')
    t.equal(documents[1].getState().pending, 1)
  })
}

t.test('a server that was set back gets back what it has lost, if it is trusted', async (t) => {
  for (const lost of ['updates', 'snapshots', 'all'] as const) {
    const situation = await begin()
    const { server, documents, reader, writer, run, world } = situation
    const before = { snapshots: [...server.snapshots], updates: server.updates.slice(0, 1) }
    if (lost === 'snapshots') {
      void documents[0].createSnapshot()
      await run(10_000)
    }
    server.snapshots = lost === 'all' ? [] : before.snapshots
    server.updates = lost === 'all' ? [] : before.updates
    server.texts.clear()
    for (const line of world.openLines) line.cut()
    reader.add('d')
    writer.add('e')
    let trusted = 0
    for (let i = 0; i < 100; i++) {
      await run(3000)
      for (const document of documents) {
        const { connection } = document.getState()
        if (connection.status !== 'trouble' || !connection.error.mustTrust) continue
        trusted++
        document.trustServer()
      }
    }
    t.ok(trusted > 0, `${lost}: it is noticed`)
    for (const document of documents) t.match(document.getState(), { connection: { status: 'live' }, pending: 0 }, lost)
    t.strictSame(reader.sorted, ['a', 'b', 'c', 'd', 'e'])
    t.strictSame(writer.sorted, reader.sorted)
    t.ok(['a', 'b', 'c', 'd', 'e'].every((text) => server.texts.has(text)), lost)
  }
})

t.test('a snapshot that is refused though nothing is missing shows that the server has lost something', async (t) => {
  const { server, documents, run, state } = await begin()
  t.equal(state.status, 'live')
  server.updates.pop()
  void documents[0].createSnapshot().catch(() => {})
  for (let i = 0; i < 5; i++) await run(1000)
  t.match(documents[0].getState().connection, { status: 'trouble', error: { code: 'SECSYNC_HISTORY_LOST' } })
})

t.test('updates without a snapshot, for somebody who has nothing', async (t) => {
  const situation = await begin()
  const { server, world } = situation
  const late = situation.open(new SetCrdt())
  await world.settle()
  const line = world.openLines.at(-1)!
  line.isOpen = true
  line.down.push(JSON.stringify({ type: 'document', updates: server.updates }))
  line.deliverDown()
  await world.settle()
  t.match(late.getState().connection, { status: 'trouble', error: { code: 'SECSYNC_INVALID_MESSAGE' } })
})

t.test('a server that says that it has lost something, or the document', async (t) => {
  for (const [lost, state] of [
    ['an update', { status: 'trouble', error: { code: 'SECSYNC_HISTORY_LOST' } }],
    ['all', { status: 'noAccess', reason: 'notFound' }]
  ] as const) {
    const { server, documents, run, world } = await begin()
    server.tellsLoss = true
    if (lost === 'all') server.snapshots = []
    server.updates.splice(lost === 'all' ? 0 : -1)
    server.texts.clear()
    for (const line of world.openLines) line.cut()
    for (let i = 0; i < 5; i++) await run(1000)
    t.match(documents[0].getState().connection, state, lost)
    documents[0].trustServer()
    for (let i = 0; i < 5; i++) await run(1000)
    t.match(documents[0].getState(), { connection: { status: 'live' }, pending: 0 }, lost)
    t.ok(['a', 'b', 'c'].every((text) => server.texts.has(text)))
  }
})

t.test('who waits for changes to be saved waits for what stands for them after trustServer', async (t) => {
  const { server, documents, reader, run, world } = await begin()
  for (const line of world.openLines) line.cut()
  reader.add('d')
  let isSaved = false
  const saved = documents[1].whenSaved().then(() => { isSaved = true })
  await world.advance(1)
  server.snapshots = []
  server.updates = []
  server.texts.clear()
  documents[1].trustServer()
  await world.settle()
  t.notOk(isSaved)
  t.equal(documents[1].getState().pending, 1)
  for (let i = 0; i < 5; i++) await run(1000)
  await saved
  t.ok(['a', 'b', 'c', 'd'].every((text) => server.texts.has(text)))
})

t.test('what is made wrong by an author is left out and counted, and the rest is read', async (t) => {
  const situation = await begin()
  const { server, send, reader, documents } = situation
  const broken = finish(createUpdate(new TextEncoder().encode('garbage'), { docId: 'document', refSnapshotId: server.active!.publicData.snapshotId, clock: 0 },
    key, mallory))
  const otherKey = finish(createUpdate(new TextEncoder().encode('[]'), { docId: 'document', refSnapshotId: server.active!.publicData.snapshotId, clock: 1 },
    createKey(), mallory))
  const noText = finish(createUpdate(finish(encodeChanges([new Uint8Array([255])])), { docId: 'document', refSnapshotId: server.active!.publicData.snapshotId, clock: 3 },
    key, mallory))
  for (const message of [broken, otherKey, update(situation, 2, 'right'), noText]) await send({ type: 'update', ...message })
  t.equal(situation.state.status, 'live')
  t.match(documents[1].getState().refused, { broken: 3, invalidClient: 0 })
  t.ok(reader.texts.has('right'))
})
