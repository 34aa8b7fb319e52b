import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { agreement, Person } from './fixtures/person.ts'

// Not on localhost, which browsers trust: no clipboard, no WebCrypto, no service worker, no locks.
test('over plain HTTP people are invited, write together and reload', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch(['--host-resolver-rules=MAP notes.example 127.0.0.1'])
  t.teardown(() => browser.close())
  const url = `http://notes.example:${app.port}`
  const ana = await Person.arrives(browser, 'Ana Meyer')
  const ben = await Person.arrives(browser, 'Ben Okafor')
  await ana.newDocument(url)
  t.notOk(await ana.page.evaluate(() => isSecureContext))
  await ana.write('Begin.')
  await ana.openShareDialog()
  await ana.page.getByRole('button', { name: 'Copy invitation link' }).click()
  await ana.page.getByRole('button', { name: 'Select the link and copy it' }).waitFor()
  const link = await ana.page.getByLabel('Invitation link').inputValue()
  t.match(link, /^http:\/\/notes\.example:\d+\/#\/join\/[\w-]+\/[\w-]{43}$/)
  await ana.closeDialog()
  await ben.open(link)
  await ben.reads('Begin.')
  await ben.moveTo('end')
  await ben.page.keyboard.type(' And on.')
  await ana.reads('And on.')
  await ben.page.reload()
  await ben.reads('Begin. And on.')
  t.equal(await agreement(ana, ben), '<p>Begin. And on.</p>')
  // Chromium says of a header that it is of no use here.
  t.same([...ana.complaints, ...ben.complaints].filter((text) => !text.startsWith('The Cross-Origin-Opener-Policy header')), [])
})
