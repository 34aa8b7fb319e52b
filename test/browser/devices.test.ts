// Another device of a person: a link as a QR code, taken once.
import axe from 'axe-core'
import { test, type Test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { firefoxContext, launchFirefox, noFirefox } from './fixtures/firefox.ts'
import { Person } from './fixtures/person.ts'

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const

async function isAccessible (t: Test, { page }: Person, where: string): Promise<void> {
  await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))))
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  t.same(serious.map(({ id, nodes }) => [id, ...nodes.map(({ target }) => target)]), [], where)
}

/** Opens the dialog, and gives its link. */
async function linkOf ({ page }: Person): Promise<string> {
  await page.getByRole('button', { name: 'Add a device' }).click()
  return await page.getByLabel('Link for the other device').inputValue()
}

/** The dark squares of the QR code. */
async function squaresOf ({ page }: Person): Promise<number> {
  const path = await page.getByRole('img', { name: 'QR code of the link' }).locator('path').getAttribute('d')
  return (path?.split('M').length ?? 1) - 1
}

test('another device', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())
  const ana = await Person.arrives(browser, 'Ana Meyer', { bypassCSP: true })
  await ana.newDocument(app.url)
  await ana.title.fill('Minutes')
  await ana.write('Only for us.')
  await ana.page.getByText('All changes are saved.').waitFor()
  const address = ana.page.url()
  await ana.page.goto(app.url)
  await ana.page.getByRole('button', { name: 'New document' }).click()
  await ana.isLive()
  await ana.title.fill('Recipes')
  await ana.page.goto(app.url)

  await t.test('opens all documents with a link that works once', async (t) => {
    const link = await linkOf(ana)
    t.ok(await squaresOf(ana) > 200)
    await isAccessible(t, ana, 'the dialog')
    await ana.shoot('add-device')
    const other = await Person.arrives(browser, 'Ana Meyer', phone)
    await other.page.goto(link)
    await other.page.getByRole('heading', { name: 'Use this device as Ana Meyer?' }).waitFor()
    await other.shoot('added-device')
    t.notMatch(other.page.url(), link.split('/').at(-1), 'the secret is not in the address any more')
    t.equal(await other.page.evaluate(() => new Promise((resolve) => {
      indexedDB.open('sealed-notes').onsuccess = ({ target }) => {
        (target as IDBOpenDBRequest).result.transaction('settings').objectStore('settings').count().onsuccess = (event) => resolve((event.target as IDBRequest<number>).result)
      }
    })), 0, 'nothing has changed before the answer')
    await other.page.getByRole('button', { name: 'Open my documents here' }).click()
    await other.page.getByRole('link', { name: /Recipes/ }).waitFor()
    await other.page.getByRole('link', { name: /Minutes/ }).click()
    await other.isLive()
    await other.reads('Only for us.')
    await other.moveTo('end')
    await other.write(' And from the phone.')
    await ana.closeDialog()
    await ana.page.goto(address)
    await ana.reads('And from the phone.')
    await ana.page.goto(app.url)

    const secret = link.split('/').at(-1) ?? ''
    t.notOk([...ana.sent, ...other.sent].some((text) => text.includes(secret)), 'the secret does not leave the browsers')
    t.notMatch(app.output, secret)
    const late = await Person.arrives(browser, 'Eve')
    await late.page.goto(link)
    await late.page.getByRole('heading', { name: 'This link does not work any more' }).waitFor()
    await late.shoot('added-device-used')
    await late.page.reload()
    await late.page.getByRole('heading', { name: 'This link does not work any more' }).waitFor()
    t.same([...ana.complaints, ...other.complaints, ...late.complaints], [])
    for (const { context } of [other, late]) await context.close()
  })

  await t.test('is out when its session is ended', async (t) => {
    const other = await Person.arrives(browser, 'Ana Meyer')
    await other.page.goto(await linkOf(ana))
    await other.page.getByRole('button', { name: 'Open my documents here' }).click()
    await other.page.getByRole('link', { name: /Minutes/ }).click()
    await other.isLive()
    await ana.closeDialog()
    await ana.page.getByRole('button', { name: 'Sessions' }).click()
    await ana.page.getByRole('button', { name: 'End all others' }).click()
    await ana.page.getByRole('button', { name: 'End all others' }).waitFor({ state: 'detached' })
    await ana.closeDialog()
    await other.page.locator('.status.no-access').waitFor()
    await other.page.reload()
    await other.page.locator('.status.no-access').waitFor()
    t.same([...ana.complaints, ...other.complaints], [])
    await other.context.close()
  })

  await t.test('a link whose end is missing, that was closed or that is of somebody else is said', async (t) => {
    const link = await linkOf(ana)
    const other = await Person.arrives(browser, 'Ben Okafor')
    await other.page.goto(link.slice(0, -3))
    await other.page.getByRole('heading', { name: 'This link is incomplete' }).waitFor()
    await other.page.goto(`${app.url}/#/device/${'A'.repeat(43)}`)
    await other.page.getByRole('heading', { name: 'This link does not work any more' }).waitFor()

    // Somebody who is here already, without a document, and then with one.
    await other.page.goto(app.url)
    await other.page.getByRole('button', { name: 'New document' }).click()
    await other.isLive()
    await other.page.goto(link)
    await other.page.getByRole('heading', { name: /has documents in this browser/ }).waitFor()
    await ana.closeDialog()

    await other.page.goto(app.url)
    await other.page.getByRole('button', { name: /^Remove .* from this device/ }).click()
    await other.page.getByRole('button', { name: 'Remove', exact: true }).click()
    await other.page.getByRole('dialog').waitFor({ state: 'detached' })
    const second = await linkOf(ana)
    await other.page.goto(second)
    await other.page.getByText(/In this browser you have been/).waitFor()
    await other.page.getByRole('button', { name: 'Not now' }).click()
    await other.page.getByText(/You are/).first().waitFor()
    t.notOk(await other.page.getByText('Ana Meyer').isVisible())
    await ana.closeDialog()
    await ana.page.getByRole('button', { name: 'Sessions' }).click()
    await ana.page.getByText('This browser').waitFor()
    t.equal(await ana.page.getByText('Another browser').count(), 0, 'what was not taken has no session')
    await ana.closeDialog()

    // It ends with the dialog.
    const third = await linkOf(ana)
    const ended = ana.page.waitForResponse((response) => response.request().method() === 'DELETE')
    await ana.closeDialog()
    await ended
    await other.page.goto(third)
    await other.page.getByRole('heading', { name: 'This link does not work any more' }).waitFor()
    t.same([...ana.complaints, ...other.complaints], [])
    await other.context.close()
  })

  await t.test('in German, on a phone, in the dark', async (t) => {
    const other = await Person.arrives(browser, 'Ana Meyer', { ...phone, colorScheme: 'dark', locale: 'de-DE', bypassCSP: true })
    await other.page.goto(await linkOf(ana))
    await other.page.getByRole('button', { name: 'Meine Dokumente hier öffnen' }).waitFor()
    await isAccessible(t, other, 'the question')
    await other.shoot('added-device-de')
    await other.page.getByRole('button', { name: 'Meine Dokumente hier öffnen' }).click()
    await other.page.getByRole('link', { name: /Minutes/ }).waitFor()
    await other.page.getByRole('button', { name: 'Gerät hinzufügen' }).click()
    await other.page.getByLabel('Link für das andere Gerät').waitFor()
    await isAccessible(t, other, 'the dialog')
    await other.shoot('add-device-de')
    t.ok(await other.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it fits')
    await ana.closeDialog()
    t.same(other.complaints, [])
    await other.context.close()
  })

  await t.test('is Firefox', { skip: noFirefox }, async (t) => {
    const firefox = await launchFirefox()
    t.teardown(() => firefox.close())
    const other = await Person.arrives(firefox, 'Ana Meyer', firefoxContext)
    other.page.setDefaultTimeout(45_000)
    await other.page.goto(await linkOf(ana))
    await other.page.getByRole('button', { name: 'Open my documents here' }).click()
    await other.page.getByRole('link', { name: /Minutes/ }).click()
    await other.reads('Only for us.')
    t.same(other.complaints, [])
    await ana.closeDialog()
  })
})
