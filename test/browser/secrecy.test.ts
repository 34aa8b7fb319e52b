import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { Person } from './fixtures/person.ts'

test('neither a key nor a word is in any request, any message, or any line of the log', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  const ana = await Person.arrives(browser, 'Ana Meyer')
  const ben = await Person.arrives(browser, 'Ben Okafor')
  const cleo = await Person.arrives(browser, 'Cleo Lindgren')
  await ana.newDocument(app.url)
  await ana.title.fill('Marmalade')
  await ana.write('Secret ingredient: rosemary.')
  const firstKey = await ana.key()
  await ben.open(await ana.invite('Can edit'))
  await ben.reads('rosemary')
  await cleo.open(await ana.invite('Can read'))
  await cleo.reads('rosemary')
  await ana.page.getByRole('button', { name: 'What the server sees' }).click()
  await ana.page.getByText('The chain of snapshots').waitFor()
  await ana.remove('Ben Okafor')
  await ana.page.getByText('Ben Okafor is out.').waitFor()
  await ana.closeDialog()
  await ana.text.focus()
  await ana.page.keyboard.type('And thyme. ')
  await cleo.reads('And thyme.')
  const secondKey = await ana.key()
  await app.stop()

  t.match(firstKey, /^[\w-]{43}$/)
  t.match(secondKey, /^[\w-]{43}$/)
  t.not(firstKey, secondKey)
  const everything = [...ana.sent, ...ben.sent, ...cleo.sent, app.output]
  t.ok(everything.length > 50)
  for (const secret of [firstKey, secondKey, 'rosemary', 'thyme', 'Marmalade']) {
    const bytes = Buffer.from(secret)
    const forms = [secret, bytes.toString('base64url').slice(0, -2), bytes.toString('hex')]
    t.notOk(everything.some((text) => forms.some((form) => text.includes(form))), secret)
  }
  const sessionKeys = ana.sent.flatMap((text) => /[?&]sessionKey=([\w-]+)/.exec(text)?.[1] ?? [])
  t.ok(sessionKeys.length > 0)
  for (const sessionKey of sessionKeys) t.notOk(app.output.includes(sessionKey), 'no session key in the log')
})
