import { test } from 'tap'
import { createCommentKeys, sign, type SignedComment } from '../../example-app/web/comments/comment.ts'
import { commentMaps } from '../../example-app/web/comments/comments.ts'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { mallory } from './fixtures/mallory.ts'
import { agreement, Person } from './fixtures/person.ts'

test('comments', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())
  const ana = await Person.arrives(browser, 'Ana Meyer')
  const ben = await Person.arrives(browser, 'Ben Okafor')
  await ana.newDocument(app.url)
  await ana.write('We go to the sea.')
  await ben.open(await ana.invite('Can edit'))
  await ben.isLive()
  await ben.reads('We go to the sea.')
  const panelOf = ({ page }: Person) => page.getByRole('complementary', { name: 'Comments' })
  const marked = ({ page }: Person) => page.locator('.commented')

  await t.test('a comment on a selection is with the others, and so is the answer', async (t) => {
    await ana.select('sea.')
    await ana.press('Control+Alt+m')
    await panelOf(ana).getByLabel('Comment', { exact: true }).fill('Which one? Glarus has none.')
    await ana.press('Control+Enter')
    await panelOf(ana).getByText('Ana Meyer').waitFor()
    t.equal(await marked(ana).innerText(), 'sea.')
    await marked(ben).click()
    await panelOf(ben).getByText('Which one?').waitFor()
    await panelOf(ben).getByText('Ana Meyer').waitFor()
    await panelOf(ben).getByLabel('Answer').fill('The North Sea.')
    await panelOf(ben).getByRole('button', { name: 'Send' }).click()
    await panelOf(ana).getByText('The North Sea.').waitFor()
    await panelOf(ana).getByText('Ben Okafor').waitFor()
    await panelOf(ben).locator('.comment', { hasText: 'The North Sea.' }).waitFor()
    t.equal(await panelOf(ana).getByRole('button', { name: /^Delete/ }).count(), 2, 'the owner may delete both')
    t.equal(await panelOf(ben).getByRole('button', { name: /^Delete/ }).count(), 1, 'others what is theirs')
    await ana.shoot('comments')
    t.notOk([...ana.sent, ...ben.sent].some((text) => text.includes('Glarus') || text.includes('North Sea')), 'nothing leaves a browser readable')
  })

  await t.test('it stays with its words, also for somebody who comes later', async (t) => {
    await ben.moveTo('start')
    await ben.page.keyboard.type('Listen: ')
    await ben.moveTo('end')
    await ben.page.keyboard.type(' Or not.')
    await agreement(ana, ben)
    for (const person of [ana, ben]) t.equal(await marked(person).innerText(), 'sea.')
    await ben.page.getByText('All changes are saved.').waitFor()
    await ben.page.reload()
    await ben.isLive()
    await marked(ben).click()
    t.equal(await marked(ben).innerText(), 'sea.')
    await panelOf(ben).getByText('Which one?').waitFor()
  })

  await t.test('one that is resolved is not marked any more, and can be opened again', async (t) => {
    await panelOf(ben).getByRole('button', { name: 'Resolve' }).click()
    await panelOf(ana).getByRole('button', { name: 'Show 1 resolved comment' }).click()
    await panelOf(ana).getByRole('button', { name: 'Open again' }).click()
    await panelOf(ana).getByRole('button', { name: 'Resolve' }).waitFor()
    await marked(ana).waitFor()
    t.equal(await marked(ana).innerText(), 'sea.')
  })

  await t.test('a comment that was written offline has the name of its author', async (t) => {
    const cleo = await Person.arrives(browser, 'Cleo Lind')
    await cleo.open(await ana.invite('Can edit'))
    await cleo.isLive()
    await marked(cleo).click()
    await cleo.context.setOffline(true)
    await panelOf(cleo).getByLabel('Answer').fill('Or the Baltic.')
    await panelOf(cleo).getByRole('button', { name: 'Send' }).click()
    await panelOf(cleo).locator('.comment', { hasText: 'Or the Baltic.' }).waitFor()
    await cleo.context.setOffline(false)
    const comment = panelOf(ana).locator('.comment', { hasText: 'Or the Baltic.' })
    await comment.getByText('Cleo Lind').waitFor()
    t.equal(await comment.count(), 1)
    t.same(cleo.complaints, [])
    await cleo.context.close()
  })

  await t.test('nobody writes in the name of somebody else', async (t) => {
    const { document, introduce, yDoc } = await mallory(app, await ana.invite('Can edit'))
    t.teardown(async () => {
      await document.destroy()
      yDoc.destroy()
    })
    const [map] = commentMaps(yDoc)
    const first = [...map.entries()].find(([, value]) => (value as { place?: unknown }).place !== undefined)
    const [of, hers] = first as [string, SignedComment]
    map.set('forged', { ...hers, text: 'I agree to everything.' })
    map.set('copied', hers)
    const keys = createCommentKeys()
    const own = { id: 'own', answers: of, text: 'This is Mallory.', at: Date.now(), publicKey: keys.publicKey }
    await introduce(keys.publicKey)
    map.set(own.id, sign(own, document.documentId, keys))
    const comment = panelOf(ana).locator('.comment', { hasText: 'This is Mallory.' })
    await comment.getByText('Mallory', { exact: true }).waitFor()
    t.equal(await panelOf(ana).getByText('I agree').count(), 0)
    t.equal(await panelOf(ana).getByText('Which one?').count(), 1)
    await panelOf(ana).getByRole('button', { name: 'Delete “This is Mallory.”' }).click()
    await comment.waitFor({ state: 'detached' })
  })

  await t.test('when its text is deleted, it says so', async (t) => {
    await ana.press('Escape')
    await ana.text.focus()
    await ana.press('Control+a', 'Delete')
    await panelOf(ana).getByText('This text is no longer in the document.').waitFor()
    await panelOf(ben).getByText('This text is no longer in the document.').waitFor()
    await panelOf(ana).getByRole('button', { name: /^Delete “Which/ }).click()
    await panelOf(ben).getByText('Select some text').waitFor()
    t.equal(await panelOf(ana).locator('.conversation').count(), 0)
    t.same([...ana.complaints, ...ben.complaints], [])
  })
})
