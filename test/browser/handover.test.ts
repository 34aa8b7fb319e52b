import { test } from 'tap'
import { isAccessible } from './fixtures/accessible.ts'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { agreement, Person } from './fixtures/person.ts'

test('handing a document over', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  /** For a server that is changed on the way. What a service worker asks for cannot be. */
  const hostile = { serviceWorkers: 'block' } as const

  async function makeOwner (person: Person, other: string): Promise<void> {
    await person.openShareDialog()
    await person.unfold(`Make ${other} the owner`)
    await person.page.getByRole('button', { name: 'Yes, make owner' }).click()
    await person.page.getByText(`${other} is the owner now.`).waitFor()
  }

  await t.test('the next owner removes somebody, and all others read on: who was there, who was away, and who came later', async (t) => {
    const [ana, ben, cleo, dana, eve] = await Promise.all(['Ana Meyer', 'Ben Okafor', 'Cleo Lindgren', 'Dana Ruiz', 'Eve Sato'].map((name) => Person.arrives(browser, name)))
    if (ana === undefined || ben === undefined || cleo === undefined || dana === undefined || eve === undefined) throw new Error('nobody arrived')
    await ana.newDocument(app.url)
    await ana.write('By all.')
    const link = await ana.invite('Can edit')
    for (const person of [ben, cleo, dana]) {
      await person.open(link)
      await person.reads('By all.')
      await person.isLive()
    }
    const address = cleo.page.url()
    await cleo.page.getByRole('link', { name: 'All documents' }).click()

    await ana.openShareDialog()
    await ana.unfold('Make Ben Okafor the owner')
    await ana.page.getByText('You have not compared the safety number with Ben Okafor.').waitFor()
    await ana.shoot('make-owner')
    await ana.closeDialog()
    await makeOwner(ana, 'Ben Okafor')
    await ana.shoot('made-owner')
    // The dialog says it first, and asks for the members then.
    await ana.page.getByRole('button', { name: 'Remove Ben Okafor' }).waitFor({ state: 'detached' })
    t.equal(await ana.page.getByRole('button', { name: /^Remove / }).count(), 0)
    await ana.closeDialog()

    await ben.openShareDialog()
    await ben.page.getByRole('button', { name: 'Remove Dana Ruiz' }).waitFor()
    await ben.closeDialog()
    await ben.remove('Dana Ruiz')
    await ben.page.getByText('Dana Ruiz is out.').waitFor()
    t.equal(await ben.page.getByText('Send the new link').count(), 0)
    await ben.closeDialog()
    await ben.moveTo('end')
    await ben.page.keyboard.type(' With a new key.')
    await ana.reads('With a new key.')
    await dana.page.getByText('Your access was taken back.').waitFor()
    await cleo.page.goto(address)
    await cleo.reads('With a new key.')
    t.equal(await ana.key(), await ben.key())
    t.equal(await cleo.key(), await ben.key())

    // The owner before leaves.
    await ana.openShareDialog()
    await ana.unfold('Leave document')
    await ana.page.getByRole('button', { name: 'Yes, leave' }).click()
    await ana.page.getByRole('button', { name: 'New document' }).waitFor()

    // Somebody joins who knows only this owner, and follows to the next one.
    await eve.open(await ben.invite('Can edit'))
    await eve.reads('With a new key.')
    await eve.isLive()
    await makeOwner(ben, 'Cleo Lindgren')
    await ben.closeDialog()
    await cleo.remove('Ben Okafor')
    await cleo.page.getByText('Ben Okafor is out.').waitFor()
    t.notMatch(await cleo.page.getByRole('dialog').locator('.done').innerText(), 'Eve', 'she is reached')
    await cleo.closeDialog()
    await eve.moveTo('end')
    await eve.page.keyboard.type(' And with the next one.')
    await cleo.reads('And with the next one.')
    t.match(await agreement(cleo, eve), 'By all. With a new key. And with the next one.')
    t.equal(await cleo.key(), await eve.key())

    await cleo.openShareDialog()
    await cleo.unfold('Delete document')
    await cleo.page.getByText('To leave it to the others, make one of them the owner.').waitFor()
    for (const person of [ana, ben, cleo, dana, eve]) t.same(person.complaints, [], person.name)
  })

  await t.test('on a phone in German it says what it means, and does not hand over to a device that is not known', async (t) => {
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, locale: 'de-DE', bypassCSP: true, reducedMotion: 'reduce' } as const
    const [ana, ben] = [await Person.arrives(browser, 'Ana Meyer', phone), await Person.arrives(browser, 'Ben Okafor', hostile)]
    const { page } = ana
    await page.goto(app.url)
    await page.getByLabel('Ihr Name, wie andere ihn sehen').fill('Ana Meyer')
    await page.getByRole('button', { name: 'Neues Dokument' }).click()
    await ana.isLive()
    await page.getByLabel('Titel', { exact: true }).fill('Reise ans Meer')
    await page.getByRole('button', { name: 'Teilen' }).click()
    await page.getByRole('button', { name: 'Einladungslink kopieren' }).click()
    const link = await page.getByLabel('Einladungslink', { exact: true }).inputValue()
    await ana.closeDialog()
    // He joins, and the server says nothing of his device yet.
    await ben.page.route(/\/keys\/device$/, (route) => route.fulfill({ status: 204 }))
    await ben.open(link)
    await ben.isLive()
    await page.getByRole('button', { name: 'Teilen' }).click()
    const button = page.getByRole('button', { name: 'Das Dokument an Ben Okafor übergeben' })
    await button.click()
    await page.getByText('Ihr Browser kennt das Gerät von Ben Okafor noch nicht.').waitFor()
    t.equal(await page.getByRole('button', { name: 'Ja, übergeben' }).count(), 0)
    await ben.page.unroute(/\/keys\/device$/)
    await ben.page.reload()
    await page.getByText('Sie haben die Sicherheitsnummer mit Ben Okafor nicht verglichen.').waitFor()
    t.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390)
    t.ok(await page.getByRole('dialog').evaluate((dialog) => dialog.scrollWidth <= dialog.clientWidth))
    await isAccessible(t, ana, 'the question')
    await page.getByRole('button', { name: 'Ja, übergeben' }).scrollIntoViewIfNeeded()
    await ana.shoot('make-owner-de')
    await page.getByRole('button', { name: 'Ja, übergeben' }).click()
    await page.getByText('Das Dokument gehört jetzt Ben Okafor.').waitFor()
    t.same(ana.complaints, [])
  })

  await t.test('a server that names another owner is told of', async () => {
    const [ana, ben] = [await Person.arrives(browser, 'Ana Meyer'), await Person.arrives(browser, 'Ben Okafor', hostile)]
    await ana.newDocument(app.url)
    await ana.write('Mine.')
    await ben.open(await ana.invite('Can edit'))
    await ben.isLive()
    await ben.page.route(/\/api\/documents\/[^/]+$/, async (route) => {
      const response = await route.fetch()
      const body = await response.text()
      await route.fulfill({ response, body: body.replaceAll('"owner"', '"other"').replaceAll('"editor"', '"owner"').replaceAll('"other"', '"editor"') })
    })
    await ben.openShareDialog()
    await ben.page.getByText('The server says that Ben Okafor is the owner.').waitFor()
  })
})
