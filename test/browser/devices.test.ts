// Another device of a person: a link as a QR code, taken once.
import { test } from 'tap'
import { isAccessible } from './fixtures/accessible.ts'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { firefoxContext, launchFirefox, noFirefox } from './fixtures/firefox.ts'
import { Person } from './fixtures/person.ts'

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const

/** Opens the dialog, and gives its link. */
async function linkOf ({ page }: Person): Promise<string> {
  await page.getByRole('button', { name: 'Add a device' }).click()
  return await page.getByLabel('Link for the other device').inputValue()
}

async function sort ({ page }: Person, title: string, folder: string): Promise<void> {
  await page.getByRole('button', { name: `Folder of ${title}` }).click()
  await page.getByRole('dialog').getByLabel('Folder', { exact: true }).fill(folder)
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
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
  await ana.page.getByText('All changes are saved.').waitFor()
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
    // The other device says so, also with the dialog open.
    await ana.page.getByRole('dialog').getByText('Chrome on Linux opens your documents now.').waitFor()
    await ana.shoot('add-device-done')
    await ana.closeDialog()
    await ana.page.getByText('A device was added.').first().waitFor()
    await isAccessible(t, ana, 'a device was added')
    await ana.shoot('device-was-added')
    await ana.page.getByRole('button', { name: 'Look at the sessions' }).click()
    await ana.page.getByRole('dialog').getByText('Chrome on Linux').waitFor()
    await ana.shoot('sessions-of-devices')
    await ana.closeDialog()
    await ana.page.getByRole('button', { name: 'That was me' }).click()
    await ana.page.getByText('A device was added.').first().waitFor({ state: 'detached' })
    await ana.page.getByText('These documents also open on 1 other device of yours.').waitFor()
    await other.page.getByRole('link', { name: /Minutes/ }).click()
    await other.isLive()
    await other.reads('Only for us.')
    await other.moveTo('end')
    await other.write(' And from the phone.')
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

  await t.test('has the same list, with what is new, renamed, sorted and removed on the other one', async (t) => {
    const other = await Person.arrives(browser, 'Ana Meyer')
    await other.page.goto(await linkOf(ana))
    await other.page.getByRole('button', { name: 'Open my documents here' }).click()
    await other.page.getByRole('link', { name: /Minutes/ }).waitFor()
    await ana.closeDialog()

    await other.page.getByRole('button', { name: 'New document' }).click()
    await other.isLive()
    await other.title.fill('From the phone')
    await other.write('Third.')
    await ana.page.getByRole('link', { name: /From the phone/ }).click()
    await ana.reads('Third.')
    await ana.title.fill('Renamed')
    await ana.page.getByText('All changes are saved.').waitFor()
    await ana.page.goto(app.url)
    await other.page.goto(app.url)
    await other.page.getByRole('link', { name: /Renamed/ }).waitFor()
    await sort(other, 'Renamed', 'Work')
    await ana.page.getByRole('link', { name: /Renamed.*Work/ }).waitFor()
    t.equal(await ana.page.getByRole('link', { name: /Yours/ }).count(), 3, 'the profile is not in the list')
    const documents = await ana.page.evaluate(async () => {
      const sessionKey = await new Promise<string>((resolve) => {
        indexedDB.open('sealed-notes').onsuccess = ({ target }) => {
          (target as IDBOpenDBRequest).result.transaction('settings').objectStore('settings').get('session').onsuccess = (event) => {
            resolve((event.target as IDBRequest<{ sessionKey: string }>).result.sessionKey)
          }
        }
      })
      return await (await fetch('/api/documents', { headers: { authorization: `Bearer ${sessionKey}` } })).json() as Array<{ role: string }>
    })
    t.strictSame(documents.map(({ role }) => role), ['owner', 'owner', 'owner', 'owner'], 'for the server it is a document of hers as any other')

    // On one device only, and then on all.
    const remove = async (where: string) => {
      await other.page.getByRole('button', { name: 'Remove Renamed from this device' }).click()
      await other.page.getByRole('button', { name: where }).click()
      await other.page.getByRole('link', { name: /Renamed/ }).waitFor({ state: 'detached' })
    }
    const link = await (async () => {
      await ana.page.getByRole('link', { name: /Renamed/ }).click()
      await ana.isLive()
      const link = `${ana.page.url()}/${await ana.key()}`
      await ana.page.goto(app.url)
      return link
    })()
    await remove('Remove here')
    await other.page.getByRole('button', { name: 'New document' }).click()
    await other.isLive()
    await other.title.fill('Fourth')
    await other.page.getByText('All changes are saved.').waitFor()
    await other.page.goto(app.url)
    await other.page.getByRole('link', { name: /Fourth/ }).waitFor()
    await ana.page.getByRole('link', { name: /Fourth/ }).waitFor()
    await ana.page.getByRole('link', { name: /Renamed/ }).waitFor()
    t.equal(await other.page.getByRole('link', { name: /Renamed/ }).count(), 0, 'it does not come back by itself')
    await other.page.goto(link)
    await other.reads('Third.')
    await other.page.goto(app.url)
    await other.shoot('remove-from-devices')
    await remove('Remove from all my devices')
    await ana.page.getByRole('link', { name: /Renamed/ }).waitFor({ state: 'detached' })
    await ana.page.goto(link)
    await ana.reads('Third.')
    await other.page.getByRole('link', { name: /Renamed/ }).waitFor()
    await ana.page.goto(app.url)
    t.same([...ana.complaints, ...other.complaints], [])
    await other.context.close()
  })

  await t.test('catches up after a time without a network', async (t) => {
    const other = await Person.arrives(browser, 'Ana Meyer')
    await other.page.goto(await linkOf(ana))
    await other.page.getByRole('button', { name: 'Open my documents here' }).click()
    await other.page.getByRole('link', { name: /Minutes/ }).waitFor()
    await ana.closeDialog()
    await other.context.setOffline(true)
    await sort(other, 'Minutes', 'Offline')
    await other.page.getByRole('link', { name: /Minutes.*Offline/ }).waitFor()
    await sort(ana, 'Recipes', 'Kitchen')
    await other.context.setOffline(false)
    await other.page.getByRole('link', { name: /Recipes.*Kitchen/ }).waitFor()
    await ana.page.getByRole('link', { name: /Minutes.*Offline/ }).waitFor()
    t.same([...ana.complaints, ...other.complaints].filter((text) => !text.includes('ERR_INTERNET_DISCONNECTED')), [])
    await other.context.close()
  })

  await t.test('is out when its session is ended', async (t) => {
    const other = await Person.arrives(browser, 'Ana Meyer')
    await other.page.goto(await linkOf(ana))
    await other.page.getByRole('button', { name: 'Open my documents here' }).click()
    await other.page.getByRole('link', { name: /Minutes/ }).click()
    await other.isLive()
    await ana.closeDialog()
    await ana.page.getByRole('button', { name: 'That was me' }).click()
    await ana.page.getByText('A device was added.').first().waitFor({ state: 'detached' })
    await ana.page.getByRole('button', { name: 'Sessions', exact: true }).click()
    await ana.page.getByRole('button', { name: 'End all others' }).click()
    await ana.page.getByRole('button', { name: 'End all others' }).waitFor({ state: 'detached' })
    await ana.closeDialog()
    await other.page.locator('.status.no-access').waitFor()
    await other.page.reload()
    await other.page.locator('.status.no-access').waitFor()
    // And out of the profile.
    await ana.page.getByRole('button', { name: 'New document' }).click()
    await ana.isLive()
    await ana.title.fill('After the end')
    await ana.page.getByText('All changes are saved.').waitFor()
    await ana.page.goto(app.url)
    await ana.page.getByText('Only this browser can open these documents.').waitFor()
    await other.page.goto(app.url)
    await other.page.getByRole('link', { name: /Minutes.*No access any more/ }).waitFor()
    t.equal(await other.page.getByRole('link', { name: /After the end/ }).count(), 0)
    // It can come back.
    await other.page.goto(await linkOf(ana))
    await other.page.getByText('You are Ana Meyer in this browser already.').waitFor()
    await other.page.getByRole('button', { name: 'Open my documents here' }).click()
    await other.page.getByRole('link', { name: /After the end/ }).waitFor()
    await other.page.getByRole('link', { name: /Minutes.*Yours/ }).waitFor()
    await ana.closeDialog()
    await ana.page.getByText('A device was added.').first().waitFor()
    await ana.page.getByRole('button', { name: 'Sessions', exact: true }).click()
    await ana.page.getByRole('dialog').getByRole('button', { name: 'End', exact: true }).click()
    await ana.page.getByRole('dialog').getByText('Chrome on Linux').first().waitFor({ state: 'detached' })
    await ana.closeDialog()
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
    await ana.page.getByRole('button', { name: 'Sessions', exact: true }).click()
    await ana.page.getByRole('dialog').getByText('This browser').waitFor()
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

  await t.test('the time of a link ends, and there is another one', async (t) => {
    const later = await Person.arrives(browser, 'Cleo Brandt')
    await later.page.clock.install()
    await later.newDocument(app.url)
    await later.page.goto(app.url)
    const link = await linkOf(later)
    await later.page.clock.fastForward('10:01')
    await later.page.getByText('The time of this link is over.').waitFor()
    await later.page.getByRole('button', { name: 'Make another link' }).click()
    t.not(await later.page.getByLabel('Link for the other device').inputValue(), link)
    t.same(later.complaints, [])
    await later.context.close()
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
    const third = await Person.arrives(browser, 'Ana Meyer')
    await third.page.goto(await other.page.getByLabel('Link für das andere Gerät').inputValue())
    await third.page.getByRole('button', { name: 'Open my documents here' }).click()
    await other.page.getByText(/^Chrome unter Linux öffnet jetzt/).waitFor()
    await isAccessible(t, other, 'the dialog when it is done')
    await other.shoot('add-device-done-de')
    await other.closeDialog()
    await other.page.getByRole('button', { name: 'Das war ich' }).waitFor()
    await isAccessible(t, other, 'a device was added')
    t.ok(await other.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it fits')
    await other.shoot('device-was-added-de')
    await other.page.getByRole('button', { name: 'Das war ich' }).click()
    await other.page.getByRole('button', { name: 'Minutes von diesem Gerät entfernen' }).click()
    await other.page.getByRole('button', { name: 'Von allen meinen Geräten entfernen' }).waitFor()
    await isAccessible(t, other, 'removing')
    await other.shoot('remove-from-devices-de')
    await third.context.close()
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
