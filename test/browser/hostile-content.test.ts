import { test } from 'tap'
import * as Y from 'yjs'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { mallory } from './fixtures/mallory.ts'
import { Person } from './fixtures/person.ts'

test('content of somebody who does not keep to the rules', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  await t.test('6,000 nested quotes: the page opens without them, says so, and history has the version before', async (t) => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    await ana.newDocument(app.url)
    await ana.write('Read this.')
    const { document, yDoc } = await mallory(app, await ana.invite('Can edit'))
    t.teardown(async () => {
      await document.destroy()
      yDoc.destroy()
    })
    await document.createSnapshot()
    yDoc.transact(() => {
      let at = yDoc.getXmlFragment('body')
      for (let level = 0; level < 6000; level++) {
        const inner = new Y.XmlElement('blockquote')
        at.insert(0, [inner])
        at = inner
      }
    })
    await document.whenSaved()

    const told = ana.page.getByText('A part of this document is not shown.')
    await told.waitFor()
    await ana.page.reload()
    await told.waitFor()
    await ana.reads('Read this.')
    await ana.moveTo('end')
    await ana.page.keyboard.type(' And write on.')
    await ana.page.getByText('All changes are saved.').waitFor()
    t.match(yDoc.getXmlFragment('body').toArray().at(-1)?.toString(), 'And write on.')
    await ana.press('Control+a', 'Backspace')
    await ana.reads('And write on.')
    t.equal(yDoc.getXmlFragment('body').length, 2, 'what is not seen is not deleted')

    await ana.page.getByRole('button', { name: 'Look at earlier versions' }).click()
    const dialog = ana.page.getByRole('dialog', { name: 'History' })
    await dialog.getByRole('list', { name: 'Versions' }).getByRole('button').first().click()
    await dialog.getByRole('article', { name: 'This version' }).getByText('Read this.').waitFor()
    t.equal(await dialog.getByRole('button', { name: 'Restore this version' }).count(), 0)
    await dialog.getByRole('button', { name: 'Copy to a new document' }).click()
    await told.waitFor({ state: 'detached' })
    await ana.isLive()
    await ana.page.getByText('All changes are saved.').waitFor()
    t.equal(await ana.title.inputValue(), 'Untitled (copy)')
    t.match(await ana.content(), /^<p>Read this\.<\/p>$/)
    t.same(ana.complaints, [])
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ben.open(await ana.invite('Can edit'))
    await ben.reads('Read this.')
    t.equal(await ben.title.inputValue(), 'Untitled (copy)')
    t.same(ben.complaints, [])
  })
})
