import { readFile } from 'node:fs/promises'
import { Document, HeadingLevel, Packer, Paragraph, Table, TableCell, TableRow, TextRun } from 'docx'
import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { Person } from './fixtures/person.ts'

test('files and the list of documents', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())
  const ana = await Person.arrives(browser, 'Ana Meyer')
  const download = async (name: string) => {
    const [file] = await Promise.all([ana.page.waitForEvent('download'), ana.page.getByRole('dialog', { name: 'Export' }).getByRole('button', { name }).click()])
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') }
  }

  await t.test('a document is imported and exported', async (t) => {
    await ana.newDocument(app.url)
    await ana.page.getByRole('link', { name: 'All documents' }).click()
    await ana.page.getByText('Import Markdown or Word').waitFor()
    await ana.page.locator('input[type=file]').setInputFiles({
      name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from('# Trip to <the sea>\n\nWe **leave** early.\n\n- [x] tent\n- [ ] lamp\n')
    })
    await ana.reads('early')
    t.equal(await ana.title.inputValue(), 'Trip to <the sea>')
    await ana.page.getByText('All changes are saved.').waitFor()
    await ana.page.getByRole('button', { name: 'Export' }).click()
    const markdown = await download('Markdown')
    t.equal(markdown.name, 'Trip to the sea.md')
    t.equal(markdown.text, '# Trip to <the sea>\n\nWe **leave** early.\n\n- [x] tent\n- [ ] lamp\n')
    const html = await download('HTML')
    t.match(html.text, '<h1>Trip to &lt;the sea&gt;</h1><p>We <strong>leave</strong> early.</p>')
    t.match(html.text, /^<!doctype html>\n<html><head><meta charset="utf-8"><title>Trip to &lt;the sea&gt;<\/title>/)
    await ana.shoot('export')
    await ana.page.getByRole('dialog').getByRole('button', { name: 'Copy to a new document' }).click()
    await ana.page.waitForFunction(() => document.title.startsWith('Trip to <the sea> (copy)'))
    await ana.reads('early')
    t.same(ana.complaints, [])
  })

  await t.test('a document of Word is imported', async (t) => {
    const buffer = await Packer.toBuffer(new Document({
      sections: [{
        children: [
          new Paragraph({ heading: HeadingLevel.TITLE, children: [new TextRun('Minutes of May')] }),
          new Paragraph({ heading: HeadingLevel.HEADING_2, children: [new TextRun('Present')] }),
          new Paragraph({ children: [new TextRun('We '), new TextRun({ text: 'all', bold: true }), new TextRun(' were there.')] }),
          new Table({ rows: [['a', 'b'], ['c', 'd']].map((texts) => new TableRow({ children: texts.map((text) => new TableCell({ children: [new Paragraph(text)] })) })) })
        ]
      }]
    }))
    const mimeType = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
    await ana.page.goto(app.url)
    await ana.page.locator('input[type=file]').setInputFiles({ name: 'broken.docx', mimeType, buffer: buffer.subarray(0, 500) })
    await ana.page.getByText('This file could not be read.').waitFor()
    await ana.page.locator('input[type=file]').setInputFiles({ name: 'minutes.docx', mimeType, buffer })
    await ana.reads('were there.')
    t.equal(await ana.title.inputValue(), 'Minutes of May')
    t.match(await ana.content(), /^<h2>Present<\/h2><p>We <strong>all<\/strong> were there.<\/p><table/)
    t.match((await ana.text.locator('td').allInnerTexts()).join(), 'a,b,c,d')
    t.same(ana.complaints, [])
  })

  await t.test('the list is searched and ordered', async (t) => {
    await ana.page.getByText('All changes are saved.').waitFor()
    await ana.page.getByRole('link', { name: 'All documents' }).click()
    const titles = () => ana.page.locator('.document-title').allInnerTexts()
    await ana.page.getByLabel('Order').waitFor()
    t.same(await titles(), ['Minutes of May', 'Trip to <the sea> (copy)', 'Trip to <the sea>', 'Untitled'])
    await ana.page.getByLabel('Search in titles').fill('COPY')
    t.same(await titles(), ['Trip to <the sea> (copy)'])
    await ana.page.getByLabel('Search in titles').fill('nothing')
    await ana.page.getByText('No such document on this device').waitFor()
    await ana.page.getByLabel('Search in titles').fill('')
    await ana.page.getByLabel('Order').selectOption('By title')
    t.same(await titles(), ['Minutes of May', 'Trip to <the sea>', 'Trip to <the sea> (copy)', 'Untitled'])
    await ana.page.getByLabel('Order').selectOption('Last opened first')
    await ana.page.getByRole('button', { name: 'Folder of Trip to <the sea> (copy)' }).click()
    const dialog = ana.page.getByRole('dialog')
    await dialog.getByLabel('Folder').fill('Holidays')
    await dialog.getByRole('button', { name: 'Save' }).click()
    // The list of folders is there before the dialog is gone.
    await dialog.waitFor({ state: 'detached' })
    await ana.page.getByLabel('Folder', { exact: true }).selectOption('Holidays')
    t.same(await titles(), ['Trip to <the sea> (copy)'])
    await ana.shoot('list')
    // Opened and closed, it is still there.
    await ana.page.getByRole('link', { name: /copy/ }).click()
    await ana.isLive()
    await ana.page.getByRole('link', { name: 'All documents' }).click()
    await ana.page.locator('.folder', { hasText: 'Holidays' }).waitFor()
    t.same(ana.complaints, [])
  })
})
