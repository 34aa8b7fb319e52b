import { deepEqual, equal, rejects } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { GetDocumentParams, GetDocumentResult } from '../callbacks.ts'
import type { UpdateClocks } from '../protocol/clocks.ts'
import type { Snapshot, Update } from '../protocol/messages.ts'
import type { StoreCallbacks } from '../stores/resolve.ts'
import { proofOf, TestAuthor } from './messages.ts'
import type { DefineTest } from './test.ts'

const [ada, bob, eve] = [new TestAuthor(), new TestAuthor(), new TestAuthor()]
const oddIds = ['a', ' ', "it's", '"quoted" \\', 'ü 文書 🎉', '%_', '$1', '; DROP TABLE secsync_document', '__proto__', 'x'.repeat(1024)]

const idOf = (snapshot: Snapshot) => snapshot.publicData.snapshotId

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

const outdated = { name: 'SecsyncSnapshotBasedOnOutdatedSnapshotError' }
const missesUpdates = { name: 'SecsyncSnapshotMissesUpdatesError' }

/**
 * The tests that each store of documents must pass, given as the three callbacks.
 *
 * ```ts
 * storeSuite((name, run) => test(name, run), () => myStore)
 * ```
 *
 * @param store Gives the store. It is called for each test and may give the same one. Nothing is stored in it before the first test.
 */
