import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import * as Y from 'yjs'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { mallory, nestQuotes } from './fixtures/mallory.ts'
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
    nestQuotes(yDoc, 6000)
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

  await t.test('images that are none: the page goes on, asks for nothing elsewhere, and says that a part is not shown', async (t) => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    const asked = new Set<string>()
    ana.page.on('request', (request) => asked.add(new URL(request.url()).origin))
    await ana.newDocument(app.url)
    await ana.write('Read this.')
    const { document, yDoc } = await mallory(app, await ana.invite('Can edit'))
    t.teardown(async () => {
      await document.destroy()
      yDoc.destroy()
    })
    const text = (bytes: number) => randomBytes(bytes).toString('base64url')
    const right = { file: text(32), key: text(32), type: 'image/png', width: 30, height: 20, alt: 'Not sent' }
    const body = yDoc.getXmlFragment('body')
    const add = (attributes: Record<string, unknown>) => {
      const image = new Y.XmlElement('image')
      for (const [name, value] of Object.entries(attributes)) image.setAttribute(name, value as string)
      body.push([image])
      return image
    }
    const wrong = {
      file: ['../..', 'https://example.org/a.png', 7, null],
      key: ['short', {}],
      type: ['image/svg+xml', 'text/html'],
      width: [1e9, '100%', -1],
      height: [Infinity],
      alt: [{ toString: 1 }, ['a'], 'a'.repeat(100_000)]
    }
    yDoc.transact(() => {
      for (const [name, values] of Object.entries(wrong)) for (const value of values) add({ ...right, [name]: value })
      add({})
      add({ src: 'https://example.org/a.png' })
      add({ ...right, width: 16_384, height: 16_384, src: 'https://example.org/a.png' })
    })
    const turned = add(right)
    await document.whenSaved()
    const count = body.length

    const told = ana.page.getByText('A part of this document is not shown.')
    await told.waitFor()
    await ana.page.getByText('Image: Not sent · The server does not have this image, or not yet.').first().waitFor()
    t.equal(await ana.page.locator('.prose .image').count(), 2)
    // One that was right, while it is shown.
    turned.setAttribute('width', 1e9 as unknown as string)
    await ana.page.waitForFunction(() => document.querySelectorAll('.prose .image').length === 1)
    await ana.page.reload()
    await told.waitFor()
    await ana.reads('Read this.')
    t.ok((await ana.page.locator('.prose .image').boundingBox() ?? { width: 1e9 }).width < 1280)
    await ana.moveTo('start')
    await ana.page.keyboard.type('Still here. ')
    await ana.page.getByText('All changes are saved.').waitFor()
    t.equal(body.length, count, 'what is not seen is not deleted')
    t.same([...asked], [app.url])
    t.same(ana.complaints, [])
  })
})
