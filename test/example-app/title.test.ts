import t from 'tap'
import * as Y from 'yjs'
import { observeTitle, setTitle, titleOf } from '../../example-app/web/sync/title.ts'

function exchange (one: Y.Doc, other: Y.Doc): void {
  Y.applyUpdateV2(one, Y.encodeStateAsUpdateV2(other))
  Y.applyUpdateV2(other, Y.encodeStateAsUpdateV2(one))
}

t.test('of two titles that are written at the same time, one holds for both', async (t) => {
  const ana = new Y.Doc()
  const ben = new Y.Doc()
  setTitle(ana, 'Plan')
  exchange(ana, ben)
  setTitle(ana, 'Holidays')
  setTitle(ben, 'Trip to the sea')
  exchange(ana, ben)
  t.equal(titleOf(ana), titleOf(ben))
  t.match(titleOf(ana), /^(Holidays|Trip to the sea)$/)
})

t.test('the title of an earlier version is read, until it is changed', async (t) => {
  const doc = new Y.Doc()
  let changes = 0
  const end = observeTitle(doc, () => { changes++ })
  doc.getText('title').insert(0, 'From before')
  t.equal(titleOf(doc), 'From before')
  t.equal(changes, 1)
  setTitle(doc, 'From now on')
  t.equal(titleOf(doc), 'From now on')
  t.equal(changes, 2)
  setTitle(doc, 'From now on')
  t.equal(changes, 2, 'nothing is sent for nothing')
  end()
  setTitle(doc, '')
  t.equal(titleOf(doc), '')
  t.equal(changes, 2)
})

t.test('a title that is none, or too long, harms nobody', async (t) => {
  const doc = new Y.Doc()
  t.equal(titleOf(doc), '')
  doc.getMap('properties').set('title', { toString: 'no' })
  t.equal(titleOf(doc), '')
  doc.getMap('properties').set('title', 'x'.repeat(1_000_000))
  t.equal(titleOf(doc).length, 200)
})
