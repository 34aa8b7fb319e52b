// What every store must do, given as the three callbacks: `storeContract(t, store)` with an empty one. Each test has documents of its own.
import { randomUUID } from 'node:crypto'
import * as secsync from 'secsync'
import type { Test } from 'tap'
import type { GetDocumentParams, GetDocumentResult, Snapshot, StoreCallbacks, Update, UpdateClocks } from '../../lib/index.ts'
import { Author, sodium } from '../fixtures/raw-client.ts'

const [ada, bob, eve] = [new Author(), new Author(), new Author()]
const oddIds = ['a', ' ', "it's", '"quoted" \\', 'ü 文書 🎉', '%_', '$1', '; DROP TABLE secsync_document', '__proto__', 'x'.repeat(1024)]

const idOf = (snapshot: Snapshot) => snapshot.publicData.snapshotId

function proofOf ({ ciphertext, publicData: { snapshotId, parentSnapshotProof } }: Snapshot) {
  return { snapshotId, parentSnapshotProof, snapshotCiphertextHash: secsync.hash(ciphertext, sodium) }
}

/** What is not there, as undefined. */
async function load (store: StoreCallbacks, documentId: string, params: Partial<GetDocumentParams> = {}): Promise<GetDocumentResult> {
  const { snapshot, snapshotProofChain, updates } = await store.getDocument({ documentId, mode: 'complete', ...params }) ?? { updates: [] }
  return { snapshot: snapshot ?? undefined, snapshotProofChain: snapshotProofChain ?? undefined, updates }
}

/** Saves snapshots and updates, one after the other. */
async function save (store: StoreCallbacks, ...messages: Array<Snapshot | Update>): Promise<void> {
  for (const message of messages) {
    if ('clock' in message.publicData) await store.createUpdate({ update: message as Update })
    else await store.createSnapshot({ snapshot: message as Snapshot })
  }
}

function updateOf (author: Author, snapshot: Snapshot, clock: number, content?: string): Update {
  return author.update(snapshot.publicData.docId, idOf(snapshot), clock, content)
}

const outdated = { name: 'SecsyncSnapshotBasedOnOutdatedSnapshotError' }
const missesUpdates = { name: 'SecsyncSnapshotMissesUpdatesError' }

