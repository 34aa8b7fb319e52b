import { test } from 'tap'
import * as Y from 'yjs'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { mallory } from './fixtures/mallory.ts'
import { Person } from './fixtures/person.ts'

test('presence of somebody who does not keep to the rules', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())
  const ana = await Person.arrives(browser, 'Ana Meyer')
  await ana.newDocument(app.url)
  await ana.write('Read this.')
  const { awareness, document, introduce, members, yDoc } = await mallory(app, await ana.invite('Can read'))
  t.teardown(async () => {
    await document.destroy()
    // With its awareness, and that one's timer.
    yDoc.destroy()
  })
  const paragraph = yDoc.getXmlFragment('body').get(0) as Y.XmlElement
  const position = Y.createRelativePositionFromTypeIndex(paragraph.get(0) as Y.XmlText, 4)
  const cursor = { anchor: position, head: position }
  const people = ana.page.getByRole('list', { name: 'People here now' }).getByRole('listitem')

  await t.test('nobody takes the key of somebody else', async (t) => {
    const { body } = await members()
    const hers = body.members[0]?.publicKeys[0] ?? ''
    t.match(hers, /^[\w-]{43}$/)
    t.equal((await introduce(hers)).status, 409)
    t.equal((await introduce('short')).status, 400)
  })

  await t.test('whose page nobody knows is not shown', async (t) => {
    awareness.setLocalState({ user: { name: 'Ana Meyer' }, cursor })
    // A change behind it, which its page shows.
    await ana.moveTo('end')
    await ana.page.keyboard.type(' More.')
    await ana.page.getByText('All changes are saved.').waitFor()
    t.equal(await people.count(), 1)
    t.equal(await ana.page.locator('.cursor').count(), 0)
  })

  await t.test('the name that is shown is the one that the server knows', async (t) => {
    t.equal((await introduce(document.publicKey)).status, 204)
    awareness.setLocalState({ user: { name: 'Ana Meyer', memberId: 'somebody', color: '#0b6e99' }, cursor, membersChangedAt: 1 })
    await ana.cursorOf('Mallory').waitFor()
    t.same(await people.evaluateAll((items) => items.map((item) => item.getAttribute('title'))), ['Ana Meyer (you)', 'Mallory'])
  })

  await t.test('a state of the wrong form ends no page, and the last right one stays', async (t) => {
    for (const state of [
      { user: { name: { first: 'an object' } }, cursor: 'everywhere' },
      { user: 'me', cursor: { anchor: 1, head: {} } },
      { user: {}, cursor: { anchor: { item: { client: -1, clock: 1e300 } }, head: { tname: 'elsewhere' } } },
      { user: {}, membersChangedAt: 'soon' },
      { user: { name: 'x'.repeat(200_000) }, cursor }
    ]) {
      awareness.setLocalState(state)
      awareness.setLocalState({ ...state, again: true })
    }
    // The last of them, and one behind it.
    await new Promise((resolve) => setTimeout(resolve, 100))
    awareness.setLocalState({ cursor, membersChangedAt: 2 })
    await ana.cursorOf('Mallory').waitFor()
    await ana.page.keyboard.type(' Still here.')
    await ana.reads('Still here.')
    await ana.isLive()
    t.same(ana.complaints, [])
  })

  await t.test('many states are few requests', async (t) => {
    const before = ana.sent.filter((text) => text.includes('/api/')).length
    for (let time = 3; time < 203; time++) {
      awareness.setLocalStateField('membersChangedAt', time)
      // Each is a message of its own.
      if (time % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 40))
    }
    await ana.page.keyboard.type(' And on.')
    await ana.page.getByText('All changes are saved.').waitFor()
    t.ok(ana.sent.filter((text) => text.includes('/api/')).length - before <= 4)
  })
})
