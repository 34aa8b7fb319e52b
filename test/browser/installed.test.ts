import type { CDPSession } from 'playwright-core'
import { test } from 'tap'
import { png } from '../fixtures/images.ts'
import { startApp } from './fixtures/app.ts'
import { launchWhole, noBrowser } from './fixtures/chromium.ts'
import { Person } from './fixtures/person.ts'

test('an installed app', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launchWhole()
  t.teardown(() => browser.close())
  const ana = await Person.arrives(browser, 'Ana Meyer')
  const ben = await Person.arrives(browser, 'Ben Okafor')
  await ana.newDocument(app.url)
  await ana.write('Before. ')

  await t.test('the browser offers to install it', async (t) => {
    await ana.page.evaluate(async () => { await navigator.serviceWorker.ready })
    const devtools = await ana.context.newCDPSession(ana.page)
    const { errors } = await devtools.send('Page.getAppManifest')
    t.same(errors, [])
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
    // Contexts of tests are such windows.
    t.same(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'), [])
    const icons = await ana.page.evaluate(async () => {
      const { icons } = await (await fetch('/manifest.webmanifest')).json() as { icons: Array<{ src: string, sizes: string }> }
      return await Promise.all(icons.map(async ({ src, sizes }) => {
        const image = await createImageBitmap(await (await fetch(src)).blob()).catch(() => undefined)
        return [sizes, image === undefined ? 'any' : `${image.width}x${image.height}`]
      }))
    })
    for (const [said, is] of icons) t.equal(is, said)
  })

  await t.test('what was written without a server is sent when no page is open any more', async (t) => {
    await ben.open(await ana.invite('Can edit'))
    await ben.reads('Before.')
    await ben.page.getByText('All changes are saved.').waitFor()
    await ben.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.register('/background.js', { scope: '/background/', type: 'module' })
      const worker = registration.installing ?? registration.waiting ?? registration.active
      while (worker?.state !== 'activated') await new Promise((resolve) => worker?.addEventListener('statechange', resolve, { once: true }))
    })
    await app.stop()
    await ben.page.locator('.status.offline').waitFor()
    await ben.moveTo('end')
    await ben.page.keyboard.type('While it was down.')
    await ben.page.getByText('Offline · 18 unsent').waitFor()
    await ben.page.locator('main input[type=file]').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: png(30, 20) })
    await ben.page.getByText('It is kept on this device, and sent when there is a connection.').waitFor()
    await ben.page.getByText('Offline · 19 unsent').waitFor()
    const tags = await ben.page.evaluate(async () => {
      const { sync } = await navigator.serviceWorker.getRegistration('/background/') as unknown as { sync: { getTags (): Promise<string[]> } }
      return await sync.getTags()
    })
    t.same(tags, ['unsent'], 'the browser is asked to do it')
    const empty = await ben.context.newPage()
    await ben.page.close()
    await app.start()
    await ana.isLive()
    const devtools = await ben.context.newCDPSession(empty)
    const registrationId = await backgroundOf(devtools)
    await devtools.send('ServiceWorker.dispatchSyncEvent', { origin: app.url, registrationId, tag: 'unsent', lastChance: false })
    await ana.reads('While it was down.')
    await ana.page.locator('.image[data-state=shown]').waitFor()
    // It is not sent again, and the list knows.
    const back = await ben.context.newPage()
    await back.goto(app.url)
    await back.getByRole('link', { name: 'Untitled' }).waitFor()
    await back.getByText('Not sent yet').first().waitFor({ state: 'detached' })
    t.equal(await ana.text.getByText('While it was down.').count(), 1)
    t.same([...ana.complaints, ...ben.complaints], [])
  })
})

/** The registration of the worker that sends in the background. */
async function backgroundOf (devtools: CDPSession): Promise<string> {
  const found = new Promise<string>((resolve) => {
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const background = registrations.find(({ scopeURL }) => scopeURL.endsWith('/background/'))
      if (background !== undefined) resolve(background.registrationId)
    })
  })
  await devtools.send('ServiceWorker.enable')
  return await found
}
