// The whole way of two people, one of them in Firefox: what no other test does in this browser.
import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { firefoxContext, launchFirefox, noFirefox } from './fixtures/firefox.ts'
import { agreement, Person } from './fixtures/person.ts'

test('Firefox', { skip: noFirefox || noBrowser }, async (t) => {
  const app = await startApp(t)
  const [firefox, chromium] = [await launchFirefox(), await launch()]
  t.teardown(async () => await Promise.all([firefox.close(), chromium.close()]))
  const ana = await Person.arrives(firefox, 'Ana Meyer', firefoxContext)
  // It starts slowly when the machine is busy.
  ana.page.setDefaultTimeout(45_000)
  const ben = await Person.arrives(chromium, 'Ben Okafor')

  await t.test('writes a document with another browser', async (t) => {
    await ana.newDocument(app.url)
    await ana.title.fill('From Firefox')
    await ana.write('Written in Firefox.')
    await ben.open(await ana.invite('Can edit'))
    await ben.isLive()
    await ben.reads('Written in Firefox.')
    await ben.moveTo('end')
    await ben.write(' And in Chromium.')
    await ana.reads('And in Chromium.')
    await ana.cursorOf('Ben Okafor').waitFor()
    t.match(await agreement(ana, ben), 'Written in Firefox. And in Chromium.')
  })

  await t.test('keeps what is written without a network, also when the page is loaded again', async (t) => {
    await ana.context.setOffline(true)
    await ana.page.locator('.status.offline').waitFor()
    await ana.moveTo('end')
    await ana.write(' Still here?')
    await ana.context.setOffline(false)
    await ana.page.reload()
    await ana.isLive()
    await ana.reads('Still here?')
    await ben.reads('Still here?')
    t.match(await agreement(ana, ben), 'Still here?')
  })

  await t.test('comments on a text, and reads the answer', async () => {
    await ana.select('Written in')
    await ana.press('Control+Alt+m')
    const [hers, his] = [ana, ben].map(({ page }) => page.getByRole('complementary', { name: 'Comments' }))
    // What `fill` does in Firefox, React does not hear.
    await hers?.getByLabel('Comment', { exact: true }).pressSequentially('In which one?')
    await hers?.getByRole('button', { name: 'Send' }).click()
    await ben.page.locator('.commented').click()
    await his?.locator('.comment', { hasText: 'In which one?' }).waitFor()
    await his?.getByLabel('Answer').fill('Firefox.')
    await his?.getByRole('button', { name: 'Send' }).click()
    await hers?.locator('.comment', { hasText: 'Firefox.' }).getByText('Ben Okafor').waitFor()
    await hers?.getByRole('button', { name: 'Close the comments' }).click()
  })

  await t.test('shows what the server has, and the versions', async () => {
    await ana.page.getByRole('button', { name: 'What the server sees', exact: true }).click()
    await ana.page.getByRole('heading', { name: 'What the server sees' }).waitFor()
    await ana.page.getByRole('button', { name: 'Close what the server sees' }).click()
    await ana.page.getByRole('button', { name: 'History' }).click()
    await ana.page.getByRole('list', { name: 'Versions' }).getByRole('button').first().waitFor()
    await ana.closeDialog()
  })

  await t.test('removes a member, and goes on with a new key', async () => {
    await ana.remove('Ben Okafor')
    await ben.page.getByText(/Your access was taken back/).waitFor()
    await ana.closeDialog()
    await ana.write('Alone again. ')
    await ana.isLive()
    await ana.page.reload()
    await ana.reads('Alone again.')
  })

  t.same([...ana.complaints, ...ben.complaints], [])
})
