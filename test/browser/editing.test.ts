import { mkdir } from 'node:fs/promises'
import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { agreement, Person } from './fixtures/person.ts'

test('editing', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())
  const shoot = async ({ page }: Person, name: string) => {
    const { SCREENSHOTS: directory } = process.env
    if (directory === undefined) return
    await mkdir(directory, { recursive: true })
    await page.screenshot({ path: `${directory}/${name}.png` })
  }
  const focused = ({ page }: Person) => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
  const paste = (person: Person, type: string, text: string) => person.text.evaluate((element, { type, text }) => {
    const clipboardData = new DataTransfer()
    clipboardData.setData(type, text)
    element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }, { type, text })

  const ana = await Person.arrives(browser, 'Ana Meyer')
  const ben = await Person.arrives(browser, 'Ben Okafor')
  const clear = async () => {
    await ana.text.focus()
    await ana.press('Control+a', 'Backspace', 'Control+a', 'Backspace')
    await ana.page.waitForFunction(() => document.querySelector('[aria-label="Text"]')?.textContent === '')
    if (!/^<p/.test(await ana.content())) await ana.press('Backspace')
  }

  await t.test('a new document waits for its title, and Enter goes on to the text', async (t) => {
    await ana.newDocument(app.url)
    t.equal(await focused(ana), 'Title')
    await ana.page.keyboard.type('Plan')
    await ana.press('Enter')
    t.equal(await focused(ana), 'Text')
    await ana.page.getByRole('link', { name: 'All documents' }).click()
    await ana.page.getByRole('button', { name: 'New document' }).click()
    await ana.title.waitFor()
    await ana.page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Title')
    await ana.isLive()
    await ben.open(await ana.invite('Can edit'))
    await ben.isLive()
  })

  await t.test('Markdown that is typed', async (t) => {
    await ana.write('### Small')
    await ana.press('Enter')
    await ana.page.keyboard.type('Some **bold**, *slanted*, ~~old~~, `code`, [words](example.org) and https://example.com/a then.')
    await ana.press('Enter')
    await ana.page.keyboard.type('- [ ] bread')
    await ana.press('Enter')
    await ana.page.keyboard.type('cheese')
    await ben.reads('cheese')
    const content = await agreement(ana, ben)
    t.match(content, '<h3>Small</h3>')
    t.match(content, '<strong>bold</strong>, <em>slanted</em>, <s>old</s>, <code>code</code>, <a href="https://example.org/"')
    t.match(content, 'rel="noopener noreferrer nofollow">https://example.com/a</a> then.')
    t.match(content, /<li data-checked="false">.*bread.*<li data-checked="false">.*cheese/)
    await ben.page.getByRole('checkbox', { name: 'Done' }).first().click()
    await ana.page.locator('li[data-checked="true"]').getByText('bread').waitFor()
    t.equal(await ana.page.getByRole('checkbox', { name: 'Done' }).first().isChecked(), true)
    await shoot(ana, 'editing')
    t.same([...ana.complaints, ...ben.complaints], [])
  })

  await t.test('a link is set and taken away', async (t) => {
    await clear()
    await ana.page.keyboard.type('Read more')
    await ana.press('Control+a', 'Control+k')
    const dialog = ana.page.getByRole('dialog', { name: 'Link' })
    await dialog.getByLabel('Address').fill('javascript:alert(1)')
    await ana.press('Enter')
    await dialog.getByText('This is no address').waitFor()
    await shoot(ana, 'link')
    await dialog.getByLabel('Address').fill('example.org/more')
    await ana.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    t.match(await ana.content(), '<a href="https://example.org/more"')
    await ana.text.focus()
    await ana.press('Control+a', 'Control+k')
    t.match(await ana.content(), /^<p>Read more<\/p>/)
    await paste(ana, 'text/plain', 'https://example.org/')
    t.match(await ana.content(), /^<p><a href="https:\/\/example.org\/"[^>]*>Read more<\/a>/)
  })

  await t.test('tables: made, filled, and pasted', async (t) => {
    await clear()
    await ana.page.getByRole('button', { name: 'Table', exact: true }).click()
    await ana.page.keyboard.type('Name')
    await ana.press('Tab')
    await ana.page.keyboard.type('Age')
    await ana.page.getByRole('button', { name: 'Add row below' }).click()
    t.equal(await ana.text.locator('tr').count(), 4)
    t.equal(await ana.text.locator('th').count(), 3)
    await ana.page.getByRole('button', { name: 'Delete column' }).click()
    t.equal(await ana.text.locator('th').count(), 2)
    await shoot(ana, 'table')
    await ana.page.getByRole('button', { name: 'Delete table' }).click()
    await clear()
    await paste(ana, 'text/html', '<table><tr><td>a1</td><td>b1</td></tr><tr><td>a2</td><td>b2</td></tr></table>')
    await ben.reads('b2')
    t.equal(await ben.text.locator('tr').count(), 2)
    t.equal(await ben.text.locator('td').nth(2).innerText(), 'a2')
    await clear()
  })

  await t.test('Markdown that is pasted', async (t) => {
    await clear()
    await paste(ana, 'text/plain', '# Shopping\n\n- bread\n- cheese\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n')
    await ben.reads('cheese')
    const content = await agreement(ana, ben)
    t.match(content, '<h1>Shopping</h1>')
    t.match(content, /<ul[^>]*><li><p>bread<\/p><\/li>/)
    t.match(content, /<td><p>1<\/p><\/td>/)
    await clear()
    await paste(ana, 'text/plain', 'one * two\nthree_four')
    t.match(await ana.content(), 'one * two')
    t.same([...ana.complaints, ...ben.complaints], [])
  })

  await t.test('text from right to left is at the right', async (t) => {
    await clear()
    await ana.page.keyboard.type('שלום עולם')
    const isAtRight = await ana.text.locator('p').first().evaluate((element) => {
      const range = document.createRange()
      range.selectNodeContents(element)
      return Math.abs(range.getBoundingClientRect().right - element.getBoundingClientRect().right) < 2
    })
    t.ok(isAtRight)
    t.equal(await ana.title.getAttribute('dir'), 'auto')
  })

  await t.test('on paper there are pages, and no toolbar', async (t) => {
    await clear()
    const words = Array.from({ length: 20_000 }, (_, index) => `word${index}`)
    await paste(ana, 'text/html', Array.from({ length: 200 }, (_, index) => `<p>${words.slice(index * 100, index * 100 + 100).join(' ')}</p>`).join(''))
    await ana.reads('word19999')
    const pdf = (await ana.page.pdf({ format: 'A4' })).toString('latin1')
    const pages = pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0
    t.ok(pages > 20 && pages < 100, `${pages} pages`)
    await ana.page.emulateMedia({ media: 'print' })
    t.notOk(await ana.page.getByRole('toolbar').isVisible())
    t.notOk(await ana.page.getByRole('banner').isVisible())
    await ana.page.emulateMedia({ media: 'screen' })
    t.same(ana.complaints, [])
  })

  await t.test('on a phone, what is to be touched is 44 pixels high', async (t) => {
    const cleo = await Person.arrives(browser, 'Cleo Lindgren', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true })
    await cleo.newDocument(app.url)
    await cleo.write('- [ ] bread')
    const small = () => cleo.page.evaluate(() => [...document.querySelectorAll('button, select, a, input:not(.visually-hidden)')].flatMap((element) => {
      const target = element.closest('.choice label, li[data-checked]') ?? element
      const { width, height } = target.getBoundingClientRect()
      return width > 0 && (height < 44 || width < 44) ? [`${element.outerHTML.slice(0, 80)} ${width}×${height}`] : []
    }))
    t.same(await small(), [])
    await shoot(cleo, 'phone')
    await cleo.openShareDialog()
    await cleo.page.getByRole('button', { name: 'Delete document' }).waitFor()
    t.same(await small(), [])
    await shoot(cleo, 'phone-share')
    await cleo.closeDialog()
    await cleo.page.getByRole('link', { name: 'All documents' }).click()
    await cleo.page.getByRole('button', { name: 'New document' }).waitFor()
    t.same(await small(), [])
    await shoot(cleo, 'phone-home')
  })
})
