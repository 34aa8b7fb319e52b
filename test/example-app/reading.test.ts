import t from 'tap'
import * as Y from 'yjs'
import { randomText } from '../../example-app/web/crypto/base64.ts'
import { countLeftOut, deepest, Reading } from '../../example-app/web/editor/reading.ts'

function documentOf (...parts: Y.XmlElement[]): Y.XmlFragment {
  const body = new Y.Doc().getXmlFragment('body')
  body.insert(0, parts)
  return body
}

function element (name: string, ...children: Array<Y.XmlElement | Y.XmlText>): Y.XmlElement {
  const made = new Y.XmlElement(name)
  made.insert(0, children)
  return made
}

const paragraph = (text: string) => element('paragraph', new Y.XmlText(text))

function nest (name: string, levels: number, innermost: Y.XmlElement): Y.XmlElement {
  let made = innermost
  for (let level = 0; level < levels; level++) made = element(name, made)
  return made
}

/** Level by level: Yjs itself cannot insert so much at once. */
function nestIn (body: Y.XmlFragment, name: string, levels: number): void {
  body.doc?.transact(() => {
    let at = body
    for (let level = 0; level < levels; level++) {
      const inner = new Y.XmlElement(name)
      at.insert(0, [inner])
      at = inner
    }
  })
}

t.test('a document is read as it is', async (t) => {
  const text = new Y.XmlText()
  text.applyDelta([{ insert: 'very ', attributes: { strong: {} } }, { insert: 'good', attributes: { unknown: {} } }])
  const heading = new Y.XmlElement<{ level: number }>('heading')
  heading.setAttribute('level', 9)
  heading.insert(0, [new Y.XmlText('Plan')])
  const doc = new Reading().document(documentOf(heading as unknown as Y.XmlElement, element('bullet_list', element('list_item', element('paragraph', text)))))
  t.equal(doc.toString(), 'doc(heading("Plan"), bullet_list(list_item(paragraph(strong("very "), "good"))))')
  t.equal(new Reading().document(documentOf()).toString(), 'doc(paragraph)')
})

t.test('what is nested as deep as allowed is shown, and one level more is left out, with what is around it', async (t) => {
  const shown = new Reading()
  t.match(shown.document(documentOf(nest('blockquote', deepest - 1, paragraph('deep')))).toString(), 'deep')
  t.equal(shown.hasLeftOut, false)

  const reading = new Reading()
  const doc = reading.document(documentOf(paragraph('before'), nest('blockquote', deepest, paragraph('deep')), paragraph('after')))
  t.notMatch(doc.toString(), 'deep')
  t.match(doc.toString(), /^doc\(paragraph\("before"\), blockquote\(.*left_out.*\), paragraph\("after"\)\)$/)
  t.equal(reading.hasLeftOut, true)
  t.equal(countLeftOut(doc), 1)
})

t.test('6,000 levels, and levels that fit nowhere', async (t) => {
  for (const [name, shown] of [['blockquote', /^doc\(blockquote\(.*left_out/], ['paragraph', /^doc\(left_out/], ['bullet_list', /^doc\(left_out/]] as const) {
    const body = documentOf(paragraph('after'))
    nestIn(body, name, 6000)
    const reading = new Reading()
    t.match(reading.document(body).toString(), shown, name)
    t.ok(reading.get(body.get(0)), 'the plugin finds a node for it')
    t.equal(body.length, 2, 'nothing was deleted')
  }
})

t.test('what is not known is left out and not deleted', async (t) => {
  const body = documentOf(element('video', paragraph('of a later version')), paragraph('after'))
  t.equal(new Reading().document(body).toString(), 'doc(left_out, paragraph("after"))')
  t.equal(body.length, 2)
})

t.test('a list without items, as two people can leave it, is taken away', async (t) => {
  const body = documentOf(element('bullet_list'), paragraph('after'))
  t.equal(new Reading().document(body).toString(), 'doc(paragraph("after"))')
  t.equal(body.length, 1)
})

t.test('what y-prosemirror can read is left to it', async (t) => {
  const body = documentOf(paragraph('text'))
  t.equal(new Reading().get(body.get(0)), undefined)
  t.equal(new Reading().get(new Y.XmlElement('video')), undefined, 'what is in no document yet')
})

t.test('a cell over a million columns is left out', async (t) => {
  for (const [name, value, isShown] of [['colspan', 2, true], ['colspan', 1_000_000, false], ['rowspan', -1, false], ['colspan', {}, false], ['colwidth', 'wide', false]] as const) {
    const cell = new Y.XmlElement('table_cell')
    cell.setAttribute(name, value as unknown as string)
    cell.insert(0, [paragraph('cell')])
    const doc = new Reading().document(documentOf(element('table', element('table_row', cell)), paragraph('after')))
    t.equal(doc.textContent.includes('cell'), isShown, `${name} ${String(value)}`)
    t.match(doc.textContent, 'after')
  }
})

t.test('an image with anything else than what an image has is left out, and not deleted', async (t) => {
  const right = { file: randomText(32), key: randomText(32), type: 'image/png', width: 30, height: 20, alt: 'A boat' }
  const imageOf = (attributes: Record<string, unknown>, ...children: Y.XmlElement[]) => {
    const made = element('image', ...children)
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value as string)
    return made
  }
  const shown = new Reading()
  t.equal(shown.document(documentOf(imageOf({ ...right, other: 1 }))).toString(), 'doc(image)')
  t.equal(shown.hasLeftOut, false)
  for (const [name, value] of Object.entries({ file: '../..', key: 'short', type: 'image/svg+xml', width: 1e9, height: -1, alt: { toString: 1 } })) {
    const body = documentOf(imageOf({ ...right, [name]: value }), paragraph('after'))
    const reading = new Reading()
    t.equal(reading.document(body).toString(), 'doc(left_out, paragraph("after"))', name)
    t.equal(reading.get(body.get(0))?.toString(), 'left_out', 'the plugin finds a node for it')
    t.equal(body.length, 2)
  }
  t.equal(new Reading().document(documentOf(imageOf({}), paragraph('after'))).childCount, 2)
  t.equal(new Reading().document(documentOf(imageOf(right, paragraph('inside')), paragraph('after'))).toString(), 'doc(left_out, paragraph("after"))')
})
