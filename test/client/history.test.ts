import * as Automerge from '@automerge/automerge'
import { PrismaPg } from '@prisma/adapter-pg'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { automerge, automergeDocOf, AutomergeHandle } from '../../lib/client/automerge.ts'
import { OpenDocument } from '../../lib/client/document.ts'
import { platform } from '../../lib/client/environment.ts'
import type { DocumentOptions, HistoryEntry } from '../../lib/client/index.ts'
import { yDocOf, yjs } from '../../lib/client/yjs.ts'
import type { Snapshot } from '../../lib/index.ts'
import { openDocumentWith, untilState } from '../fixtures/client.ts'
import { idOf } from '../fixtures/open-document.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author, key } from '../fixtures/raw-client.ts'
import { startServer } from '../fixtures/server.ts'
import { SetCrdt } from '../fixtures/set-crdt.ts'

const ada = new Author()

async function setUp (t: Test) {
  const { connectionString } = await createDatabase(t)
  return await startServer(t, { adapter: new PrismaPg({ connectionString }), history: true })
}

function textOf (doc: Y.Doc): string {
  return doc.getText('text').toJSON()
}

async function untilText (doc: Y.Doc, text: string): Promise<void> {
  while (textOf(doc) !== text) await new Promise((resolve) => doc.once('update', resolve))
}

t.test('a version is found, opened and restored; both clients and the history have what was before, too', async (t) => {
  const { app, endpoint } = await setUp(t)
  const [doc, otherDoc] = [new Y.Doc(), new Y.Doc()]
  const documentId = 'a/b 100%'
  const document = openDocumentWith(t, endpoint, documentId, { crdt: yjs(doc) })
  t.strictSame(await document.history.list(), { snapshots: [] })
  doc.getText('text').insert(0, 'The first version.')
  await document.createSnapshot()
  const other = openDocumentWith(t, endpoint, documentId, { crdt: yjs(otherDoc) })
  await other.whenLoaded()
  doc.getText('text').delete(4, 5)
  doc.getText('text').insert(4, 'second')
  await document.createSnapshot()
  doc.getText('text').insert(0, '> ')
  await document.whenSaved()
  await untilText(otherDoc, '> The second version.')

  const { snapshots, before } = await document.history.list()
  t.equal(before, undefined)
  t.strictSame(snapshots, (await app.secsync.documents.history(documentId))?.snapshots)
  const first = snapshots.at(-1)!
  t.match(first, { publicKey: document.publicKey, isKept: true, isActive: false })
  const version = await other.history.open(first.snapshotId)
  t.match(version, { snapshotId: first.snapshotId, publicKey: document.publicKey })
  t.equal(textOf(yDocOf(version)), 'The first version.')

  otherDoc.getText('text').insert(otherDoc.getText('text').length, ' By other.')
  await other.history.restore(first.snapshotId)
  await untilText(doc, 'The first version.')
  t.equal(textOf(otherDoc), 'The first version.')
  const after = await document.history.list({ limit: 2 })
  const texts = []
  for (const { snapshotId } of after.snapshots) texts.push(textOf(yDocOf(await document.history.open(snapshotId))))
  t.strictSame(texts, ['The first version.', '> The second version. By other.'])
  const idsOf = (entries: HistoryEntry[]) => entries.map(({ snapshotId }) => snapshotId)
  t.strictSame(idsOf((await document.history.list({ before: after.before })).snapshots), idsOf(snapshots))
  doc.getText('text').insert(0, 'Go on. ')
  await untilText(otherDoc, 'Go on. The first version.')
})

