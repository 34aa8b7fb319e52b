import * as Automerge from '@automerge/automerge'
import t from 'tap'
import { automerge, AutomergeHandle } from '../../lib/client/automerge.ts'

type Content = { text: string, count?: number }

/** Documents of one kind have a beginning in common, else their texts would be concurrent values. */
const beginning = Automerge.save(Automerge.from<Content>({ text: '' }))

function newHandle (): AutomergeHandle<Content> {
  return new AutomergeHandle(Automerge.load<Content>(beginning))
}

function type (handle: AutomergeHandle<Content>, text: string): void {
  handle.change((doc) => Automerge.splice(doc, ['text'], doc.text.length, 0, text))
}

t.test('reports what is written here and not what it applies; the value is always the newest', async (t) => {
  const [handle, other] = [newHandle(), newHandle()]
  const crdt = automerge(handle)
  const changes: Uint8Array[] = []
  const unsubscribe = crdt.subscribe((change) => {
    t.same(Automerge.load<Content>(crdt.encodeSnapshot()).text, handle.getDoc().text, 'a snapshot from the listener contains the change')
    changes.push(change)
  })
  let values = 0
  handle.subscribe(() => values++)
  type(handle, 'a')
  type(other, 'b')
  crdt.apply({ changes: automerge(other).changesSince({ snapshot: beginning, changes: [] }) })
  t.equal(changes.length, 1)
  t.equal(values, 2)
  t.equal(handle.getDoc().text.length, 2)
  automerge(other).apply({ changes })
  t.equal(other.getDoc().text, handle.getDoc().text)
  unsubscribe()
  handle.set(Automerge.change(handle.getDoc(), (doc) => { doc.count = 1 }))
  t.equal(changes.length, 1)
})

t.test('a snapshot and changes come together, in any order, and twice', async (t) => {
  const source = newHandle()
  const changes: Uint8Array[] = []
  automerge(source).subscribe((change) => changes.push(change))
  type(source, 'snapshot ')
  const snapshot = automerge(source).encodeSnapshot()
  for (const text of 'changes') type(source, text)
  const handle = new AutomergeHandle<Content>()
  const crdt = automerge(handle)
  crdt.apply({ snapshot, changes: changes.slice(1, 4) })
  t.equal(handle.getDoc().text, 'snapshot cha')
  crdt.apply({ changes: changes.toReversed() })
  crdt.apply({ snapshot, changes })
  t.equal(handle.getDoc().text, 'snapshot changes')
})

t.test('changes since some contents are what these have not', async (t) => {
  const handle = newHandle()
  const changes: Uint8Array[] = []
  automerge(handle).subscribe((change) => changes.push(change))
  type(handle, 'a')
  type(handle, 'b')
  const crdt = automerge(handle)
  t.same(crdt.changesSince({ snapshot: beginning, changes: [] }), changes)
  t.same(crdt.changesSince({ snapshot: beginning, changes: [changes[0]!] }), [changes[1]])
  t.same(crdt.changesSince({ snapshot: crdt.encodeSnapshot(), changes: [] }), [])
  t.equal(crdt.changesSince({ changes: [] }).length, 3)
  t.same(automerge(new AutomergeHandle()).changesSince({ snapshot: beginning, changes }), [])
})

t.test('contents that are none are refused; what comes next is applied, and the document can be changed', async (t) => {
  const handle = newHandle()
  const crdt = automerge(handle)
  const other = newHandle()
  type(other, 'other')
  const snapshot = automerge(other).encodeSnapshot()
  t.throws(() => crdt.apply({ snapshot: Uint8Array.of(1, 2), changes: [] }))
  t.throws(() => crdt.apply({ snapshot, changes: [Uint8Array.of(1, 2)] }))
  crdt.apply({ snapshot, changes: [] })
  type(handle, '!')
  t.equal(handle.getDoc().text, 'other!')
})
