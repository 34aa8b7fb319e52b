/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// npm run measure:typing: how long a key takes to its glyph in big documents, with the built app in a real browser.
import { startApp } from '../test/browser/fixtures/app.ts'
import { launchWhole } from '../test/browser/fixtures/chromium.ts'
import { Person } from '../test/browser/fixtures/person.ts'

const words = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `word${(from + index) % 9973}`).join(' ')
const documents = {
  'a short document': () => `<p>${words(50)}</p>`,
  '1 MB in 1,250 paragraphs': () => Array.from({ length: 1250 }, (_, index) => `<p>${words(90, index * 90)}</p>`).join(''),
  '20,000 words in one code block': () => `<pre>${words(20_000)}</pre><p>after</p>`
}
const keys = 60

const ends: Array<() => Promise<void>> = []
try {
  const { url } = await startApp({ teardown: (end) => { ends.push(end) } })
  const browser = await launchWhole()
  ends.push(() => browser.close())
  for (const [name, html] of Object.entries(documents)) {
    const ana = await Person.arrives(browser, 'Ana Meyer', { serviceWorkers: 'block' })
    await ana.newDocument(url)
    await ana.text.focus()
    await ana.paste('text/html', html())
    await ana.page.getByText('All changes are saved.').waitFor({ timeout: 120_000 })
    await ana.text.locator(':scope > *').first().click({ position: { x: 40, y: 10 } })
    await ana.page.evaluate(() => {
      const times: number[] = []
      const frames: number[] = []
      Object.assign(window, { times, frames })
      // To the task after the frame that shows it.
      addEventListener('keydown', () => {
        const pressed = performance.now()
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel()
          port1.onmessage = () => times.push(performance.now() - pressed)
          port2.postMessage(undefined)
        })
      }, true)
      new PerformanceObserver((list) => frames.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })
    })
    const { length } = await ana.text.innerText()
    const metrics = await ana.context.newCDPSession(ana.page)
    await metrics.send('Performance.enable', { timeDomain: 'threadTicks' })
    const durations = async () => (await metrics.send('Performance.getMetrics')).metrics.filter(({ name }) => name.endsWith('Duration'))
    const before = await durations()
    for (let key = 0; key < keys; key++) await ana.page.keyboard.type('x', { delay: 60 })
    await ana.page.waitForFunction((keys) => (window as unknown as { times: number[] }).times.length >= keys, keys)
    const { times, frames } = await ana.page.evaluate(() => {
      const { times, frames } = window as unknown as { times: number[], frames: number[] }
      return { times, frames }
    })
    const sorted = times.sort((a, b) => a - b)
    const quantile = (part: number) => sorted[Math.floor(part * (sorted.length - 1))]?.toFixed(1)
    console.log(`${name} (${length} characters): key to glyph p50 ${quantile(0.5)} ms, p95 ${quantile(0.95)} ms, most ${quantile(1)} ms; ` +
      `${frames.length} tasks over 50 ms, the longest ${Math.max(0, ...frames)} ms`)
    const after = await durations()
    console.log('  ms of processor time per key: ' + after.map(({ name, value }, index) => `${name.replace('Duration', '')} ${((value - (before[index]?.value ?? 0)) * 1000 / keys).toFixed(1)}`).join(', '))
    await ana.context.close()
  }
} finally {
  for (const end of ends.reverse()) await end()
}