export function storeSuite (test: DefineTest, store: () => StoreCallbacks | Promise<StoreCallbacks>): void {
  const define = (name: string, run: (store: StoreCallbacks) => Promise<void>) => {
    test(name, async () => await run(await store()))
  }

  define('a document that was never written has nothing, or is not there', async (store) => {
    const id = randomUUID()
    deepEqual(await load(store, id), { snapshot: undefined, snapshotProofChain: undefined, updates: [] })
    const delta = await load(store, id, { mode: 'delta', knownSnapshotId: 'gone', knownSnapshotUpdateClocks: { [ada.publicKey]: 1 } })
    equal(delta.snapshot, undefined)
  })

  define('what is saved is given back byte for byte, and returned', async (store) => {
    const id = randomUUID()
    const snapshot = ada.snapshot(id)
    deepEqual(await store.createSnapshot({ snapshot }), snapshot)
    const updates = [ada.update(snapshot, 0), bob.update(snapshot, 0), ada.update(snapshot, 1)]
    for (const update of updates) deepEqual(await store.createUpdate({ update }), update)
    deepEqual(await load(store, id), { snapshot, snapshotProofChain: [], updates })
  })

  define('a document may have any name, and none has anything of another', async (store) => {
    const documents = oddIds.map((docId) => ada.snapshot(docId)).map((snapshot) => ({ snapshot, update: ada.update(snapshot, 0) }))
    for (const { snapshot, update } of documents) await save(store, snapshot, update)
    for (const { snapshot, update } of documents) {
      deepEqual(await load(store, snapshot.publicData.docId), { snapshot, snapshotProofChain: [], updates: [update] })
    }
  })

  define('two documents may have snapshots with one id', async (store) => {
    const ids = [randomUUID(), randomUUID()]
    const snapshots = ids.map((docId) => ada.snapshot(docId, { snapshotId: 'same' }))
    const updates = snapshots.map((snapshot) => ada.update(snapshot, 0))
    await save(store, ...snapshots, ...updates)
    for (const [index, documentId] of ids.entries()) {
      deepEqual(await load(store, documentId), { snapshot: snapshots[index], snapshotProofChain: [], updates: [updates[index]] })
    }
  })

  define('a reader gets what it is missing: the four cases', async (store) => {
    const id = randomUUID()
    const first = ada.snapshot(id)
    const second = bob.snapshot(id, { parent: first, clocks: { [ada.publicKey]: 0 } })
    const third = ada.snapshot(id, { parent: second })
    const updates = [ada.update(third, 0), bob.update(third, 0), ada.update(third, 1), eve.update(third, 0)]
    await save(store, first, ada.update(first, 0), second, third, ...updates)
    const all = { snapshot: third, snapshotProofChain: [], updates }
    const delta = (knownSnapshotId?: string, knownSnapshotUpdateClocks?: UpdateClocks) =>
      load(store, id, { mode: 'delta', knownSnapshotId, knownSnapshotUpdateClocks })

    for (const [clocks, missing] of [
      [undefined, updates],
      [{}, updates],
      [{ [ada.publicKey]: 0 }, updates.slice(1)],
      [{ [eve.publicKey]: 0, [new TestAuthor().publicKey]: 3 }, updates.slice(0, 3)],
      [{ [ada.publicKey]: 1, [bob.publicKey]: 0, [eve.publicKey]: 0 }, []]
    ] as const) {
      deepEqual(await delta(idOf(third), clocks), { snapshot: undefined, snapshotProofChain: undefined, updates: missing }, 'the active one')
    }
    const knownSnapshotUpdateClocks = { [ada.publicKey]: 0 }
    deepEqual(await load(store, id, { mode: 'complete', knownSnapshotId: idOf(third), knownSnapshotUpdateClocks }), all)
    for (const [known, chain] of [[first, [second, third]], [second, [third]]] as const) {
      for (const mode of ['delta', 'complete'] as const) {
        const document = await load(store, id, { mode, knownSnapshotId: idOf(known), knownSnapshotUpdateClocks })
        deepEqual(document, { ...all, snapshotProofChain: chain.map(proofOf) }, 'an ancestor')
      }
    }
    for (const unknown of [undefined, '', 'gone']) deepEqual(await delta(unknown), all, 'none')
  })

  define('only one initial snapshot is saved', async (store) => {
    const id = randomUUID()
    const snapshot = ada.snapshot(id)
    await save(store, snapshot)
    await rejects(save(store, bob.snapshot(id)), outdated)
    deepEqual((await load(store, id)).snapshot, snapshot)
  })

  define('a snapshot is only saved on the active one', async (store) => {
    const id = randomUUID()
    const first = ada.snapshot(id)
    const second = ada.snapshot(id, { parent: first })
    await save(store, first, second)
    await rejects(save(store, bob.snapshot(id, { parent: first })), outdated, 'its grandparent')
    await rejects(save(store, bob.snapshot(id, { parent: ada.snapshot(id) })), outdated, 'unknown')
    const elsewhere = ada.snapshot(randomUUID())
    await save(store, elsewhere)
    await rejects(save(store, bob.snapshot(id, { parent: elsewhere })), outdated, 'of another document')
    await rejects(save(store, bob.snapshot(randomUUID(), { parent: first })), outdated, 'in a document without one')
    deepEqual((await load(store, id)).snapshot, second)
  })

  define('a snapshot is only saved with exactly the updates that are there', async (store) => {
    const id = randomUUID()
    const parent = ada.snapshot(id)
    await save(store, parent, ada.update(parent, 0), ada.update(parent, 1), bob.update(parent, 0))
    for (const [a, b, e] of [[], [1], [0, 0], [2, 0], [1, 0, 0]]) {
      const entries = [[ada, a], [bob, b], [eve, e]] as Array<[TestAuthor, number | undefined]>
      const clocks = Object.fromEntries(entries.flatMap(([{ publicKey }, clock]) => clock === undefined ? [] : [[publicKey, clock]]))
      await rejects(save(store, ada.snapshot(id, { parent, clocks })), missesUpdates)
    }
    const child = ada.snapshot(id, { parent, clocks: { [bob.publicKey]: 0, [ada.publicKey]: 1 } })
    await save(store, child)
    deepEqual(await load(store, id), { snapshot: child, snapshotProofChain: [], updates: [] })
  })

  define('an update is only saved on the active snapshot, as the next one of its author', async (store) => {
    const id = randomUUID()
    const first = ada.snapshot(id)
    await rejects(save(store, ada.update(first, 0)), 'no document')
    await save(store, first)
    for (const clock of [1, 2, 1000]) await rejects(save(store, ada.update(first, clock)), `the first with clock ${clock}`)
    const second = ada.snapshot(id, { parent: first, clocks: { [ada.publicKey]: 0 } })
    await save(store, ada.update(first, 0), second, ada.update(second, 0))
    await rejects(save(store, ada.update(second, 0)), 'a clock that is taken')
    await rejects(save(store, ada.update(second, 2)), 'a gap')
    await rejects(save(store, ada.update(first, 1)), 'on a snapshot that was replaced')
    await rejects(save(store, ada.update(ada.snapshot(id), 0)), 'on an unknown one')
    const elsewhere = ada.snapshot(randomUUID())
    await save(store, elsewhere)
    await rejects(save(store, ada.update(elsewhere, 0, id)), 'on one of another document')
    equal((await load(store, id)).updates.length, 1)
    equal((await load(store, elsewhere.publicData.docId)).updates.length, 0)
  })

  define('of several at the same moment one is saved', async (store) => {
    const id = randomUUID()
    const saved = async (...messages: Array<Snapshot | Update>) => {
      const results = await Promise.allSettled(messages.map((message) => save(store, message)))
      return messages.filter((_message, index) => results[index]!.status === 'fulfilled')
    }
    const [parent, ...others] = await saved(...Array.from({ length: 5 }, () => ada.snapshot(id))) as [Snapshot]
    deepEqual(others, [], 'initial snapshots')
    const updates = await saved(...Array.from({ length: 5 }, () => ada.update(parent, 0))) as Update[]
    deepEqual((await load(store, id)).updates, updates, 'updates with one clock')
    equal(updates.length, 1)
    const clocks = { [ada.publicKey]: 0 }
    const children = await saved(...Array.from({ length: 5 }, () => ada.snapshot(id, { parent, clocks }))) as [Snapshot]
    deepEqual((await load(store, id)).snapshot, children[0], 'snapshots')
    equal(children.length, 1)
    const [child] = children
    const both = await saved(ada.update(child, 0), ada.snapshot(id, { parent: child }))
    equal(both.length, 1, 'an update, and a snapshot that misses it')
    const { snapshot, updates: left } = await load(store, id)
    deepEqual([snapshot, ...left].at(-1), both[0])
  })

  define('updates of many authors, and many of one', async (store) => {
    const id = randomUUID()
    const snapshot = ada.snapshot(id)
    const authors = Array.from({ length: 30 }, () => new TestAuthor())
    const ofOne = Array.from({ length: 30 }, (_, clock) => ada.update(snapshot, clock))
    const updates = [...authors.map((author) => author.update(snapshot, 0)), ...ofOne]
    await save(store, snapshot, ...updates)
    deepEqual((await load(store, id)).updates, updates)
    const known = Object.fromEntries(authors.slice(10).map(({ publicKey }) => [publicKey, 0]))
    const { updates: missing } = await load(store, id,
      { mode: 'delta', knownSnapshotId: idOf(snapshot), knownSnapshotUpdateClocks: { ...known, [ada.publicKey]: 19 } })
    deepEqual(missing, [...updates.slice(0, 10), ...updates.slice(-10)])
  })
}
