import type { BrowserContext, Page } from 'playwright-core'
import { test, type Test } from 'tap'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { ClientSite } from './fixtures/client-site.ts'

test('the client in a browser loses nothing', { skip: noBrowser }, async (t) => {
  const site = await ClientSite.start(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  const scene = (name: string, run: (t: Test, context: BrowserContext) => Promise<void>) => t.test(name, async (t) => {
    const context = await browser.newContext()
    t.teardown(() => context.close())
    await run(t, context)
  })

  await scene('a reload right after the last key', async (t, context) => {
    const document = site.newDocument()
    const tab = await document.open(context)
    let text = ''
    for (let time = 0; time < 8; time++) {
      const sentence = `Typed before reload ${time}. `
      await tab.type(sentence)
      text += sentence
      await tab.page.reload()
      await tab.reads(text)
    }
    await tab.is(/live.*pending: 0, storage: device/)
    t.equal(await document.atServer(text), text)
    t.notOk((await tab.stored()).includes('Typed'), 'what is on the device is encrypted')
  })

  await scene('a page that is closed offline, and opened again online', async (t, context) => {
    const document = site.newDocument()
    const tab = await document.open(context)
    await tab.type('Online. ')
    await tab.is(/live.*pending: 0/)
    await context.setOffline(true)
    await tab.is('offline')
    await tab.type('Offline. ')
    await tab.close()
    await context.setOffline(false)
    const next = await document.open(context)
    await next.reads('Online. Offline. ')
    t.equal(await document.atServer('Online. Offline. '), 'Online. Offline. ')
  })

  await scene('a page that crashes offline, and opens again without the server', async (t, context) => {
    const document = site.newDocument()
    const tab = await document.open(context)
    await tab.type('Online. ')
    await tab.is(/live.*pending: 0/)
    await context.setOffline(true)
    await tab.is('offline')
    await tab.type('Offline. ')
    await tab.isKept()
    const crashed = tab.page.waitForEvent('crash')
    void tab.page.goto('chrome://crash').catch(() => {})
    await crashed
    await tab.page.close()
    await context.setOffline(false)
    let isDown = true
    await context.routeWebSocket(/documents/, async (socket) => {
      if (isDown) await socket.close()
      else socket.connectToServer()
    })
    const next = await document.open(context)
    await next.reads('Online. Offline. ')
    await next.is(/loaded: device, pending: [1-9]/)
    isDown = false
    t.equal(await document.atServer('Online. Offline. '), 'Online. Offline. ')
  })

  await scene('two tabs at once, online and offline, both closed', async (t, context) => {
    const document = site.newDocument()
    const [one, other] = [await document.open(context), await document.open(context)]
    await Promise.all([one.type('a'.repeat(60)), other.type('b'.repeat(60))])
    await one.reads('b')
    await context.setOffline(true)
    await Promise.all([one.is('offline'), other.is('offline')])
    await one.type('c'.repeat(40))
    await other.type('d'.repeat(40))
    await one.close()
    await other.close()
    await context.setOffline(false)
    const next = await document.open(context)
    await next.is(/live.*pending: 0/)
    const text = await document.atServer((text) => text.length >= 200)
    for (const [letter, count] of [['a', 60], ['b', 60], ['c', 40], ['d', 40]] as const) t.equal(text.split(letter).length - 1, count, letter)
    await next.reads(text)
  })

  await scene('a tab that is closed while another has the document', async (t, context) => {
    const document = site.newDocument()
    const one = await document.open(context)
    await one.type('One. ')
    await one.is(/live.*pending: 0/)
    const other = await document.open(context)
    await other.reads('One. ')
    await context.setOffline(true)
    await Promise.all([one.is('offline'), other.is('offline')])
    await one.type('Offline. ')
    await one.close()
    await context.setOffline(false)
    await other.reads('Offline. ')
    t.equal(await document.atServer('One. Offline. '), 'One. Offline. ')
  })

  const ways = {
    'deleted by another page': async (other: Page) => {
      await other.evaluate(() => new Promise<void>((resolve, reject) => {
        const request = indexedDB.deleteDatabase('fastify-secsync')
        request.onsuccess = () => resolve()
        request.onblocked = () => reject(new Error('The page holds on to its database'))
      }))
    },
    'deleted by the browser': async (other: Page) => {
      const session = await other.context().newCDPSession(other)
      await session.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'indexeddb' })
    }
  }
  for (const [way, remove] of Object.entries(ways)) {
    await scene(`a database that is ${way} under a page that is offline`, async (t, context) => {
      const document = site.newDocument()
      const tab = await document.open(context)
      const other = await context.newPage()
      await other.goto(site.emptyPage)
      await tab.type('Online. ')
      await tab.is(/live.*pending: 0/)
      await context.setOffline(true)
      await tab.is('offline')
      await tab.type('Before. ')
      await tab.isKept()
      await remove(other)
      await tab.isKept()
      await tab.type('After. ')
      await tab.is('storage: device')
      await tab.close()
      await context.setOffline(false)
      const next = await document.open(context)
      await next.reads('Online. Before. After. ')
      t.equal(await document.atServer('Online. Before. After. '), 'Online. Before. After. ')
    })
  }

  await scene('a full disk', async (t, context) => {
    await context.addInitScript(() => {
      const { put } = IDBObjectStore.prototype
      IDBObjectStore.prototype.put = function (...args) {
        if ('isFull' in globalThis && globalThis.isFull === true) throw new DOMException('The disk is full', 'QuotaExceededError')
        return put.apply(this, args)
      }
    })
    const document = site.newDocument()
    const tab = await document.open(context)
    await tab.type('Before. ')
    await tab.is(/live.*pending: 0, storage: device/)
    const fill = (isFull: boolean) => tab.page.evaluate((isFull) => { Object.assign(globalThis, { isFull }) }, isFull)
    await fill(true)
    await tab.type('Full. ')
    await tab.is(/live.*pending: 0, storage: failed/)
    t.equal(await document.atServer('Before. Full. '), 'Before. Full. ')
    await fill(false)
    await tab.is('storage: device')
  })

  await scene('no database at all', async (t, context) => {
    await context.addInitScript(() => Object.defineProperty(globalThis, 'indexedDB', { get () { throw new DOMException('Not here', 'SecurityError') } }))
    const document = site.newDocument()
    const tab = await document.open(context)
    await tab.type('In memory. ')
    await tab.is(/live.*pending: 0, storage: failed/)
    t.equal(await document.atServer('In memory. '), 'In memory. ')
  })

  await scene('a frozen tab that wakes up when its connection is dead', async (t, context) => {
    const document = site.newDocument()
    const tab = await document.open(context)
    await tab.type('Before. ')
    await tab.is(/live.*pending: 0/)
    const session = await context.newCDPSession(tab.page)
    await tab.type('In flight. ')
    await session.send('Page.setWebLifecycleState', { state: 'frozen' })
    site.cut()
    const other = await document.open(context)
    await other.type('Meanwhile. ')
    await other.is(/live.*pending: 0/)
    await session.send('Page.setWebLifecycleState', { state: 'active' })
    await tab.page.bringToFront()
    await tab.reads('Meanwhile. ')
    await tab.is(/live.*pending: 0/)
    await tab.type('After. ')
    await other.reads('After. ')
    const text = await tab.text()
    for (const part of ['Before. ', 'In flight. ', 'Meanwhile. ', 'After. ']) t.ok(text.includes(part), part)
    t.equal(await document.atServer(text), text)
  })
})
