import t from 'tap'
import { resolveStore } from '../../lib/stores/resolve.ts'
import { memoryStore, TestAuthor } from '../../lib/testing/index.ts'
import type { GetDocumentResult, SnapshotProofChainEntry } from '../../lib/index.ts'
import { Log } from '../fixtures/log.ts'
import { Author } from '../fixtures/raw-client.ts'
import { startServer } from '../fixtures/server.ts'

type Chain = SnapshotProofChainEntry[] | null | undefined

t.test('a proof chain that cannot be right is reported, each fault once', async (t) => {
  const author = new TestAuthor()
  const store = memoryStore()
  const snapshots = [author.snapshot('document')]
  for (let i = 0; i < 3; i++) snapshots.push(author.snapshot('document', { parent: snapshots[i]! }))
  for (const snapshot of snapshots) await store.createSnapshot({ snapshot })
  const [first] = snapshots
  const right = (await store.getDocument({ documentId: 'document', mode: 'delta', knownSnapshotId: first!.publicData.snapshotId }))!.snapshotProofChain!

  let chain: Chain
  const reported: string[] = []
  const getDocument = async (): Promise<GetDocumentResult> => ({ ...(await store.getDocument({ documentId: 'document', mode: 'complete' }))!, snapshotProofChain: chain })
  const { store: resolved } = resolveStore({ ...store, getDocument }, 0, undefined, ({ documentId, fault }) => reported.push(`${documentId}: ${fault}`))
  const load = async (given: Chain, knownSnapshotId: string | null = 'another'): Promise<string[]> => {
    chain = given
    for (let i = 0; i < 2; i++) await resolved.load('document', { mode: 'delta', knownSnapshotId: knownSnapshotId ?? undefined })
    return reported.splice(0)
  }
  const changed = (index: number, change: Partial<SnapshotProofChainEntry>) => right.map((entry, at) => at === index ? { ...entry, ...change } : entry)

  for (const fine of [right, right.slice(1), []]) t.strictSame(await load(fine), [])
  t.strictSame(await load(undefined, snapshots[3]!.publicData.snapshotId), [], 'the active snapshot is known')
  t.strictSame(await load(undefined, null), [], 'none is known')
  for (const [wrong, fault] of [
    [undefined, 'is missing, although the reader knows another snapshot'],
    [[...right].reverse(), 'does not end with the active snapshot'],
    [changed(2, { snapshotCiphertextHash: 'x' }), 'has another hash for the ciphertext of the active snapshot'],
    [changed(2, { parentSnapshotProof: 'x' }), 'has another parentSnapshotProof for the active snapshot'],
    [[right[0]!, right[2]!], 'has entries that do not follow on each other, oldest first']
  ] as const) t.strictSame(await load(wrong && [...wrong]), [`document: getDocument: snapshotProofChain ${fault}`])
  t.strictSame(await load(null), [], 'this was reported')
})

t.test('it is in the log', async (t) => {
  const log = new Log()
  const { getDocument, ...store } = memoryStore()
  const wrong = async (): Promise<GetDocumentResult> => ({ ...(await getDocument({ documentId: 'document', mode: 'complete' }))!, snapshotProofChain: null })
  const { app, connect } = await startServer(t, { ...store, getDocument: wrong }, log.options)
  await app.secsync.createSnapshot({ snapshot: new Author().snapshot('document') })
  await connect('document', { knownSnapshotId: 'another', mode: 'delta' }).next('document')
  t.match(log.lines.filter(({ level }) => level === 40), [{
    documentId: 'document', fault: /is missing/, msg: 'secsync: an answer of a callback cannot be right. Clients may fail to open the document'
  }])
})
