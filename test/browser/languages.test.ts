import { test } from 'tap'
import { isAccessible } from './fixtures/accessible.ts'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { Person } from './fixtures/person.ts'

test('languages', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  await t.test('a German browser gets German pages, and English ones on request', async (t) => {
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
    const ana = await Person.arrives(browser, 'Ana Meyer', { ...phone, locale: 'de-DE', bypassCSP: true, reducedMotion: 'reduce' })
    const { page } = ana
    const isNarrow = async (where: string) => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      t.ok(width <= 390, `${where} is ${width} pixels wide`)
      await ana.shoot(`de-${where}`)
    }
    await page.goto(app.url)
    await page.getByRole('heading', { name: 'Gemeinsam schreiben.' }).waitFor()
    t.equal(await page.locator('html').getAttribute('lang'), 'de')
    await isNarrow('home')
    await isAccessible(t, ana, 'home')

    await page.getByLabel('Ihr Name, wie andere ihn sehen').fill('Ana Meyer')
    await page.getByRole('button', { name: 'Neues Dokument' }).click()
    await ana.isLive()
    await page.getByLabel('Titel', { exact: true }).fill('Reise ans Meer')
    await ana.write('Brot und Käse')
    await page.getByText('Alle Änderungen sind gespeichert.').waitFor({ state: 'attached' })
    t.equal(await page.title(), 'Reise ans Meer · Sealed Notes')
    await isNarrow('document')
    await page.getByRole('button', { name: 'Teilen' }).click()
    await page.getByRole('dialog', { name: 'Dieses Dokument teilen' }).waitFor()
    await page.getByRole('button', { name: 'Einladungslink kopieren' }).click()
    t.match(await page.getByLabel('Einladungslink', { exact: true }).inputValue(), '#/join/')
    await page.getByText('Darf schreiben').first().waitFor()
    await isNarrow('sharing')
    await ana.closeDialog()

    await page.getByRole('link', { name: 'Alle Dokumente' }).click()
    await page.getByText('gerade eben').waitFor()
    await isNarrow('list')
    await page.getByLabel('Sprache').selectOption('English')
    await page.getByRole('heading', { name: 'Write together.' }).waitFor()
    t.equal(await page.locator('html').getAttribute('lang'), 'en')
    await page.reload()
    await page.getByRole('heading', { name: 'Write together.' }).waitFor()
    await page.getByLabel('Language').selectOption('Deutsch')
    await page.getByRole('heading', { name: 'Gemeinsam schreiben.' }).waitFor()
    t.same(ana.complaints, [])
  })

  await t.test('an English page loads no German, and works where nothing can be kept in localStorage', async (t) => {
    const ana = await Person.arrives(browser, 'Ana Meyer', { serviceWorkers: 'block' })
    const files: string[] = []
    ana.page.on('request', (request) => files.push(request.url()))
    await ana.page.addInitScript(() => {
      Object.defineProperty(window, 'localStorage', { get () { throw new DOMException('no', 'SecurityError') } })
    })
    await ana.page.goto(app.url)
    await ana.page.getByRole('heading', { name: 'Write together.' }).waitFor()
    t.same(files.filter((file) => /\/de-/.test(file)), [])
    await ana.page.getByLabel('Language').selectOption('Deutsch')
    await ana.page.getByRole('heading', { name: 'Gemeinsam schreiben.' }).waitFor()
    t.equal(files.filter((file) => /\/de-/.test(file)).length, 1)
    t.same(ana.complaints, [])
  })
})