t.test('restoring with Yjs: any content is as it was, and what is written at the same time stays', async (t) => {
  fc.assert(fc.property(fc.array(fc.record({
    index: fc.nat(1), kind: fc.constantFrom('insert', 'delete', 'format', 'map', 'xml', 'xmlText', 'exchange'), at: fc.nat(30)
  }), { minLength: 2, maxLength: 40 }), fc.nat(39), (edits, when) => {
    const docs = [new Y.Doc(), new Y.Doc()]
    const exchange = () => docs.forEach((doc, index) => Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(docs[1 - index]!)))
    const edit = ({ index, kind, at }: typeof edits[number]) => {
      const doc = docs[index]!
      const text = doc.getText('text')
      const xml = doc.getXmlFragment('xml')
      if (kind === 'insert') text.insert(Math.min(at, text.length), `${at}`)
      if (kind === 'delete' && text.length > 0) text.delete(at % text.length, 1)
      if (kind === 'format' && text.length > 0) text.format(at % text.length, 1, { bold: at % 2 === 0 ? true : null })
      if (kind === 'map') doc.getMap('map').set(`${at % 3}`, at % 4 === 0 ? new Y.Map([['nested', at]]) : at)
      if (kind === 'xml' && at % 3 === 0 && xml.length > 0) xml.delete(at % xml.length, 1)
      else if (kind === 'xml') xml.insert(at % (xml.length + 1), [new Y.XmlElement('p')])
      if (kind === 'xmlText') {
        const element = xml.length > 0 ? xml.get(at % xml.length) : undefined
        if (element instanceof Y.XmlElement) element.insert(0, [new Y.XmlText(`${at}`)])
      }
      if (kind === 'exchange') exchange()
    }
    const stateOf = (doc: Y.Doc) => JSON.stringify([doc.getText('text').toDelta(), doc.getMap('map').toJSON(), doc.getXmlFragment('xml').toJSON()])
    const middle = when % edits.length
    edits.slice(0, middle).forEach(edit)
    const content = Y.encodeStateAsUpdateV2(docs[0]!)
    const expected = stateOf(docs[0]!)
    edits.slice(middle).forEach(edit)
    exchange()
    const reported: Uint8Array[] = []
    const crdt = yjs(docs[0]!)
    crdt.subscribe((change) => reported.push(change))
    docs[1]!.getText('other').insert(0, 'meanwhile')
    crdt.restore?.(content)
    t.equal(stateOf(docs[0]!), expected)
    for (const change of reported) Y.applyUpdateV2(docs[1]!, change)
    t.equal(stateOf(docs[1]!), expected, 'what was reported is all of it')
    exchange()
    t.equal(docs[0]!.getText('other').toJSON(), 'meanwhile')
    t.equal(stateOf(docs[0]!), expected)
  }), { numRuns: 40 })
  const empty = new Y.Doc()
  yjs(empty).restore?.(Y.encodeStateAsUpdateV2(new Y.Doc()))
  t.equal(empty.share.size, 0)
})

t.test('restoring with Automerge: keys, lists and texts are as they were', async (t) => {
  type Content = { text: string, list: number[], map: Record<string, unknown>, more?: string }
  const handle = new AutomergeHandle(Automerge.from<Content>({ text: 'abc', list: [1, 2, 3], map: { a: 1, b: { c: [1] } } }))
  const crdt = automerge(handle)
  const content = crdt.encodeSnapshot()
  const expected = Automerge.toJS(handle.getDoc())
  const changes: Uint8Array[] = []
  const copy = new AutomergeHandle(Automerge.load<Content>(content))
  crdt.subscribe((change) => changes.push(change))
  handle.change((doc) => {
    Automerge.splice(doc, ['text'], 1, 1, 'xyz')
    doc.list.splice(0, 2, 9, 8, 7)
    doc.map.d = { new: true }
    delete doc.map.b
    doc.map.a = 'text'
    doc.more = 'more'
  })
  crdt.restore?.(content)
  t.strictSame(Automerge.toJS(handle.getDoc()), expected)
  automerge(copy).apply({ changes })
  t.strictSame(Automerge.toJS(copy.getDoc()), expected)
  const { length } = changes
  crdt.restore?.(crdt.encodeSnapshot())
  t.equal(changes.length, length, 'nothing to do')
  t.strictSame(automergeDocOf<Content>({ content }).list, [1, 2, 3])
})

