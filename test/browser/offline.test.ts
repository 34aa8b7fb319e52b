import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { agreement, Person } from './fixtures/person.ts'

test('interruptions', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  await t.test('what is written offline survives a reload, and is sent on return', async (t) => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ana.newDocument(app.url)
    await ana.write('Before. ')
    await ben.open(await ana.invite('Can edit'))
    await ben.reads('Before.')
    await ben.page.evaluate(async () => { await navigator.serviceWorker.ready })

    await ben.context.setOffline(true)
    await ben.page.locator('.status.offline').waitFor()
    await ben.moveTo('end')
    await ben.page.keyboard.type('Written offline. ')
    // All of it is counted when the device has it.
    await ben.page.getByText('Offline · 17 unsent').waitFor()
    await ben.page.reload()
    await ben.reads('Before. Written offline.')
    await ben.page.getByText(/Offline · \d+ unsent/).waitFor()
    await ben.page.getByRole('link', { name: 'All documents' }).click()
    await ben.page.getByRole('link', { name: 'Untitled' }).click()
    await ben.reads('Before. Written offline.')

    await ana.moveTo('start')
    await ana.page.keyboard.type('Meanwhile. ')
    await ben.context.setOffline(false)
    await ana.reads('Written offline.')
    await ben.reads('Meanwhile.')
    t.match(await agreement(ana, ben), /^<p>Meanwhile\. Before\. Written offline\. ?<\/p>$/)
    await ben.page.getByText('All changes are saved.').waitFor()
  })

  await t.test('what was written offline is sent from the list of documents and from another document', async () => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ana.newDocument(app.url)
    await ana.write('Before. ')
    await ben.open(await ana.invite('Can edit'))
    await ben.reads('Before.')
    await ben.page.evaluate(async () => { await navigator.serviceWorker.ready })
    for (const [words, leave] of [['From the list.', async () => {}], ['From another.', async () => {
      await ben.page.getByRole('button', { name: 'New document' }).click()
      await ben.page.locator('.status.offline').waitFor()
    }]] as const) {
      await ben.context.setOffline(true)
      await ben.page.locator('.status.offline').waitFor()
      await ben.moveTo('end')
      await ben.page.keyboard.type(words)
      await ben.page.getByText(/Offline · \d+ unsent/).waitFor()
      await ben.page.getByRole('link', { name: 'All documents' }).click()
      await ben.page.getByText('Not sent yet').waitFor()
      await leave()
      await ben.context.setOffline(false)
      await ana.reads(words)
      await ben.page.goto(app.url)
      await ben.page.getByText('You can edit').waitFor()
      await ben.page.getByText('Not sent yet').first().waitFor({ state: 'detached' })
      await ben.page.getByRole('link', { name: /You can edit/ }).click()
      await ben.isLive()
    }
  })

  await t.test('a document that is made offline reaches the server later', async () => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    await ana.newDocument(app.url)
    await ana.page.getByRole('link', { name: 'All documents' }).click()
    await ana.page.evaluate(async () => { await navigator.serviceWorker.ready })
    await ana.context.setOffline(true)
    await ana.page.getByRole('button', { name: 'New document' }).click()
    await ana.write('On the train.')
    await ana.page.getByText(/Offline · \d+ unsent/).waitFor()
    await ana.context.setOffline(false)
    await ana.isLive()
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ben.open(await ana.invite('Can edit'))
    await ben.reads('On the train.')
  })

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await t.test(`what is typed while the server restarts after ${signal} arrives`, async (t) => {
      const ana = await Person.arrives(browser, 'Ana Meyer')
      const ben = await Person.arrives(browser, 'Ben Okafor')
      await ana.newDocument(app.url)
      await ana.write('Before. ')
      await ben.open(await ana.invite('Can edit'))
      await ben.reads('Before.')
      const text = 'The server goes away and comes back, and nobody has to know. '.repeat(4)
      const typing = (async () => {
        await ana.moveTo('end')
        await ana.page.keyboard.type(text, { delay: 10 })
      })()
      await ben.reads('The server')
      await app.stop(signal)
      await ana.page.locator('.status:not(.live)').waitFor()
      await app.start()
      await typing
      await Promise.all([ana.isLive(), ben.isLive()])
      await ben.reads(text.trim())
      t.match(await agreement(ana, ben), `Before. ${text.trim()}`)
    })
  }

  await t.test('a server in trouble is told apart from a missing network, and from having no access', async () => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    await ana.newDocument(app.url)
    await ana.write('Kept. ')
    await ana.page.getByText('All changes are saved.').waitFor()
    await ana.page.route('**/api/**', (route) => route.fulfill({ status: 503 }))
    await ana.page.reload()
    await ana.page.getByText('Server trouble').waitFor()
    await ana.reads('Kept.')
    await ana.text.focus()
    await ana.page.keyboard.type('And more. ')
    await ana.page.getByText(/Server trouble · \d+ unsent/).waitFor()
    await ana.page.unroute('**/api/**')
    await ana.page.getByText('All changes are saved.').waitFor()
  })

  await t.test('a snapshot that is lost on its way takes no words with it', async (t) => {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    let lost = 0
    // The first snapshots never reach the server, and the connection ends.
    await ana.page.routeWebSocket(/\/documents\//, (socket) => {
      const server = socket.connectToServer()
      socket.onMessage((message) => {
        if (lost < 2 && message.toString().includes('"parentSnapshotId"')) {
          lost++
          void socket.close()
          void server.close()
        } else server.send(message)
      })
    })
    await ana.newDocument(app.url)
    await ana.write('These words were in it.')
    await ana.page.getByText('All changes are saved.').waitFor()
    t.equal(lost, 2)
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ben.open(await ana.invite('Can edit'))
    await ben.reads('These words were in it.')
  })
})
