import axe from 'axe-core'
import { test, type Test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { Person } from './fixtures/person.ts'

test('accessibility', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  async function isAccessible (t: Test, { page }: Person, where: string): Promise<void> {
    await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))))
    await page.evaluate(axe.source)
    const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    t.same(serious.map(({ id, nodes }) => [id, ...nodes.map(({ target }) => target)]), [], where)
  }

  for (const [look, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['on a phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }]
  ] as const) {
    await t.test(`axe finds no serious fault: ${look}`, async (t) => {
      // axe is put into the page, which the Content-Security-Policy would not let anybody else do.
      const ana = await Person.arrives(browser, 'Ana Meyer', { ...options, bypassCSP: true, reducedMotion: 'reduce' })
      await ana.page.goto(app.url)
      await isAccessible(t, ana, 'the first page')
      await ana.newDocument(app.url)
      await ana.title.fill('Trip to the sea')
      await ana.write('# Plan')
      await ana.press('Enter')
      await ana.write('- bread')
      await isAccessible(t, ana, 'a document')
      await ana.page.getByRole('button', { name: 'Export' }).click()
      await ana.page.getByRole('dialog', { name: 'Export' }).waitFor()
      await isAccessible(t, ana, 'export')
      await ana.closeDialog()
      await ana.text.focus()
      await ana.press('Control+k')
      await ana.page.getByRole('dialog', { name: 'Link' }).waitFor()
      await isAccessible(t, ana, 'a link')
      await ana.closeDialog()
      await ana.text.focus()
      await ana.press('Control+a', 'Control+Alt+m')
      const comments = ana.page.getByRole('complementary', { name: 'Comments' })
      await comments.getByLabel('Comment', { exact: true }).fill('And cheese?')
      await isAccessible(t, ana, 'a new comment')
      await ana.press('Control+Enter')
      await comments.getByText('And cheese?').waitFor()
      await isAccessible(t, ana, 'comments')
      await ana.shoot(`comments ${look}`)
      await comments.getByRole('button', { name: 'Close the comments' }).click()
      await ana.page.getByRole('button', { name: 'History' }).click()
      const versions = ana.page.getByRole('list', { name: 'Versions' }).getByRole('button')
      await versions.first().click()
      await ana.page.getByRole('button', { name: 'What changed' }).click()
      await ana.page.getByRole('article', { name: 'What changed' }).waitFor()
      await isAccessible(t, ana, 'the history')
      await ana.closeDialog()
      await ana.page.getByRole('button', { name: 'What the server sees' }).click()
      await ana.page.getByText('The chain of snapshots').waitFor()
      await isAccessible(t, ana, 'what the server sees')
      await ana.openShareDialog()
      const link = await (async () => {
        await ana.page.getByRole('button', { name: 'Copy invitation link' }).click()
        return await ana.page.getByLabel('Invitation link').inputValue()
      })()
      await isAccessible(t, ana, 'sharing')
      await ana.closeDialog()

      const ben = await Person.arrives(browser, 'Ben Okafor', { ...options, bypassCSP: true, reducedMotion: 'reduce' })
      await ben.page.goto(link)
      await ben.page.getByLabel('Your name').waitFor()
      await isAccessible(t, ben, 'an invitation')
      await ben.open(link)
      await ben.reads('bread')
      await ana.remove('Ben Okafor')
      await ben.page.getByText('Your access was taken back.').waitFor()
      await isAccessible(t, ben, 'no access')
    })
  }

  await t.test('nothing needs a mouse', async (t) => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    const focused = () => ana.page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent)
    await ana.page.goto(app.url)
    await ana.page.getByLabel('Your name').focus()
    await ana.press('Enter')
    await ana.isLive()
    await ana.title.focus()
    await ana.page.keyboard.type('By hand')
    await ana.press('Enter')
    t.equal(await focused(), 'Text')
    await ana.page.keyboard.type('Bold')
    await ana.press('Control+a', 'Control+b')
    t.match(await ana.content(), '<strong>Bold</strong>')
    await ana.press('Shift+Tab', 'Shift+Tab')
    t.equal(await focused(), 'Undo', 'the toolbar is one stop')
    await ana.press('ArrowRight', 'ArrowRight')
    t.equal(await focused(), 'Heading')
    await ana.press('Enter')
    t.match(await ana.content(), '<h1>')
    await ana.page.getByRole('button', { name: 'Share', exact: true }).focus()
    await ana.press('Enter')
    await ana.page.getByRole('dialog', { name: 'Share this document' }).waitFor()
    await ana.closeDialog()
    t.equal(await focused(), 'Share', 'the focus is back where it was')
    t.same(ana.complaints, [])
  })
})
