import type { BrowserContextOptions } from 'playwright-core'
import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { agreement, Person } from './fixtures/person.ts'

test('sharing', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  async function anaWith (role: 'Can edit' | 'Can read', options: BrowserContextOptions = {}): Promise<[Person, Person, string]> {
    const ana = await Person.arrives(browser, 'Ana Meyer', options)
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ana.newDocument(app.url)
    await ana.write('Read this.')
    const link = await ana.invite(role)
    await ben.open(link)
    await ben.reads('Read this.')
    return [ana, ben, link]
  }

  await t.test('a viewer sees what others write as they write it, and cannot write', async (t) => {
    const [ana, ben] = await anaWith('Can read')
    await ana.moveTo('end')
    await ana.page.keyboard.type(' And this.')
    await ben.reads('Read this. And this.')
    t.equal(await ben.text.getAttribute('contenteditable'), 'false')
    t.equal(await ben.title.getAttribute('readonly'), '')
    t.equal(await ben.page.getByRole('toolbar').count(), 0)
    await ben.text.click()
    await ben.page.keyboard.type('No.')
    await ana.page.keyboard.type(' Still here.')
    await ben.reads('Still here.')
    t.notMatch(await agreement(ana, ben), 'No.')
    t.notOk(ben.sent.some((message) => message.includes('"refSnapshotId"') || message.includes('"parentSnapshotId"')))
    await ben.isLive()
  })

  await t.test('two people compare a safety number', async (t) => {
    const [ana, ben] = await anaWith('Can read')
    const number = async (person: Person, other: string) => {
      await person.openShareDialog()
      await person.unfold(`Safety number with ${other}`)
      return await person.page.locator('.safety output').innerText()
    }
    const hers = await number(ana, 'Ben Okafor')
    t.match(hers, /^(\d{5} ){11}\d{5}$/)
    t.equal(await number(ben, 'Ana Meyer'), hers)
    await ana.page.getByRole('button', { name: 'It is the same' }).click()
    await ana.page.getByText('You have compared it.').waitFor()
    await ana.shoot('safety-number')
    await ana.page.reload()
    await ana.isLive()
    await number(ana, 'Ben Okafor')
    await ana.page.getByText('You have compared it.').waitFor()
    t.same([...ana.complaints, ...ben.complaints], [])
  })

  await t.test('the owner sees the device of who joins, also without a look at the members, and another one later is said', async (t) => {
    const [ana, ben] = await anaWith('Can edit')
    while (Object.keys((await ana.record()).devices).length < 2) await ana.page.evaluate(() => new Promise(requestAnimationFrame))
    t.same((await ana.record()).devices, (await ben.record()).devices)
    // As the server could name another one for him.
    const path = ben.sent.find((text) => text.endsWith('/keys'))
    const authorization = ben.sent.find((text) => text.includes('Bearer'))
    const status = await ben.page.evaluate(async ([path, headers]) => {
      const { authorization } = JSON.parse(headers ?? '') as { authorization: string }
      const body = JSON.stringify({ publicKey: 'E'.repeat(43), voucher: 'E'.repeat(43) })
      return (await fetch(`${path}/device`, { method: 'PUT', headers: { authorization, 'content-type': 'application/json' }, body })).status
    }, [path, authorization])
    t.equal(status, 204)
    await ana.openShareDialog()
    await ana.page.getByText('The server names another device for Ben Okafor').waitFor()
  })

  await t.test('who is removed is out at once, and is told so', async (t) => {
    const [ana, ben, link] = await anaWith('Can edit')
    await ana.openShareDialog()
    await ana.unfold('Remove Ben Okafor')
    const told = ben.page.getByText('Your access was taken back.').waitFor()
    const removal = ana.page.waitForRequest((request) => request.method() === 'DELETE')
    await ana.page.getByRole('button', { name: 'Yes, remove' }).click()
    await removal
    const started = performance.now()
    await told
    const milliseconds = performance.now() - started
    // Half a second on a quiet machine.
    t.ok(milliseconds < 3000, `${Math.round(milliseconds)} ms`)
    t.equal(await ben.text.getAttribute('contenteditable'), 'false')
    await ana.page.getByText('Ben Okafor is out.').waitFor()
    await ana.closeDialog()
    t.equal(await ana.cursorOf('Ben Okafor').count(), 0)

    await ben.page.reload()
    await ben.page.getByText('Your access was taken back.').waitFor()
    await ben.page.getByRole('link', { name: 'All documents' }).click()
    await ben.page.getByText('No access any more').waitFor()
    await ben.page.goto(link)
    await ben.page.getByText('This invitation has ended').waitFor()
  })

  await t.test('the list of documents says the role that holds, also when it changed while the document was closed', async () => {
    const [ana, ben] = await anaWith('Can edit')
    await ben.isLive()
    await ben.page.getByRole('link', { name: 'All documents' }).click()
    await ben.page.getByText('You can edit').waitFor()
    await ana.openShareDialog()
    await ana.page.getByLabel('What Ben Okafor may do').selectOption('Can read')
    await ana.page.locator('.member-here').first().waitFor()
    await ana.closeDialog()
    await ben.page.reload()
    await ben.page.getByText('You can read').waitFor()
    await ana.remove('Ben Okafor')
    await ana.page.getByText('Ben Okafor is out.').waitFor()
    await ben.page.reload()
    await ben.page.getByText('No access any more').waitFor()
  })

  await t.test('a dialog closes by a click beside it, and not by one that began in it', async () => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    await ana.newDocument(app.url)
    await ana.openShareDialog()
    const { page } = ana
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('heading', { name: 'Share this document' }).hover()
    await page.mouse.down()
    await page.mouse.move(5, 5)
    await page.mouse.up()
    await dialog.getByRole('button', { name: 'Copy invitation link' }).click()
    await page.mouse.click(5, 5)
    await dialog.waitFor({ state: 'detached' })
    await ana.context.close()
  })

  await t.test('after a removal, those who stay write on with a new key, and an old link opens nothing new', async (t) => {
    const [ana, ben] = await anaWith('Can edit', { serviceWorkers: 'block' })
    const oldKey = await ana.key()
    const cleo = await Person.arrives(browser, 'Cleo Lindgren')
    const oldLink = await ana.invite('Can edit')
    // A removal waits until the owner's page has seen who joined a moment ago.
    let answer = () => {}
    const hasBegun = new Promise<void>((resolve) => { answer = resolve })
    await ana.page.route(/\/api\/documents\/[^/]+$/, async (route) => {
      await hasBegun
      await route.continue()
    })
    await cleo.open(oldLink)
    await cleo.reads('Read this.')

    await ana.remove('Ben Okafor')
    answer()
    await ana.page.getByText('Ben Okafor is out.').waitFor()
    t.notMatch(await ana.page.getByRole('dialog').locator('.done').innerText(), 'Cleo', 'she is reached')
    await ana.closeDialog()
    t.not(await ana.key(), oldKey)
    await cleo.moveTo('end')
    await cleo.page.keyboard.type(' Cleo goes on.')
    await ana.reads('Cleo goes on.')
    t.equal(await cleo.key(), await ana.key())

    // Ben comes back as somebody else, with an invitation that he had seen and the key that he had.
    const stranger = await Person.arrives(browser, 'Not Ben')
    await stranger.open(oldLink)
    await stranger.page.getByText('This invitation has ended').waitFor()

    // The owner sees who came by which invitation, ends one, and lets somebody come back.
    const again = await ana.invite('Can edit')
    await ana.openShareDialog()
    await ana.page.getByRole('button', { name: 'Let Ben Okafor come back' }).click()
    await ana.page.getByRole('list', { name: 'Removed people' }).waitFor({ state: 'detached' })
    await ana.closeDialog()
    await ben.page.goto(again)
    await ben.reads('Cleo goes on.')
    await ana.openShareDialog()
    await ana.page.getByText('came: Ben Okafor').waitFor()
    await ana.page.getByRole('button', { name: /^End the invitation of/ }).click()
    await ana.page.getByRole('list', { name: 'Open invitations' }).waitFor({ state: 'detached' })
    await ana.closeDialog()
    await stranger.page.goto(app.url)
    await stranger.page.goto(again)
    await stranger.page.getByText('This invitation has ended').waitFor()

    const dana = await Person.arrives(browser, 'Dana Ruiz')
    await dana.open(await ana.invite('Can read'))
    await dana.reads('Cleo goes on.')
    t.same(ben.complaints, [])
  })

  await t.test('whose device the server names too late gets no new key, until the owner has compared the safety number', async (t) => {
    // What a service worker asks for cannot be changed on its way.
    const [ana, ben] = await anaWith('Can edit', { serviceWorkers: 'block' })
    while (Object.keys((await ana.record()).devices).length < 2) await ana.page.evaluate(() => new Promise(requestAnimationFrame))
    const known = Object.keys((await ana.record()).devices)
    let isNamed = false
    let withheld = 0
    await ana.page.route(/\/keys$/, async (route) => {
      if (isNamed || route.request().method() !== 'GET') return await route.continue()
      const response = await route.fetch()
      const body = await response.json() as { devices: Array<{ memberId: string }> }
      if (body.devices.length > known.length) withheld++
      await route.fulfill({ response, json: { ...body, devices: body.devices.filter(({ memberId }) => known.includes(memberId)) } })
    })
    const looks = async (times: number): Promise<void> => {
      await ana.page.evaluate(() => new Promise(requestAnimationFrame))
      if (withheld < times) await looks(times)
    }
    const dana = await Person.arrives(browser, 'Dana Ruiz')
    await dana.open(await ana.invite('Can edit'))
    await dana.reads('Read this.')
    await dana.isLive()

    // Because of somebody new, and once more for the dialog.
    await looks(1)
    await ana.openShareDialog()
    await looks(2)
    await ana.page.getByRole('button', { name: 'Remove Ben Okafor' }).click()
    isNamed = true
    await ana.page.getByRole('button', { name: 'Yes, remove' }).click()
    await ana.page.getByText('Dana Ruiz: the new key was not sent.').waitFor()
    await ana.page.getByText('Your browser saw this device of Dana Ruiz too late.').waitFor()
    await dana.page.getByText('Key missing').waitFor()
    const numbers = await Promise.all(([[ana, 'Dana Ruiz'], [dana, 'Ana Meyer']] as const).map(async ([person, other]) => {
      if (person === dana) await dana.openShareDialog()
      await person.unfold(`Safety number with ${other}`)
      return await person.page.locator('.safety output').innerText()
    }))
    t.match(numbers[0], /^(\d{5} ){11}\d{5}$/)
    t.equal(numbers[1], numbers[0])
    await ana.shoot('named-too-late')
    await ana.page.getByRole('button', { name: 'It is the same' }).click()
    await ana.page.getByText('You have compared it.').waitFor()
    t.equal(await ana.page.getByText('too late').count(), 0)
    await ana.closeDialog()
    await dana.closeDialog()
    await ana.moveTo('end')
    await ana.page.keyboard.type(' With a new key.')
    await dana.page.reload()
    await dana.reads('With a new key.')
    t.equal(await dana.key(), await ana.key())
    t.same([...ana.complaints, ...ben.complaints, ...dana.complaints], [])
  })

  await t.test('a link whose end is cut off is called incomplete, and the whole one opens', async (t) => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ana.newDocument(app.url)
    await ana.write('Read this.')
    const link = await ana.invite('Can edit')
    for (const cut of [1, 5, 43, 44]) {
      await ben.page.goto(link.slice(0, -cut))
      await ben.page.getByRole('heading', { name: 'This link is incomplete' }).waitFor()
    }
    t.notOk(ben.sent.some((text) => text.includes('/api/invitations/')), 'the invitation was not taken')
    await ben.open(link)
    await ben.reads('Read this.')
    await ben.isLive()
    const address = ben.page.url()
    const whole = `${address}/${await ben.key()}`
    t.notMatch(await ben.page.evaluate(() => location.href), await ben.key(), 'the key is not in the address')
    await ben.page.goto(app.url)
    await ben.page.goto(whole.slice(0, -5))
    await ben.reads('Read this.')
    await ben.isLive()
    t.equal(ben.page.url(), address, 'where the key is known, a broken one does no harm')
    const cleo = await Person.arrives(browser, 'Cleo Lindgren')
    await cleo.open(whole.slice(0, -5))
    await cleo.page.getByRole('heading', { name: 'This link is incomplete' }).waitFor()
  })

  await t.test('who may only read from now on reads on', async (t) => {
    const [ana, ben] = await anaWith('Can edit')
    await ben.write('Ben was here. ')
    await ana.reads('Ben was here.')
    await ana.openShareDialog()
    await ana.page.getByLabel('What Ben Okafor may do').selectOption('Can read')
    await ben.page.getByText('You can read this document.').waitFor()
    await ana.closeDialog()
    await ana.write('Ana goes on. ')
    await ben.reads('Ana goes on.')
    t.equal(await ben.text.getAttribute('contenteditable'), 'false')
  })

  await t.test('who wrote offline, and may only read when they are back, is told, and sees what the others see', async (t) => {
    const [ana, ben] = await anaWith('Can edit')
    await ben.isLive()
    await ben.context.setOffline(true)
    await ben.page.locator('.status.offline').waitFor()
    await ben.moveTo('end')
    await ben.page.keyboard.type('Never.')
    await ben.page.getByText('Offline · 6 unsent').waitFor()
    await ana.openShareDialog()
    await ana.page.getByLabel('What Ben Okafor may do').selectOption('Can read')
    await ana.closeDialog()
    await ben.context.setOffline(false)
    await ben.page.getByText('6 changes of yours did not reach the document').waitFor()
    await ben.isLive()
    await ana.write('Ana goes on. ')
    await ben.reads('Ana goes on.')
    t.notMatch(await agreement(ana, ben), 'Never.')
    await ben.page.reload()
    await ben.isLive()
    t.notMatch(await ben.content(), 'Never.')
    const address = ben.page.url()
    await ben.page.getByRole('button', { name: 'Copy to a new document' }).click()
    await ben.page.waitForFunction((address) => location.href !== address, address)
    await ben.reads('Never.')
    t.equal(await ben.title.inputValue(), 'Untitled (my changes)')
    await ben.page.getByText('All changes are saved.').waitFor()
    await ben.page.goBack()
    await ben.reads('Ana goes on.')
    t.equal(await ben.page.getByText('did not reach the document').count(), 0)
    t.same(ben.complaints, [])
  })
})