export async function storeContract (t: Test, store: StoreCallbacks): Promise<void> {
  await t.test('a document that was never written has nothing, or is not there', async (t) => {
    const id = randomUUID()
    t.strictSame(await load(store, id), { snapshot: undefined, snapshotProofChain: undefined, updates: [] })
    const delta = await load(store, id, { mode: 'delta', knownSnapshotId: 'gone', knownSnapshotUpdateClocks: { [ada.publicKey]: 1 } })
    t.equal(delta.snapshot, undefined)
  })

  await t.test('what is saved is given back byte for byte, and returned', async (t) => {
    const id = randomUUID()
    const snapshot = ada.snapshot(id, { content: 'ü "quoted" \\' })
    t.strictSame(await store.createSnapshot({ snapshot }), snapshot)
    const updates = [updateOf(ada, snapshot, 0), updateOf(bob, snapshot, 0), updateOf(ada, snapshot, 1)]
    for (const update of updates) t.strictSame(await store.createUpdate({ update }), update)
    t.strictSame(await load(store, id), { snapshot, snapshotProofChain: [], updates })
  })

  await t.test('a document may have any name, and none has anything of another', async (t) => {
    const documents = oddIds.map((docId) => ada.snapshot(docId)).map((snapshot) => ({ snapshot, update: updateOf(ada, snapshot, 0) }))
    for (const { snapshot, update } of documents) await save(store, snapshot, update)
    for (const { snapshot, update } of documents) {
      t.strictSame(await load(store, snapshot.publicData.docId), { snapshot, snapshotProofChain: [], updates: [update] })
    }
  })

  await t.test('two documents may have snapshots with one id', async (t) => {
    const ids = [randomUUID(), randomUUID()]
    const snapshots = ids.map((docId) => ada.snapshot(docId, { additional: { snapshotId: 'same' } }))
    const updates = snapshots.map((snapshot) => updateOf(ada, snapshot, 0))
    await save(store, ...snapshots, ...updates)
    for (const [index, documentId] of ids.entries()) {
      t.strictSame(await load(store, documentId), { snapshot: snapshots[index], snapshotProofChain: [], updates: [updates[index]] })
    }
  })

  await t.test('a reader gets what it is missing: the four cases', async (t) => {
    const id = randomUUID()
    const first = ada.snapshot(id)
    const second = bob.snapshot(id, { parent: first, clocks: { [ada.publicKey]: 0 } })
    const third = ada.snapshot(id, { parent: second })
    const updates = [updateOf(ada, third, 0), updateOf(bob, third, 0), updateOf(ada, third, 1), updateOf(eve, third, 0)]
    await save(store, first, updateOf(ada, first, 0), second, third, ...updates)
    const all = { snapshot: third, snapshotProofChain: [], updates }
    const delta = (knownSnapshotId?: string, knownSnapshotUpdateClocks?: UpdateClocks) =>
      load(store, id, { mode: 'delta', knownSnapshotId, knownSnapshotUpdateClocks })

    for (const [clocks, missing] of [
      [undefined, updates],
      [{}, updates],
      [{ [ada.publicKey]: 0 }, updates.slice(1)],
      [{ [eve.publicKey]: 0, [new Author().publicKey]: 3 }, updates.slice(0, 3)],
      [{ [ada.publicKey]: 1, [bob.publicKey]: 0, [eve.publicKey]: 0 }, []]
    ] as const) {
      t.strictSame(await delta(idOf(third), clocks), { snapshot: undefined, snapshotProofChain: undefined, updates: missing }, 'the active one')
    }
    const knownSnapshotUpdateClocks = { [ada.publicKey]: 0 }
    t.strictSame(await load(store, id, { mode: 'complete', knownSnapshotId: idOf(third), knownSnapshotUpdateClocks }), all)
    for (const [known, chain] of [[first, [second, third]], [second, [third]]] as const) {
      for (const mode of ['delta', 'complete'] as const) {
        const document = await load(store, id, { mode, knownSnapshotId: idOf(known), knownSnapshotUpdateClocks })
        t.strictSame(document, { ...all, snapshotProofChain: chain.map(proofOf) }, 'an ancestor')
      }
    }
    for (const unknown of [undefined, '', 'gone']) t.strictSame(await delta(unknown), all, 'none')
  })

  await t.test('only one initial snapshot is saved', async (t) => {
    const id = randomUUID()
    const snapshot = ada.snapshot(id)
    await save(store, snapshot)
    await t.rejects(save(store, bob.snapshot(id)), outdated)
    t.strictSame((await load(store, id)).snapshot, snapshot)
  })

  await t.test('a snapshot is only saved on the active one', async (t) => {
    const id = randomUUID()
    const first = ada.snapshot(id)
    const second = ada.snapshot(id, { parent: first })
    await save(store, first, second)
    await t.rejects(save(store, bob.snapshot(id, { parent: first })), outdated, 'its grandparent')
    await t.rejects(save(store, bob.snapshot(id, { parent: ada.snapshot(id) })), outdated, 'unknown')
    const elsewhere = ada.snapshot(randomUUID())
    await save(store, elsewhere)
    await t.rejects(save(store, bob.snapshot(id, { parent: elsewhere })), outdated, 'of another document')
    await t.rejects(save(store, bob.snapshot(randomUUID(), { parent: first })), outdated, 'in a document without one')
    t.strictSame((await load(store, id)).snapshot, second)
  })

  await t.test('a snapshot is only saved with exactly the updates that are there', async (t) => {
    const id = randomUUID()
    const parent = ada.snapshot(id)
    await save(store, parent, updateOf(ada, parent, 0), updateOf(ada, parent, 1), updateOf(bob, parent, 0))
    for (const [a, b, e] of [[], [1], [0, 0], [2, 0], [1, 0, 0]]) {
      const entries = [[ada, a], [bob, b], [eve, e]] as Array<[Author, number | undefined]>
      const clocks = Object.fromEntries(entries.flatMap(([{ publicKey }, clock]) => clock === undefined ? [] : [[publicKey, clock]]))
      await t.rejects(save(store, ada.snapshot(id, { parent, clocks })), missesUpdates)
    }
    const child = ada.snapshot(id, { parent, clocks: { [bob.publicKey]: 0, [ada.publicKey]: 1 } })
    await save(store, child)
    t.strictSame(await load(store, id), { snapshot: child, snapshotProofChain: [], updates: [] })
  })

  await t.test('an update is only saved on the active snapshot, as the next one of its author', async (t) => {
    const id = randomUUID()
    const first = ada.snapshot(id)
    await t.rejects(save(store, updateOf(ada, first, 0)), 'no document')
    await save(store, first)
    for (const clock of [1, 2, 1000]) await t.rejects(save(store, updateOf(ada, first, clock)), `the first with clock ${clock}`)
    const second = ada.snapshot(id, { parent: first, clocks: { [ada.publicKey]: 0 } })
    await save(store, updateOf(ada, first, 0), second, updateOf(ada, second, 0))
    await t.rejects(save(store, updateOf(ada, second, 0, 'encrypted again')), 'a clock that is taken')
    await t.rejects(save(store, updateOf(ada, second, 2)), 'a gap')
    await t.rejects(save(store, updateOf(ada, first, 1)), 'on a snapshot that was replaced')
    await t.rejects(save(store, ada.update(id, 'unknown', 0)), 'on an unknown one')
    const elsewhere = ada.snapshot(randomUUID())
    await save(store, elsewhere)
    await t.rejects(save(store, ada.update(id, idOf(elsewhere), 0)), 'on one of another document')
    t.equal((await load(store, id)).updates.length, 1)
    t.equal((await load(store, elsewhere.publicData.docId)).updates.length, 0)
  })

  await t.test('of several at the same moment one is saved', async (t) => {
    const id = randomUUID()
    const saved = async (...messages: Array<Snapshot | Update>) => {
      const results = await Promise.allSettled(messages.map((message) => save(store, message)))
      return messages.filter((_message, index) => results[index]!.status === 'fulfilled')
    }
    const [parent, ...others] = await saved(...Array.from({ length: 5 }, () => ada.snapshot(id))) as [Snapshot]
    t.strictSame(others, [], 'initial snapshots')
    const updates = await saved(...Array.from({ length: 5 }, (_, index) => updateOf(ada, parent, 0, `${index}`))) as Update[]
    t.strictSame((await load(store, id)).updates, updates, 'updates with one clock')
    t.equal(updates.length, 1)
    const clocks = { [ada.publicKey]: 0 }
    const children = await saved(...Array.from({ length: 5 }, () => ada.snapshot(id, { parent, clocks }))) as [Snapshot]
    t.strictSame((await load(store, id)).snapshot, children[0], 'snapshots')
    t.equal(children.length, 1)
    const [child] = children
    const both = await saved(updateOf(ada, child, 0), ada.snapshot(id, { parent: child }))
    t.equal(both.length, 1, 'an update, and a snapshot that misses it')
    const { snapshot, updates: left } = await load(store, id)
    t.strictSame([snapshot, ...left].at(-1), both[0])
  })

  await t.test('updates of many authors, and many of one', async (t) => {
    const id = randomUUID()
    const snapshot = ada.snapshot(id)
    const authors = Array.from({ length: 30 }, () => new Author())
    const ofOne = Array.from({ length: 30 }, (_, clock) => updateOf(ada, snapshot, clock))
    const updates = [...authors.map((author) => updateOf(author, snapshot, 0)), ...ofOne]
    await save(store, snapshot, ...updates)
    t.strictSame((await load(store, id)).updates, updates)
    const known = Object.fromEntries(authors.slice(10).map(({ publicKey }) => [publicKey, 0]))
    const { updates: missing } = await load(store, id,
      { mode: 'delta', knownSnapshotId: idOf(snapshot), knownSnapshotUpdateClocks: { ...known, [ada.publicKey]: 19 } })
    t.strictSame(missing, [...updates.slice(0, 10), ...updates.slice(-10)])
  })
}
