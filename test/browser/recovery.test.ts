import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { Person } from './fixtures/person.ts'

test('a recovery file opens all documents in another browser', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  const ana = await Person.arrives(browser, 'Ana Meyer')
  await ana.newDocument(app.url)
  const address = ana.page.url()
  await ana.title.fill('Minutes')
  await ana.write('Only for us.')
  // Who is invited cannot open it by its address alone.
  await ana.invite('Can read')
  await ana.page.goto(app.url)
  await ana.page.getByText('Only this browser can open these documents.').waitFor()
  await ana.page.getByRole('button', { name: 'Save a recovery file' }).click()
  const code = await ana.page.getByLabel('Code of the recovery file').innerText()
  await ana.shoot('recovery-save')
  const downloading = ana.page.waitForEvent('download')
  await ana.page.getByRole('button', { name: 'Save the file' }).click()
  const file = await (await downloading).path()
  await ana.page.getByText('The file is saved.').waitFor()
  await ana.closeDialog()
  await ana.page.getByText(/that you saved just now opens all/).waitFor()
  await ana.shoot('recovery-home')
  // The file is older than this one, and opens it, too.
  await ana.page.getByRole('button', { name: 'New document' }).click()
  await ana.isLive()
  await ana.title.fill('Later')
  await ana.page.getByText('All changes are saved.').waitFor()
  await ana.page.goto(app.url)
  await ana.page.getByRole('link', { name: /Later/ }).waitFor()

  const phone = await Person.arrives(browser, 'Ana Meyer', { viewport: { width: 390, height: 844 } })
  await phone.page.goto(app.url)
  const open = async (code: string) => {
    await phone.page.getByLabel('The file').setInputFiles(file)
    await phone.page.getByLabel('Its code').fill(code)
    await phone.page.getByRole('button', { name: 'Open it' }).click()
  }
  await phone.page.getByRole('button', { name: 'Open a recovery file' }).click()
  await open('00000-00000-00000-00000-00000')
  await phone.page.getByText('This code does not open this file.').waitFor()
  await phone.shoot('recovery-open')
  await open(code.toLowerCase())
  await phone.page.getByText('1 document can be opened here now.').waitFor()
  await phone.closeDialog()
  await phone.page.getByRole('link', { name: /Later/ }).waitFor()
  await ana.page.getByText('A device was added.').waitFor()
  await phone.page.getByRole('link', { name: /Minutes/ }).click()
  await phone.isLive()
  await phone.reads('Only for us.')
  await ana.page.goto(address)
  await ana.isLive()
  await phone.moveTo('end')
  await phone.write(' And from the phone.')
  await ana.reads('And from the phone.')
  t.notOk([...ana.sent, ...phone.sent].some((text) => text.includes(code)), 'the code does not leave the browser')
  t.same([...ana.complaints, ...phone.complaints], [])
})
