import fc from 'fast-check'
import t from 'tap'
import * as Y from 'yjs'
import { yjs } from '../../lib/client/yjs.ts'

/** Changes as a client reports them. */
function typist (doc: Y.Doc): { changes: Uint8Array[], type: (text: string) => void } {
  const changes: Uint8Array[] = []
  yjs(doc).subscribe((change) => changes.push(change))
  const text = doc.getText('text')
  return { changes, type: (addition) => text.insert(text.length, addition) }
}

function textOf (doc: Y.Doc): string {
  return doc.getText('text').toJSON()
}

t.test('reports what is written here, also by other providers, and not what it applies itself', async (t) => {
  const [doc, other] = [new Y.Doc(), new Y.Doc()]
  const { changes, type } = typist(doc)
  const crdt = yjs(doc)
  const reported: Uint8Array[] = []
  const unsubscribe = crdt.subscribe((change) => {
    const copy = new Y.Doc()
    Y.applyUpdateV2(copy, crdt.encodeSnapshot())
    t.equal(textOf(copy), textOf(doc), 'a snapshot from the listener contains the change')
    reported.push(change)
  })
  type('a')
  t.equal(reported.length, 1)
  typist(other).type('b')
  crdt.apply({ changes: [Y.encodeStateAsUpdateV2(other)] })
  t.equal(reported.length, 1)
  typist(other).type('c')
  Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(other), 'another provider')
  t.equal(reported.length, 2)
  unsubscribe()
  type('d')
  t.equal(reported.length, 2)
  t.equal(changes.length, 4, 'another adapter of the same document has its own origin')
})

t.test('what observers write while something is applied is reported', async (t) => {
  const [doc, other] = [new Y.Doc(), new Y.Doc()]
  const reported: Uint8Array[] = []
  const crdt = yjs(doc)
  crdt.subscribe((change) => reported.push(change))
  doc.getText('text').observe(({ transaction }) => {
    if (!transaction.local) doc.getMap('seen').set('count', 1)
  })
  typist(other).type('a')
  crdt.apply({ changes: [Y.encodeStateAsUpdateV2(other)] })
  t.equal(reported.length, 1)
  Y.applyUpdateV2(other, reported[0]!)
  t.equal(other.getMap('seen').get('count'), 1)
  t.equal(textOf(other), 'a')
})

t.test('a snapshot and its updates are one transaction', async (t) => {
  const source = new Y.Doc()
  const { changes, type } = typist(source)
  type('snapshot')
  const snapshot = Y.encodeStateAsUpdateV2(source)
  changes.length = 0
  for (let index = 0; index < 100; index++) type('x')
  const doc = new Y.Doc()
  let observed = 0
  doc.getText('text').observe(() => observed++)
  yjs(doc).apply({ snapshot, changes })
  t.equal(observed, 1)
  t.equal(textOf(doc), 'snapshot' + 'x'.repeat(100))
})

t.test('a broken change is refused, and the others can be applied', async (t) => {
  const source = new Y.Doc()
  const { changes, type } = typist(source)
  type('a')
  type('b')
  const doc = new Y.Doc()
  t.throws(() => yjs(doc).apply({ changes: [changes[0]!, Uint8Array.of(1, 2, 3), changes[1]!] }))
  yjs(doc).apply({ changes })
  t.equal(textOf(doc), 'ab')
})

/** Some edits on two documents, with their state exchanged now and then. */
const edits = fc.array(fc.record({
  doc: fc.nat(1),
  edit: fc.oneof(fc.record({ insert: fc.string({ minLength: 1, maxLength: 3 }) }), fc.constant({ delete: 1 }), fc.constant({ key: 1 }), fc.constant('exchange' as const)),
  at: fc.nat(20)
}), { maxLength: 25 })

function applyEdits (docs: [Y.Doc, Y.Doc], steps: typeof edits extends fc.Arbitrary<infer T> ? T : never): void {
  for (const { doc: index, edit, at } of steps) {
    const doc = docs[index]!
    const text = doc.getText('text')
    if (edit === 'exchange') Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(docs[1 - index]!))
    else if ('insert' in edit) text.insert(Math.min(at, text.length), edit.insert)
    else if ('key' in edit) doc.getMap('map').set('key', at)
    else if (text.length > 0) text.delete(at % text.length, 1)
  }
}

t.test('changes since some contents are nothing exactly when these have it all, and else what is missing', async (t) => {
  fc.assert(fc.property(edits, fc.boolean(), (steps, gc) => {
    const docs: [Y.Doc, Y.Doc] = [new Y.Doc({ gc }), new Y.Doc({ gc })]
    applyEdits(docs, steps)
    const [doc, other] = docs
    const known = Y.encodeStateAsUpdateV2(other)
    const missing = yjs(doc).changesSince({ snapshot: known, changes: [] })
    const merged = new Y.Doc({ gc })
    yjs(merged).apply({ snapshot: known, changes: missing })
    Y.applyUpdateV2(other, Y.encodeStateAsUpdateV2(doc))
    t.same([textOf(merged), merged.getMap('map').toJSON()], [textOf(other), other.getMap('map').toJSON()])
    t.same(yjs(doc).changesSince({ changes: [Y.encodeStateAsUpdateV2(other)] }), [])
    t.same(yjs(doc).changesSince({ changes: [known, ...missing] }), [])
  }), { numRuns: 200 })
  t.same(yjs(new Y.Doc()).changesSince({ changes: [] }), [])
})

t.test('a deletion alone is a change', async (t) => {
  const doc = new Y.Doc()
  typist(doc).type('abc')
  const known = Y.encodeStateAsUpdateV2(doc)
  t.same(yjs(doc).changesSince({ snapshot: known, changes: [] }), [])
  doc.getText('text').delete(1, 1)
  const changes = yjs(doc).changesSince({ snapshot: known, changes: [] })
  t.equal(changes.length, 1)
  const other = new Y.Doc()
  yjs(other).apply({ snapshot: known, changes })
  t.equal(textOf(other), 'ac')
})

t.test('many changes become one, with the same content', async (t) => {
  for (const count of [0, 1, 31, 32, 33, 1100]) {
    const source = new Y.Doc()
    const { changes, type } = typist(source)
    for (let index = 0; index < count; index++) type(String(index % 10))
    const merged = yjs(source).mergeChanges?.(changes)
    t.equal(merged?.length, Math.min(count, 1))
    const doc = new Y.Doc()
    yjs(doc).apply({ changes: merged ?? [] })
    t.equal(textOf(doc), textOf(source))
  }
})
