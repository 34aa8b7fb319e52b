import { test } from 'tap'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { agreement, Person } from './fixtures/person.ts'

test('writing', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  async function anaAndBen (): Promise<[Person, Person]> {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ana.newDocument(app.url)
    await ben.open(await ana.invite('Can edit'))
    await ben.isLive()
    return [ana, ben]
  }

  await t.test('two people who write at the same time end with the same text', async (t) => {
    const [ana, ben] = await anaAndBen()
    await ana.write('The first line.')
    await ana.press('Enter')
    await ben.reads('The first line.')
    await Promise.all([
      ana.write('Ana writes here, word by word, without looking up.'),
      (async () => {
        await ben.moveTo('start')
        await ben.page.keyboard.type('Ben has something to say before it. ')
      })()
    ])
    await ben.reads('without looking up.')
    await ben.moveTo('end')
    await ben.press('Enter')
    await ben.write('- bread')
    await ana.reads('bread')
    const content = await agreement(ana, ben)
    t.match(content, 'Ben has something to say before it. The first line.')
    t.match(content, 'Ana writes here, word by word, without looking up.')
    t.match(content, '<ul><li><p>bread</p></li></ul>')
    t.same([...ana.complaints, ...ben.complaints], [])
  })

  await t.test('the words of people who write at one place stay whole', async (t) => {
    const [ana, ben] = await anaAndBen()
    const cleo = await Person.arrives(browser, 'Cleo Lind')
    await cleo.open(await ana.invite('Can edit'))
    await cleo.isLive()
    const people = [ana, ben, cleo]
    await ana.write('Start: ')
    for (const person of people) {
      await person.reads('Start:')
      await person.moveTo('end')
    }
    // Each letter is with everybody before the next one.
    let written = 'Start: '.length
    for (let letter = 0; letter < 5; letter++) {
      for (const [index, person] of people.entries()) await person.page.keyboard.type('abc'[index] ?? '')
      written += people.length
      for (const { page } of people) {
        await page.waitForFunction((length) => {
          const copy = document.querySelector('[aria-label="Text"] p')?.cloneNode(true) as Element | undefined
          for (const cursor of copy?.querySelectorAll('.cursor') ?? []) cursor.remove()
          return copy?.textContent.length === length
        }, written)
      }
    }
    const content = await agreement(ana, ben)
    for (const word of ['aaaaa', 'bbbbb', 'ccccc']) t.match(content, word)
    await cleo.context.close()
  })

  await t.test('names and cursors show where the others are, and go when they leave', async (t) => {
    const [ana, ben] = await anaAndBen()
    await ben.write('I am here')
    await ana.reads('I am here')
    await ana.cursorOf('Ben Okafor').waitFor()
    await ana.page.getByRole('list', { name: 'People here now' }).getByText('Ben Okafor').waitFor({ state: 'attached' })
    await ana.write(', and so am I')
    await ben.cursorOf('Ana Meyer').waitFor()
    // The editor makes a cursor anew when it moves: one that was found may be out of the page when it is looked at.
    for (const { page } of [ana, ben]) {
      await page.waitForFunction(() => [...document.querySelectorAll('.cursor-name')].some((cursor) => /^rgb\(/.test(getComputedStyle(cursor).backgroundColor)))
    }
    t.pass('both have a colour')
    await ben.page.getByRole('link', { name: 'All documents' }).click()
    await ana.cursorOf('Ben Okafor').waitFor({ state: 'detached' })
  })

  await t.test('undo takes back what one wrote oneself, and nothing of the others', async (t) => {
    const [ana, ben] = await anaAndBen()
    await ana.write('Kept by Ana. ')
    await ben.reads('Kept by Ana.')
    await ben.moveTo('end')
    await ben.page.keyboard.type('Ben thinks twice.')
    await ana.reads('Ben thinks twice.')
    await ben.press('Control+z')
    await ana.text.getByText('Ben thinks').first().waitFor({ state: 'detached' })
    t.match(await agreement(ana, ben), 'Kept by Ana.')
    await ben.press('Control+Shift+z')
    await ana.reads('Ben thinks twice.')
  })

  await t.test('5,000 pasted words arrive complete', async (t) => {
    const [ana, ben] = await anaAndBen()
    const words = Array.from({ length: 5000 }, (_, index) => `word${index}`)
    const html = Array.from({ length: 50 }, (_, index) => `<p>${words.slice(index * 100, index * 100 + 100).join(' ')}</p>`).join('')
    await ana.text.focus()
    await ana.paste('text/html', html)
    await ben.reads('word4999')
    const content = await agreement(ana, ben)
    t.ok(content.match(/word\d+/g)?.join() === words.join(), 'each word, in order')
    await ben.moveTo('start')
    await ben.page.keyboard.type('And on we write. ')
    await ana.reads('And on we write.')
  })

  await t.test('a title is shared, and names the document in the list', async (t) => {
    const [ana, ben] = await anaAndBen()
    await ana.title.fill('Trip to the sea')
    await ben.page.waitForFunction(() => document.title.startsWith('Trip to the sea'))
    t.equal(await ben.title.inputValue(), 'Trip to the sea')
    await ben.page.getByRole('link', { name: 'All documents' }).click()
    await ben.page.getByRole('link', { name: 'Trip to the sea' }).click()
    await ben.isLive()
    t.equal(await ben.title.inputValue(), 'Trip to the sea')
  })
})
