// PROTOCOL.md, "Messages from a client", over raw sockets and PostgreSQL. See also connecting.test.ts and relaying.test.ts.
import * as secsync from 'secsync'
import t from 'tap'
import { idOf, openDocument } from './fixtures/open-document.ts'
import { Author, signed, sodium } from './fixtures/raw-client.ts'

const [ada, bob] = [new Author(), new Author()]

t.test('a snapshot on the active one is saved, confirmed to its sender and sent to the others', async (t) => {
  const { writer, reader, snapshot, stored, nothingElse } = await openDocument(t)
  const child = bob.snapshot('document', { parent: snapshot })
  writer.send(child)
  t.strictSame(await writer.next('snapshot-saved'), { type: 'snapshot-saved', snapshotId: idOf(child) })
  t.strictSame(await reader.next('snapshot'), { type: 'snapshot', snapshot: child })
  await nothingElse(t)
  t.strictSame(await stored(), { snapshot: child, snapshotProofChain: [], updates: [] })
})

t.test('a snapshot on another one is refused, with the delta from the one that it names', async (t) => {
  const { app, writer, reader, snapshot, nothingElse } = await openDocument(t)
  const child = bob.snapshot('document', { parent: snapshot })
  const update = ada.update('document', idOf(child), 0)
  await app.secsync.createSnapshot({ snapshot: child })
  await app.secsync.createUpdate({ update })
  const snapshotProofChain = [{
    snapshotId: idOf(child),
    parentSnapshotProof: child.publicData.parentSnapshotProof,
    snapshotCiphertextHash: secsync.hash(child.ciphertext, sodium)
  }]
  writer.send(ada.snapshot('document', { parent: snapshot }))
  // Its sender has not been sent the child yet, either.
  t.strictSame(await writer.next('snapshot'), { type: 'snapshot', snapshot: child })
  t.strictSame(await writer.next('update'), { type: 'update', ...update })
  t.strictSame(await writer.next('snapshot-save-failed'), { type: 'snapshot-save-failed', snapshot: child, snapshotProofChain, updates: [update] })
  t.strictSame(await reader.next('snapshot'), { type: 'snapshot', snapshot: child })
  t.strictSame(await reader.next('update'), { type: 'update', ...update })
  for (const second of [ada.snapshot('document'), ada.snapshot('document', { parent: ada.snapshot('document') })]) {
    writer.send(second)
    t.strictSame(await writer.next('snapshot-save-failed'),
      { type: 'snapshot-save-failed', snapshot: child, snapshotProofChain: [], updates: [update] }, 'no proofs from a parent that is unknown')
  }
  await nothingElse(t)
})

t.test('a snapshot made without all updates is refused, with those that it misses', async (t) => {
  const { writer, reader, snapshot, stored } = await openDocument(t)
  const updates = [ada.update('document', idOf(snapshot), 0), ada.update('document', idOf(snapshot), 1), bob.update('document', idOf(snapshot), 0)]
  for (const update of updates) {
    writer.send(update)
    await writer.next('update-saved')
  }
  for (const [clocks, missing] of [
    [{}, updates],
    [{ [ada.publicKey]: 0, [bob.publicKey]: 0 }, [updates[1]]],
    [{ [ada.publicKey]: 1 }, [updates[2]]],
    [{ [ada.publicKey]: 1, [bob.publicKey]: 1 }, []]
  ] as const) {
    writer.send(ada.snapshot('document', { parent: snapshot, clocks }))
    t.strictSame(await writer.next('snapshot-save-failed'), { type: 'snapshot-save-failed', updates: missing })
  }
  const child = ada.snapshot('document', { parent: snapshot, clocks: { [bob.publicKey]: 0, [ada.publicKey]: 1 } })
  writer.send(child)
  await writer.next('snapshot-saved')
  for (const update of updates) t.strictSame(await reader.next('update'), { type: 'update', ...update })
  await reader.next('snapshot')
  t.strictSame((await stored()).snapshot, child)
})

t.test('a snapshot that is wrong in itself is refused, and nothing is stored', async (t) => {
  const { writer, snapshot, stored, nothingElse } = await openDocument(t)
  const child = ada.snapshot('document', { parent: snapshot })
  const { publicData } = child
  const wrong = [
    { ...child, signature: snapshot.signature },
    { ...child, nonce: 1 },
    ada.snapshot('other', { parent: snapshot }),
    signed(ada, 'secsync_snapshot', { ...publicData, parentSnapshotProof: snapshot.publicData.parentSnapshotProof }),
    signed(ada, 'secsync_snapshot', { ...publicData, snapshotId: idOf(snapshot) }),
    signed(ada, 'secsync_update', publicData)
  ]
  for (const message of wrong) {
    writer.send(message)
    t.strictSame(await writer.next('snapshot-save-failed'), { type: 'snapshot-save-failed' })
  }
  await nothingElse(t)
  t.strictSame((await stored()).snapshot, snapshot)
})

