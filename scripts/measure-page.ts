/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// npm run measure:page: what the page of a document weighs, and how long a key takes from one window to another, with the built app in a real browser.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { startApp } from '../test/browser/fixtures/app.ts'
import { launchWhole } from '../test/browser/fixtures/chromium.ts'
import { Person } from '../test/browser/fixtures/person.ts'

const built = new URL('../example-app/dist/web/', import.meta.url).pathname
const keys = 100
/** Milliseconds between two keys: somebody types fast. */
const pause = 50
const paragraph = `<p>${Array.from({ length: 120 }, (_, index) => `word${index}`).join(' ')}</p>`
const sizes = { '10 kB': 12, '1 MB': 1200 }

const ends: Array<() => Promise<void>> = []
try {
  const { url } = await startApp({ teardown: (end) => { ends.push(end) } })
  const browser = await launchWhole()
  ends.push(() => browser.close())
  await weigh(browser, url)
  for (const [size, paragraphs] of Object.entries(sizes)) {
    for (const people of [2, 10]) {
      const times = await measure(browser, url, paragraphs, people)
      const quantile = (part: number) => times[Math.floor(part * (times.length - 1))]?.toFixed(1)
      console.log(`key to the other window, ${people} people, ${size}, ${times.length} keys: p50 ${quantile(0.5)} ms, p95 ${quantile(0.95)} ms, most ${quantile(1)} ms`)
    }
  }
} finally {
  for (const end of ends.reverse()) await end()
}

async function weigh (browser: Browser, url: string): Promise<void> {
  const ana = await Person.arrives(browser, 'Ana Meyer', { serviceWorkers: 'block' })
  const ben = await Person.arrives(browser, 'Ben Okafor', { serviceWorkers: 'block' })
  await ana.newDocument(url)
  const files = new Set<string>()
  ben.page.on('request', (request) => files.add(new URL(request.url()).pathname))
  await ben.open(await ana.invite('Can edit'))
  await ben.isLive()
  let total = 0
  for (const path of files) {
    const name = path === '/' ? 'index.html' : path.slice(1)
    if (!/\.(js|css|html)$/.test(name)) continue
    const { size } = await stat(join(built, `${name}.gz`)).catch(() => stat(join(built, name)))
    console.log(`${String(size).padStart(8)}  ${name}`)
    total += size
  }
  console.log(`${String(total).padStart(8)}  bytes (gzip) for the page of a document, without fonts`)
  for (const { context } of [ana, ben]) await context.close()
}

/** Milliseconds of each key from the first of some people to the second, sorted. All of them have the document open. */
async function measure (browser: Browser, url: string, paragraphs: number, people: number): Promise<number[]> {
  const ana = await Person.arrives(browser, 'Ana Meyer', { serviceWorkers: 'block' })
  await ana.newDocument(url)
  await ana.text.focus()
  await ana.paste('text/html', paragraph.repeat(paragraphs))
  await ana.page.getByText('All changes are saved.').waitFor({ timeout: 120_000 })
  const link = await ana.invite('Can edit')
  const others: Person[] = []
  while (others.length < people - 1) {
    const other = await Person.arrives(browser, `Person ${others.length}`, { serviceWorkers: 'block' })
    await other.open(link)
    await other.page.locator('.status.live').waitFor({ timeout: 120_000 })
    others.push(other)
  }
  const [ben] = others
  if (ben === undefined) throw new Error('nobody is there')

  // One clock: performance.now() of each page, from its own beginning in the time of the machine. Only the block that is typed in is looked at.
  await ben.text.evaluate((element) => {
    const seen: Record<string, number> = {}
    Object.assign(window, { seen })
    new MutationObserver(() => {
      const length = (element.firstElementChild?.textContent ?? '').replaceAll(/[^§]/g, '').length
      seen[length] ??= performance.timeOrigin + performance.now()
    }).observe(element, { subtree: true, childList: true, characterData: true })
  })
  await ana.text.locator(':scope > *').first().click({ position: { x: 40, y: 10 } })
  await ana.page.evaluate(() => {
    const pressed: number[] = []
    Object.assign(window, { pressed })
    addEventListener('beforeinput', () => pressed.push(performance.timeOrigin + performance.now()), true)
  })
  for (let count = 0; count < keys; count++) await ana.page.keyboard.type('§', { delay: pause })
  await ben.page.waitForFunction((keys) => (window as unknown as { seen: Record<string, number> }).seen[keys] !== undefined, keys)
  const pressed = await ana.page.evaluate(() => (window as unknown as { pressed: number[] }).pressed)
  const seen = await ben.page.evaluate(() => (window as unknown as { seen: Record<string, number> }).seen)
  for (const { context } of [ana, ...others]) await context.close()
  // A key that came together with later ones was seen with these.
  return pressed.flatMap((at, index) => {
    const first = Object.keys(seen).map(Number).filter((count) => count > index).sort((a, b) => a - b)[0]
    return first === undefined ? [] : [(seen[first] ?? Infinity) - at]
  }).sort((a, b) => a - b)
}
