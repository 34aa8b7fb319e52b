/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// npm run measure:page: what the page of a document weighs, and how long a key takes from one window to another, with the built app in a real browser.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { startApp } from '../test/browser/fixtures/app.ts'
import { launch } from '../test/browser/fixtures/chromium.ts'
import { Person } from '../test/browser/fixtures/person.ts'

const built = new URL('../example-app/dist/web/', import.meta.url).pathname
const keys = 300
/** Milliseconds between two keys: somebody types fast. */
const pause = 50

const ends: Array<() => Promise<void>> = []
try {
  const { url } = await startApp({ teardown: (end) => { ends.push(end) } })
  const browser = await launch()
  ends.push(() => browser.close())
  const ana = await Person.arrives(browser, 'Ana Meyer', { serviceWorkers: 'block' })
  const ben = await Person.arrives(browser, 'Ben Okafor', { serviceWorkers: 'block' })
  await ana.newDocument(url)
  await ana.write('Begin. ')
  const files = new Set<string>()
  ben.page.on('request', (request) => files.add(new URL(request.url()).pathname))
  await ben.open(await ana.invite('Can edit'))
  await ben.reads('Begin.')
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

  // One clock: performance.now() of each page, from its own beginning in the time of the machine.
  await ben.text.evaluate((element) => {
    const seen: Record<string, number> = {}
    Object.assign(window, { seen })
    new MutationObserver(() => {
      const length = element.textContent.replaceAll(/[^§]/g, '').length
      seen[length] ??= performance.timeOrigin + performance.now()
    }).observe(element, { subtree: true, childList: true, characterData: true })
  })
  await ana.moveTo('end')
  await ana.page.evaluate(() => {
    const pressed: number[] = []
    Object.assign(window, { pressed })
    addEventListener('beforeinput', () => pressed.push(performance.timeOrigin + performance.now()), true)
  })
  for (let count = 0; count < keys; count++) await ana.page.keyboard.type('§', { delay: pause })
  await ben.page.waitForFunction((keys) => (window as unknown as { seen: Record<string, number> }).seen[keys] !== undefined, keys)
  const pressed = await ana.page.evaluate(() => (window as unknown as { pressed: number[] }).pressed)
  const seen = await ben.page.evaluate(() => (window as unknown as { seen: Record<string, number> }).seen)
  // A key that came together with later ones was seen with these.
  const times = pressed.flatMap((at, index) => {
    const first = Object.keys(seen).map(Number).filter((count) => count > index).sort((a, b) => a - b)[0]
    return first === undefined ? [] : [(seen[first] ?? Infinity) - at]
  }).sort((a, b) => a - b)
  const quantile = (part: number) => times[Math.floor(part * (times.length - 1))]?.toFixed(1)
  console.log(`key to the other window, ${times.length} keys: p50 ${quantile(0.5)} ms, p95 ${quantile(0.95)} ms, most ${quantile(1)} ms`)
} finally {
  for (const end of ends.reverse()) await end()
}
