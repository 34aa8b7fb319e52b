/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// npm run screenshots: makes the pictures in docs/images/ with the built app and a real browser, so that they stay true.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { startApp } from '../test/browser/fixtures/app.ts'
import { launchWhole } from '../test/browser/fixtures/chromium.ts'
import { Person } from '../test/browser/fixtures/person.ts'

const images = new URL('../docs/images/', import.meta.url).pathname
const sharp: BrowserContextOptions = { deviceScaleFactor: 2, reducedMotion: 'reduce' }
const desktop: BrowserContextOptions = { ...sharp, viewport: { width: 1200, height: 760 } }
const phone: BrowserContextOptions = { ...sharp, viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true }

const ends: Array<() => Promise<void>> = []
try {
  await mkdir(images, { recursive: true })
  const { url } = await startApp({ teardown: (end) => { ends.push(end) } })
  const browser = await launchWhole()
  ends.push(() => browser.close())
  await twoWindows(browser, url)
  await oneWindow(browser, url, desktop)
  await commentsAndImages(browser, url)
  await home(browser, url)
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

/** A text with an image and comments, its versions, and its files. */
async function commentsAndImages (browser: Browser, url: string): Promise<void> {
  const ana = await Person.arrives(browser, 'Ana Meyer', desktop)
  const ben = await Person.arrives(browser, 'Ben Okafor', desktop)
  await ana.newDocument(url)
  await ana.title.fill('The house by the sea')
  await ana.write('The house has four beds, a garden and a view of the lighthouse.')
  await ana.press('Enter')
  await ana.page.locator('main input[type=file]').setInputFiles({ name: 'sea.png', mimeType: 'image/png', buffer: await drawn(browser) })
  await ana.page.locator('.image[data-state=shown] img').waitFor()
  await ana.page.locator('.editor-note button').click()
  await ben.open(await ana.invite('Can edit'))
  await ben.reads('four beds')
  await ben.select('four beds')
  await ben.press('Control+Alt+m')
  const [hers, his] = [ana, ben].map(({ page }) => page.getByRole('complementary', { name: 'Comments' }))
  if (hers === undefined || his === undefined) throw new Error('nobody is there')
  await his.getByLabel('Comment', { exact: true }).fill('We are five. Is there a sofa?')
  await his.getByRole('button', { name: 'Send' }).click()
  await ana.page.locator('.commented').click()
  await hers.getByText('Ben Okafor').waitFor()
  await hers.getByLabel('Answer').fill('There is, and I like to sleep there.')
  await hers.getByRole('button', { name: 'Send' }).click()
  await hers.getByText('Ana Meyer').waitFor()
  await shoot(ana, 'comments')
  await hers.getByRole('button', { name: 'Close the comments' }).click()
  await ana.page.getByRole('button', { name: 'Export' }).click()
  await ana.page.getByRole('dialog', { name: 'Export' }).waitFor()
  await shoot(ana, 'export')
  await ana.closeDialog()
  await ana.openShareDialog()
  await ana.page.getByText('Safety number').first().click()
  await ana.page.getByText(/^\d{5} \d{5}/).first().waitFor()
  await ana.page.getByText(/^\d{5} \d{5}/).first().scrollIntoViewIfNeeded()
  await shoot(ana, 'safety-number')
  await ana.closeDialog()
  await ana.page.getByText('All changes are saved.').waitFor()
  await ana.page.getByRole('button', { name: 'History' }).click()
  const versions = ana.page.getByRole('list', { name: 'Versions' }).getByRole('button')
  await versions.first().click()
  await ana.page.getByRole('button', { name: 'What changed' }).click()
  await ana.page.getByRole('article', { name: 'What changed' }).waitFor()
  await shoot(ana, 'history')
}

/** A picture to put in. */
async function drawn (browser: Browser): Promise<Buffer> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 420 } })
  const page = await context.newPage()
  await page.setContent(`<style>body { margin: 0 }</style><svg width="1200" height="420" xmlns="http://www.w3.org/2000/svg">
    <rect width="1200" height="420" fill="#cfe3ee"/><circle cx="930" cy="110" r="48" fill="#f7d98a"/>
    <path d="M0 260 Q300 236 600 260 T1200 260 V420 H0Z" fill="#4f8aa8"/><path d="M0 310 Q300 286 600 310 T1200 310 V420 H0Z" fill="#386f8d"/>
    <path d="M0 250 Q120 196 300 252 Z" fill="#6d8a5c"/><path d="M150 216 l12 -130 h26 l12 130z" fill="#fffaf0"/>
    <path d="M155 170 h40 l-4 -34 h-32z M160 118 h30 l-3 -26 h-24z" fill="#c1503c"/><path d="M160 86 h30 l-15 -26z" fill="#3f4b54"/></svg>`)
  const picture = await page.screenshot()
  await context.close()
  return picture
}

/** The list of documents, with folders, and what opens them elsewhere. */
async function home (browser: Browser, url: string): Promise<void> {
  const ana = await Person.arrives(browser, 'Ana Meyer', desktop)
  await ana.newDocument(url)
  for (const [index, title] of ['Summer by the sea', 'The house by the sea', 'Minutes of May', 'Recipes'].entries()) {
    if (index > 0) await ana.page.getByRole('button', { name: 'New document' }).click()
    await ana.isLive()
    await ana.title.fill(title)
    await ana.write(`About: ${title}`)
    await ana.page.getByText('All changes are saved.').waitFor()
    await ana.page.getByRole('link', { name: 'All documents' }).click()
  }
  for (const title of ['Summer by the sea', 'The house by the sea']) {
    await ana.page.getByRole('button', { name: `Folder of ${title}` }).click()
    const dialog = ana.page.getByRole('dialog')
    await dialog.getByLabel('Folder').fill('Holidays')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  await ana.page.getByRole('heading', { name: 'On this device' }).scrollIntoViewIfNeeded()
  await shoot(ana, 'documents')
  await ana.page.getByLabel('Language').selectOption('Deutsch')
  await ana.page.getByRole('heading', { name: 'Auf diesem Gerät' }).scrollIntoViewIfNeeded()
  await shoot(ana, 'german')
  await ana.page.getByLabel('Sprache').selectOption('English')
  await ana.page.getByRole('button', { name: 'Add a device' }).click()
  await ana.page.getByRole('img', { name: 'QR code of the link' }).waitFor()
  await shoot(ana, 'device')
  await ana.closeDialog()
  await ana.page.getByRole('button', { name: 'Save a recovery file' }).click()
  await ana.page.getByLabel('Code of the recovery file').waitFor()
  await shoot(ana, 'recovery')
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