t.test('an update is saved, confirmed to its sender and sent to the others, in the order in which they were sent', async (t) => {
  const { writer, reader, snapshot, stored, nothingElse } = await openDocument(t)
  const updates = Array.from({ length: 50 }, (_, clock) => (clock % 5 === 4 ? bob : ada))
    .map((author, index, authors) => author.update('document', idOf(snapshot), authors.slice(0, index).filter((other) => other === author).length))
  for (const update of updates) writer.send(update)
  for (const update of updates) {
    t.strictSame(await writer.next('update-saved'), { type: 'update-saved', snapshotId: idOf(snapshot), clock: update.publicData.clock })
    t.strictSame(await reader.next('update'), { type: 'update', ...update })
  }
  await nothingElse(t)
  t.strictSame(await stored(), { snapshot, snapshotProofChain: [], updates })
})

t.test('an update that is not the next one of its author is refused, and nothing is stored', async (t) => {
  const { writer, snapshot, stored, nothingElse } = await openDocument(t)
  const id = idOf(snapshot)
  const update = ada.update('document', id, 0)
  for (const [message, answer] of [
    [ada.update('document', id, 1), { snapshotId: id, clock: 1 }],
    [ada.update('document', secsync.generateId(sodium), 0), { clock: 0 }],
    [ada.update('other', id, 0), { snapshotId: id, clock: 0 }],
    [{ ...update, signature: snapshot.signature }, { snapshotId: id, clock: 0 }],
    [{ ...update, publicData: { ...update.publicData, clock: '0' } }, { snapshotId: id, clock: undefined }],
    [signed(ada, 'secsync_update', { ...update.publicData, clock: -1 }), { snapshotId: id, clock: -1 }],
    [signed(ada, 'secsync_snapshot', update.publicData), { snapshotId: id, clock: 0 }]
  ] as const) {
    writer.send(message)
    t.match(await writer.next('update-save-failed'), { ...answer, requiresNewSnapshot: false })
  }
  await nothingElse(t)
  t.strictSame((await stored()).updates, [])
})

t.test('when a store asks for a snapshot first, the client hears of it', async (t) => {
  const createUpdate = () => { throw new secsync.SecsyncNewSnapshotRequiredError('keys have changed') }
  const { writer, snapshot } = await openDocument(t, { createUpdate })
  writer.send(ada.update('document', idOf(snapshot), 0))
  t.strictSame(await writer.next('update-save-failed'),
    { type: 'update-save-failed', snapshotId: idOf(snapshot), clock: 0, requiresNewSnapshot: true })
})

t.test('the same bytes sent twice are confirmed twice, stored and relayed once', async (t) => {
  const { writer, reader, snapshot, stored, nothingElse } = await openDocument(t)
  const update = ada.update('document', idOf(snapshot), 0)
  for (let time = 0; time < 2; time++) {
    writer.send(update)
    t.match(await writer.next('update-saved'), { clock: 0 })
  }
  t.strictSame(await reader.next('update'), { type: 'update', ...update })
  await nothingElse(t)
  const child = ada.snapshot('document', { parent: snapshot, clocks: { [ada.publicKey]: 0 } })
  for (let time = 0; time < 2; time++) {
    writer.send(child)
    t.match(await writer.next('snapshot-saved'), { snapshotId: idOf(child) })
  }
  t.strictSame(await reader.next('snapshot'), { type: 'snapshot', snapshot: child })
  await nothingElse(t)
  t.strictSame(await stored(), { snapshot: child, snapshotProofChain: [], updates: [] })
})

t.test('a clock that is taken by other bytes of its author: first what is stored, then the refusal, so that the next one is free', async (t) => {
  const { writer, reader, snapshot, stored, nothingElse } = await openDocument(t)
  const id = idOf(snapshot)
  const first = [0, 1].map((clock) => ada.update('document', id, clock))
  for (const update of first) {
    writer.send(update)
    await writer.next('update-saved')
    await reader.next('update')
  }
  for (const update of first) {
    writer.send(ada.update('document', id, update.publicData.clock, 'encrypted again'))
    t.strictSame(await writer.next('update'), { type: 'update', ...update })
    t.match(await writer.next('update-save-failed'), { clock: update.publicData.clock, requiresNewSnapshot: false })
  }
  await nothingElse(t)
  writer.send(ada.update('document', id, 2, 'encrypted again'))
  await writer.next('update-saved')
  t.strictSame((await stored()).updates.slice(0, -1), first)
})

t.test('an ephemeral message is sent to the others and never stored; an invalid one is dropped', async (t) => {
  const { writer, reader, stored, nothingElse } = await openDocument(t)
  const message = bob.ephemeralMessage('document')
  for (const invalid of [
    { ...message, signature: ada.ephemeralMessage('document').signature },
    { ...message, nonce: '' },
    bob.ephemeralMessage('other'),
    signed(bob, 'secsync_update', message.publicData)
  ]) writer.send(invalid)
  writer.send({ ...message, type: 'document', extra: 1 })
  t.strictSame(await reader.next('ephemeral-message'), { type: 'ephemeral-message', ...message })
  await nothingElse(t)
  t.strictSame((await stored()).updates, [])
})