/** A document with three snapshots, and a client whose requests over HTTP go through `change`. */
async function openWith (t: Test, options: Partial<DocumentOptions> = {}) {
  const { app, endpoint } = await setUp(t)
  const snapshots: Snapshot[] = []
  for (const texts of [['one'], ['one', 'two'], ['one', 'three', 'two']]) {
    const snapshot = ada.snapshot('document', { parent: snapshots.at(-1), content: JSON.stringify(texts) })
    await app.secsync.createSnapshot({ snapshot })
    snapshots.push(snapshot)
  }
  const server = { change: async (url: string): Promise<Response> => await fetch(url) }
  const document = new OpenDocument({
    url: endpoint, documentId: 'document', sessionKey: 'session-key', getKey: () => key, isValidClient: () => true, crdt: new SetCrdt(), ...options
  }, { ...platform(WebSocket as unknown as NonNullable<DocumentOptions['WebSocket']>), fetch: async (url) => await server.change(String(url)) })
  t.teardown(() => document.destroy())
  await untilState(document, ({ connection }) => connection.status === 'live')
  return { app, endpoint, document, snapshots, server }
}

t.test('a server that hides, adds, replaces or cuts off versions is found out', async (t) => {
  const { document, snapshots, server } = await openWith(t)
  const ids = snapshots.map(idOf)
  const stranger = ada.snapshot('document', { content: '["stranger"]' })
  const answerWith = (body: unknown) => async () => new Response(typeof body === 'string' ? body : JSON.stringify(body))
  const { snapshots: entries } = await (await fetch(await new Promise<string>((resolve) => {
    server.change = async (url) => { resolve(url); return new Response('{"snapshots":[]}') }
    void document.history.list().catch(() => {})
  }))).json() as { snapshots: HistoryEntry[] }
  t.equal(entries.length, 3)
  const [newest, middle, oldest] = entries as [HistoryEntry, HistoryEntry, HistoryEntry]
  const table: Array<[name: string, code: string, body: unknown]> = [
    ['nothing', 'INVALID_HISTORY', { snapshots: [] }],
    ['without the one that is known', 'INVALID_HISTORY', { snapshots: [middle, oldest] }],
    ['without one in between', 'INVALID_HISTORY', { snapshots: [newest, oldest] }],
    ['cut off', 'INVALID_HISTORY', { snapshots: [newest, middle] }],
    ['another first one', 'INVALID_HISTORY', { snapshots: [newest, middle, { ...oldest, snapshotCiphertextHash: middle.snapshotCiphertextHash }] }],
    ['another known one', 'INVALID_HISTORY', { snapshots: [{ ...newest, snapshotCiphertextHash: middle.snapshotCiphertextHash }, middle, oldest] }],
    ['in another order', 'INVALID_HISTORY', { snapshots: [middle, newest, oldest] }],
    ['in circles', 'INVALID_MESSAGE', { snapshots: [], before: 3 }],
    ['without proofs', 'INVALID_MESSAGE', { snapshots: [{ ...newest, parentSnapshotProof: undefined }] }],
    ['no object', 'INVALID_MESSAGE', { snapshots: [null] }],
    ['no list', 'INVALID_MESSAGE', {}],
    ['no cursor', 'INVALID_MESSAGE', { snapshots: entries, before: 'x' }],
    ['no JSON', 'INVALID_MESSAGE', '<html>'],
    ['an array', 'INVALID_MESSAGE', []]
  ]
  for (const [name, code, body] of table) {
    server.change = answerWith(body)
    await t.rejects(document.history.list(), { name: 'ClientError', code: `SECSYNC_${code}` }, name)
  }
  const forged = { ...snapshots[0], ciphertext: snapshots[1]!.ciphertext }
  const ofSnapshots: Array<[name: string, code: string, body: unknown]> = [
    ['another one of the document', 'INVALID_HISTORY', snapshots[1]],
    ['one that is not in the history', 'INVALID_HISTORY', stranger],
    ['forged', 'INVALID_SIGNATURE', forged],
    ['of another document', 'WRONG_DOCUMENT', ada.snapshot('other')],
    ['no snapshot', 'INVALID_MESSAGE', {}]
  ]
  for (const [name, code, body] of ofSnapshots) {
    server.change = async (url) => /snapshots\/./.test(url) ? await answerWith(body)() : await fetch(url)
    await t.rejects(document.history.open(ids[0]!), { code: `SECSYNC_${code}` }, name)
  }
  server.change = async (url) => await fetch(url)
  t.equal(new TextDecoder().decode((await document.history.open(ids[0]!)).content), '["one"]')
})

