import { mkdir } from 'node:fs/promises'
import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { Person } from './fixtures/person.ts'

test('history, delete and leave', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())
  const shoot = async ({ page }: Person, name: string) => {
    const { SCREENSHOTS: directory } = process.env
    if (directory === undefined) return
    await mkdir(directory, { recursive: true })
    await page.screenshot({ path: `${directory}/${name}.png` })
  }

  const ana = await Person.arrives(browser, 'Ana Meyer')
  const ben = await Person.arrives(browser, 'Ben Okafor')
  await ana.newDocument(app.url)
  await ana.write('The first version.')
  await ben.open(await ana.invite('Can edit'))
  await ben.isLive()
  await ben.reads('The first version.')

  await t.test('a version is looked at and restored, for everybody, and what was before is a version, too', async (t) => {
    await ana.page.keyboard.press('Escape')
    await ana.page.getByRole('button', { name: 'History' }).click()
    const dialog = ana.page.getByRole('dialog', { name: 'History' })
    const versions = dialog.getByRole('list', { name: 'Versions' }).getByRole('button')
    await versions.first().waitFor()
    const count = await versions.count()
    await versions.last().click()
    const preview = dialog.getByRole('article', { name: 'This version' })
    await preview.waitFor()
    const before = await preview.locator('.ProseMirror').innerText()
    await ben.write(' And what came later.')
    await dialog.getByText(/The server keeps .*B of this document/).waitFor()
    await dialog.getByText('Ana Meyer').first().waitFor()
    await shoot(ana, 'history')
    await ana.reads('And what came later.')
    await dialog.getByRole('button', { name: 'Restore this version' }).click()
    await dialog.getByText('The document is as it was in that version.').waitFor()
    await ben.page.waitForFunction((text) => document.querySelector('[aria-label="Text"]')?.textContent?.trim() === text, before.trim())
    t.ok(await versions.count() >= count + 2)
    await versions.nth(1).click()
    await preview.getByText('And what came later.').waitFor()
    await dialog.getByRole('button', { name: 'What changed' }).click()
    const changes = dialog.getByRole('article', { name: 'What changed' })
    await changes.waitFor()
    t.match(await changes.locator('ins').allInnerTexts(), [/came later/])
    await shoot(ana, 'changes')
    await versions.first().click()
    await dialog.getByRole('button', { name: 'What changed' }).click()
    await changes.locator('del').getByText('came later').waitFor()
    await ana.page.keyboard.press('Escape')
    t.same([...ana.complaints, ...ben.complaints], [])
  })

  await t.test('a member leaves, the owner deletes the document, and who has it open is told', async (t) => {
    const cleo = await Person.arrives(browser, 'Cleo Lindgren')
    await cleo.open(await ana.invite('Can read'))
    await cleo.isLive()
    await ben.page.getByRole('button', { name: 'Share' }).click()
    await ben.page.getByRole('button', { name: 'Leave document' }).click()
    await shoot(ben, 'leave')
    await ben.page.getByRole('button', { name: 'Yes, leave' }).click()
    await ben.page.getByRole('button', { name: 'New document' }).waitFor()
    t.equal(await ben.page.getByRole('heading', { name: 'On this device' }).count(), 0, 'the device has forgotten it')
    const address = `${ana.page.url()}/${await ana.key()}`
    await ana.page.getByRole('button', { name: 'Share' }).click()
    await ana.page.getByRole('button', { name: 'Delete document' }).click()
    await shoot(ana, 'delete')
    await ana.page.getByRole('button', { name: 'Yes, delete' }).click()
    await ana.page.getByRole('button', { name: 'New document' }).waitFor()
    t.equal(await ana.page.getByRole('heading', { name: 'On this device' }).count(), 0)
    await cleo.page.getByText('Your access was taken back. Its owner has removed you or deleted the document.').waitFor()
    await ben.page.goto(address)
    await ben.page.getByText('This document is not shared with you.').first().waitFor()
    t.same([...ana.complaints, ...ben.complaints, ...cleo.complaints], [])
  })
})
