/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// npm run screenshots: makes the pictures in docs/images/ with the built app and a real browser, so that they stay true.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { startApp } from '../test/browser/fixtures/app.ts'
import { launch } from '../test/browser/fixtures/chromium.ts'
import { Person } from '../test/browser/fixtures/person.ts'

const images = new URL('../docs/images/', import.meta.url).pathname
const sharp: BrowserContextOptions = { deviceScaleFactor: 2, reducedMotion: 'reduce' }
const desktop: BrowserContextOptions = { ...sharp, viewport: { width: 1200, height: 760 } }
const phone: BrowserContextOptions = { ...sharp, viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true }

const ends: Array<() => Promise<void>> = []
try {
  await mkdir(images, { recursive: true })
  const { url } = await startApp({ teardown: (end) => { ends.push(end) } })
  const browser = await launch()
  ends.push(() => browser.close())
  await twoWindows(browser, url)
  await oneWindow(browser, url, desktop)
  await serverView(browser, url, { ...desktop, colorScheme: 'dark' }, 'server-view-dark')
  await serverView(browser, url, phone, 'server-view-phone')
} finally {
  for (const end of ends.reverse()) await end()
}

async function shoot ({ page }: Person, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready)
  await page.screenshot({ path: join(images, `${name}.png`) })
}

/** The picture that opens the README. */
async function twoWindows (browser: Browser, url: string): Promise<void> {
  const ana = await Person.arrives(browser, 'Ana Meyer', { ...sharp, viewport: { width: 980, height: 660 } })
  const ben = await Person.arrives(browser, 'Ben Okafor', { ...sharp, viewport: { width: 440, height: 660 } })
  await writeTogether(ana, ben, url)
  await showServer(ana, ben)
  await ana.text.getByText('What we bring').click()
  await ben.cursorOf('Ana Meyer').waitFor()
  const shots = await Promise.all([ben, ana].map(async ({ page }) => (await page.screenshot()).toString('base64')))
  const context = await browser.newContext({ ...sharp, viewport: { width: 1520, height: 770 } })
  const page = await context.newPage()
  await page.setContent(`
    <style>
      body { display: flex; justify-content: center; align-items: center; gap: 24px; height: 100vh; margin: 0; background: linear-gradient(135deg, #dfe9e4, #dde5ee); }
      figure { margin: 0; overflow: hidden; border-radius: 12px; box-shadow: 0 24px 60px rgb(30 40 50 / 24%), 0 0 0 1px rgb(30 40 50 / 10%); }
      header { display: flex; gap: 7px; align-items: center; height: 34px; padding: 0 14px; background: #f3f1ec; border-bottom: 1px solid #e0dcd2; }
      i { width: 11px; height: 11px; border-radius: 50%; background: #d3cdc0; }
      img { display: block; height: 660px; }
    </style>
    ${shots.map((shot) => `<figure><header><i></i><i></i><i></i></header><img src="data:image/png;base64,${shot}"></figure>`).join('')}`)
  await page.screenshot({ path: join(images, 'two-windows.png') })
}

async function oneWindow (browser: Browser, url: string, options: BrowserContextOptions): Promise<void> {
  const ana = await Person.arrives(browser, 'Ana Meyer', options)
  const ben = await Person.arrives(browser, 'Ben Okafor', options)
  await ana.page.goto(url)
  await shoot(ana, 'home')
  await writeTogether(ana, ben, url)
  await shoot(ana, 'document')
  await showServer(ana, ben)
  await shoot(ana, 'server-view')
  await ana.page.getByRole('button', { name: 'Close what the server sees' }).click()
  await ana.openShareDialog()
  await ana.page.getByRole('button', { name: 'Copy invitation link' }).click()
  await ana.page.getByLabel('Invitation link').waitFor()
  await shoot(ana, 'sharing')
  await ana.closeDialog()
  await ana.remove('Ben Okafor')
  await ben.page.getByText('Your access was taken back.').waitFor()
  await shoot(ben, 'no-access')
}

async function serverView (browser: Browser, url: string, options: BrowserContextOptions, name: string): Promise<void> {
  const ana = await Person.arrives(browser, 'Ana Meyer', options)
  const ben = await Person.arrives(browser, 'Ben Okafor', options)
  await writeTogether(ana, ben, url)
  await showServer(ana, ben)
  await shoot(ana, name)
}

async function writeTogether (ana: Person, ben: Person, url: string): Promise<void> {
  await ana.newDocument(url)
  await ana.title.fill('Summer by the sea')
  await ana.write('We leave on Friday at seven and drive along the coast. The house has four beds, a garden and a view of the lighthouse.')
  await ana.press('Enter')
  await ana.write('## What we bring')
  await ana.press('Enter')
  await ana.write('- The large tent')
  for (const line of ['Two lamps', 'Bread, cheese, apples']) {
    await ana.press('Enter')
    await ana.write(line)
  }
  await ben.open(await ana.invite('Can edit'))
  await ben.reads('Bread, cheese')
  await ben.text.getByText('Two lamps').click()
  await ben.press('End')
  await ben.page.keyboard.type(', and my guitar')
  await ana.reads('and my guitar')
  await ana.cursorOf('Ben Okafor').waitFor()
  await ana.text.getByText('What we bring').click()
  await ana.press('End')
  await ben.cursorOf('Ana Meyer').waitFor()
}

async function showServer ({ page }: Person, other: Person): Promise<void> {
  await page.getByRole('button', { name: 'What the server sees' }).click()
  await page.locator('.block').first().waitFor()
  // Seen arriving, and in the picture even if a snapshot has just taken in all updates before it.
  await other.page.keyboard.type(', in tune')
  await page.locator('.bead').first().waitFor()
  await page.locator('.readable').getByText('in tune').waitFor()
}