t.test('what the history cannot do is named', async (t) => {
  let keyOf: DocumentOptions['getKey'] = () => key
  let valid = true
  const { app, document, snapshots, server } = await openWith(t, { getKey: (snapshot) => keyOf(snapshot), isValidClient: () => valid })
  const [first] = snapshots.map(idOf) as [string]
  for (const [status, code] of [[401, 'NO_ACCESS'], [403, 'NO_ACCESS'], [426, 'HISTORY_UNAVAILABLE'], [503, 'HISTORY_UNAVAILABLE'], [404, 'SNAPSHOT_NOT_FOUND']] as const) {
    server.change = async () => new Response('{}', { status })
    await t.rejects(document.history.list(), { code: `SECSYNC_${code}` }, `${status}`)
  }
  server.change = async () => { throw new TypeError('fetch failed') }
  await t.rejects(document.history.list(), { code: 'SECSYNC_HISTORY_UNAVAILABLE', cause: { message: 'fetch failed' } })
  server.change = async (url) => await fetch(url)
  await t.rejects(document.history.open('none'), { code: 'SECSYNC_SNAPSHOT_NOT_FOUND' })
  await t.rejects(document.history.restore(first), { code: 'SECSYNC_RESTORE_UNSUPPORTED' })
  keyOf = () => undefined
  await t.rejects(document.history.open(first), { code: 'SECSYNC_NO_KEY' })
  keyOf = () => new Uint8Array(32)
  await t.rejects(document.history.open(first), { code: 'SECSYNC_WRONG_KEY' })
  keyOf = () => key
  valid = false
  await t.rejects(document.history.open(first), { code: 'SECSYNC_INVALID_CLIENT' })
  valid = true
  t.equal((await document.history.open(first)).publicKey, ada.publicKey)
  await app.secsync.documents.prune({ snapshots: 1 }, { share: 1 })
  await t.rejects(document.history.open(first), { code: 'SECSYNC_SNAPSHOT_NOT_FOUND', message: /no longer has/ })
  t.strictSame((await document.history.list()).snapshots.map(({ isKept }) => isKept), [true, false, false], 'the proofs are still there')
  await t.rejects(document.history.open(first), { code: 'SECSYNC_SNAPSHOT_NOT_FOUND' })
})

t.test('a session key that cannot be given, and a content that cannot be restored', async (t) => {
  let isAway = false
  const { document, snapshots } = await openWith(t, {
    sessionKey: () => {
      if (isAway) throw new Error('logged out')
      return 'session-key'
    },
    crdt: Object.assign(new SetCrdt(), { restore () { throw new Error('not mine') } })
  })
  await t.rejects(document.history.restore(idOf(snapshots[0]!)), { code: 'SECSYNC_INVALID_CONTENT', cause: { message: 'not mine' } })
  isAway = true
  await t.rejects(document.history.list(), { code: 'SECSYNC_HISTORY_UNAVAILABLE', cause: { message: 'logged out' } })
})

t.test('a long history comes in pages, also one that has grown meanwhile', async (t) => {
  const { app, document, snapshots } = await openWith(t)
  for (let i = 3; i < 105; i++) {
    const snapshot = ada.snapshot('document', { parent: snapshots.at(-1), content: '["one","three","two"]' })
    await app.secsync.createSnapshot({ snapshot })
    snapshots.push(snapshot)
  }
  const ids = snapshots.map(idOf).reverse()
  const read: string[] = []
  // The client still has the third snapshot: all that is newer leads to it.
  t.equal(document.getState().snapshot?.snapshotId, ids.at(-3))
  for (let before: number | undefined, isFirst = true; isFirst || before !== undefined; isFirst = false) {
    const page = await document.history.list({ limit: 40, before })
    read.push(...page.snapshots.map(({ snapshotId }) => snapshotId))
    before = page.before
  }
  t.strictSame(read, ids)
  const next = ada.snapshot('document', { parent: snapshots.at(-1), content: '["new"]' })
  await app.secsync.createSnapshot({ snapshot: next })
  t.equal(new TextDecoder().decode((await document.history.open(idOf(next))).content), '["new"]', 'newer than the list')
})
