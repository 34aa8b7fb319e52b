// Images in documents: what others see of them, what the server has of them, and what happens without a network.
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { test } from 'tap'
import { png, pngChunk } from '../fixtures/images.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { firefoxContext, launchFirefox, noFirefox } from './fixtures/firefox.ts'
import { Person } from './fixtures/person.ts'

/** Stripes, so that it cannot be confused with another one. */
const stripes = png(300, 200, (x) => x % 20 < 10 ? [20, 90, 200] : [250, 220, 60])
/** Says where it was taken, as photos do. */
const withPlace = Buffer.concat([stripes.subarray(0, -12), pngChunk('tEXt', Buffer.from('Location\0Lighthouse 54.1 N 8.6 E')), stripes.subarray(-12)])

const file = (buffer: Buffer, name = 'photo.png', mimeType = 'image/png') => ({ buffer, name, mimeType })

async function choose ({ page }: Person, ...files: Array<ReturnType<typeof file>>): Promise<void> {
  await page.locator('main input[type=file]').setInputFiles(files)
}

async function pasteImage ({ text }: Person, image: Buffer, event: 'paste' | 'drop' = 'paste'): Promise<void> {
  await text.evaluate((element, { base64, event }) => {
    const data = new DataTransfer()
    data.items.add(new File([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], 'image.png', { type: 'image/png' }))
    const { left, top } = element.getBoundingClientRect()
    const options = { bubbles: true, cancelable: true }
    element.dispatchEvent(event === 'paste'
      ? new ClipboardEvent('paste', { ...options, clipboardData: data })
      : new DragEvent('drop', { ...options, dataTransfer: data, clientX: left + 5, clientY: top + 5 }))
  }, { base64: image.toString('base64'), event })
}

/** Waits until so many images are on the page, and gives what each says, with its size. */
async function sees ({ page }: Person, count: number, where = '.prose'): Promise<Array<[string, number, number]>> {
  await page.waitForFunction(({ count, where }) => {
    const images = [...document.querySelectorAll<HTMLImageElement>(`${where} .image[data-state=shown] img`)]
    return images.length === count && images.every(({ complete, naturalWidth }) => complete && naturalWidth > 0)
  }, { count, where })
  return await page.locator(`${where} .image img`).evaluateAll((images) => images.map((image) => {
    const { alt, naturalWidth, naturalHeight } = image as HTMLImageElement
    return [alt, naturalWidth, naturalHeight] as [string, number, number]
  }))
}

async function says ({ page }: Person, text: string): Promise<void> {
  await page.locator('.editor-note').getByText(text).waitFor()
}

test('images', { skip: noBrowser }, async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const app = await startApp(t, { DATABASE_URL: connectionString })
  const database = new pg.Client({ connectionString })
  await database.connect()
  t.teardown(() => database.end())
  const browser = await launch()
  t.teardown(() => browser.close())
  const ana = await Person.arrives(browser, 'Ana Meyer')
  const ben = await Person.arrives(browser, 'Ben Okafor')
  await ana.newDocument(app.url)
  await ana.write('Before.')
  await ben.open(await ana.invite('Can edit'))
  await ben.reads('Before.')

  await t.test('an image is chosen, seen by another, and described', async (t) => {
    await ana.moveTo('end')
    await ana.page.getByRole('button', { name: 'Image', exact: true }).waitFor()
    await choose(ana, file(withPlace))
    await says(ana, 'The image is in the document. Describe it')
    t.same(await sees(ana, 1), [['', 300, 200]])
    t.same(await sees(ben, 1), [['', 300, 200]])
    // The cursor is behind it.
    await ana.page.keyboard.type('After.')
    await ben.reads('After.')
    t.match(await ben.text.innerText(), /Before\.\s+After\./)

    await ana.page.locator('.prose .image').click()
    await ana.page.getByRole('button', { name: 'Describe image' }).click()
    const dialog = ana.page.getByRole('dialog', { name: 'Describe the image' })
    await dialog.getByLabel('What is on the image?').fill('A striped\n flag')
    await ana.shoot('image-describe')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await ben.page.getByRole('img', { name: 'A striped flag' }).waitFor()
    await ana.page.locator('.prose .image').dblclick()
    t.equal(await dialog.getByLabel('What is on the image?').inputValue(), 'A striped flag')
    await ana.closeDialog()
    await ana.shoot('image')
    t.same([...ana.complaints, ...ben.complaints], [])
  })

  await t.test('neither the wire nor the database has anything of it', async (t) => {
    const { rows } = await database.query<{ data: Buffer }>('SELECT data FROM app_file_chunk')
    t.equal(rows.length, 1)
    const everything = [...rows.map(({ data }) => data.toString('latin1')), ...ana.sent, ...ben.sent, app.output]
    for (const secret of ['Lighthouse', 'IHDR', 'IDAT', 'striped', 'PNG']) t.notOk(everything.some((text) => text.includes(secret)), secret)
    const { rows: updates } = await database.query<{ all: string }>('SELECT string_agg(data::text, \' \') AS all FROM secsync_update')
    t.ok((updates[0]?.all ?? '').length > 0)
  })

  await t.test('images are pasted and dropped, big ones become smaller, and what is no image is refused', async (t) => {
    await pasteImage(ana, png(3000, 30))
    t.same((await sees(ben, 2)).at(-1), ['', 2560, 26])
    await pasteImage(ana, stripes, 'drop')
    await sees(ben, 3)
    for (const [content, words] of [
      ['<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>', 'This is not an image that can be put in.'],
      [stripes.subarray(0, 60), 'This image could not be read.'],
      [png(1, 1).fill(0x7f, 16, 20).fill(0x7f, 20, 24), 'This image is too big.']
    ] as const) {
      await choose(ana, file(Buffer.from(content)))
      await says(ana, words)
    }
    t.equal((await sees(ana, 3)).length, 3)
    // One after the other, with undo for each.
    await ana.text.focus()
    await ana.press('Control+z')
    await sees(ben, 2)
    await ana.press('Control+z')
    await sees(ben, 1)
    t.match(await ben.content(), /<p>Before\.<\/p>.*<p>After\.<\/p>$/)
    await ana.press('Control+Shift+z')
    await sees(ben, 2)
    await ana.press('Control+z')
    await sees(ben, 1)
    t.same([...ana.complaints, ...ben.complaints], [])
  })

  await t.test('a photo stands upright and does not say where it was taken, and of an animation a picture stays', async (t) => {
    const dora = await Person.arrives(browser, 'Dora Silva')
    await dora.newDocument(app.url)
    const jpeg = Buffer.from(await dora.page.evaluate(() => {
      const canvas = document.createElement('canvas')
      canvas.width = 80
      canvas.height = 40
      canvas.getContext('2d')?.fillRect(0, 0, 40, 40)
      return canvas.toDataURL('image/jpeg').split(',')[1] ?? ''
    }), 'base64')
    // EXIF of a camera that was held upright (orientation 6), and who took it.
    const tiff = Buffer.from('49492a0008000000020012010300010000000600000013010200140000002600000000000000', 'hex')
    const exif = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff, Buffer.from('At home, Elm Street\0')])
    const photo = Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1, 0, exif.length + 2]), exif, jpeg.subarray(2)])
    t.ok(photo.includes('Elm Street'))
    await choose(dora, file(photo, 'photo.jpg', 'image/jpeg'))
    t.same(await sees(dora, 1), [['', 40, 80]], 'turned')
    const pixel = '2c000000000100010000020244010b'.slice(0, -2) + '00'
    await choose(dora, file(Buffer.from(`474946383961010001008000 00ff0000ffffff${pixel}3b`.replaceAll(' ', ''), 'hex'), 'a.gif', 'image/gif'))
    await says(dora, 'Of an animation only the first picture is kept.')
    await sees(dora, 2)
    await dora.page.getByRole('button', { name: 'Export' }).click()
    const [saved] = await Promise.all([dora.page.waitForEvent('download'), dora.page.getByRole('dialog').getByRole('button', { name: 'HTML' }).click()])
    const images = [...(await readFile(await saved.path(), 'utf8')).matchAll(/src="data:(image\/\w+);base64,([^"]+)"/g)]
    t.same(images.map(([, type]) => type), ['image/jpeg', 'image/png'])
    for (const [, , base64 = ''] of images) {
      const bytes = Buffer.from(base64, 'base64')
      for (const left of ['Exif', 'Elm', 'GIF']) t.notOk(bytes.includes(left), left)
    }
    await dora.closeDialog()
    await dora.page.getByRole('button', { name: 'What the server sees' }).click()
    await dora.page.getByText('Files (2)').waitFor()
    await dora.shoot('image-server-view')
    t.same(dora.complaints, [])
  })

  await t.test('an image of a page on the web is not taken from there', async (t) => {
    const asked: string[] = []
    ana.page.on('request', (request) => asked.push(request.url()))
    await ana.moveTo('end')
    await ana.paste('text/html', '<p>Web page<img src="http://127.0.0.1:9/spy.png"><figure data-sealed-image="{}"></figure><svg></svg></p>')
    await ben.reads('Web page')
    t.equal(await ana.page.locator('.prose .image').count(), 1)
    t.notOk(asked.some((url) => url.includes('spy')))
    t.same(ana.complaints, [])
  })

  await t.test('without a network: known images are there, and a new one is sent later, also after a reload', async (t) => {
    await ben.page.evaluate(async () => { await navigator.serviceWorker.ready })
    await ben.context.setOffline(true)
    await ben.page.locator('.status.offline').waitFor()
    await ben.page.reload()
    t.same((await sees(ben, 1)).map(([alt]) => alt), ['A striped flag'])
    await ben.moveTo('end')
    await pasteImage(ben, png(50, 40))
    await says(ben, 'It is kept on this device, and sent when there is a connection.')
    await sees(ben, 2)
    await ben.page.getByText(/Offline · \d+ unsent/).waitFor()
    await ben.page.reload()
    await sees(ben, 2)
    await ben.shoot('image-offline')
    await ben.context.setOffline(false)
    t.same((await sees(ana, 2)).at(-1), ['', 50, 40])
    t.same([...ana.complaints, ...ben.complaints], [])
  })

  await t.test('an image that is lost says so, with its description, and the page goes on', async (t) => {
    const { rows } = await database.query<{ id: string }>('SELECT id FROM app_file ORDER BY created_at LIMIT 1')
    await database.query('UPDATE app_file_chunk SET data = substr(data, 1, 100) WHERE file_id = $1', [rows[0]?.id])
    const cleo = await Person.arrives(browser, 'Cleo Lindgren')
    await cleo.open(await ana.invite('Can read'))
    const broken = cleo.page.getByText('Image: A striped flag · It cannot be shown: it is damaged, or no image.')
    await broken.waitFor()
    const { width, height } = await broken.boundingBox() ?? { width: 0, height: 0 }
    t.same([width, height], [300, 200], 'it keeps its place')
    await cleo.shoot('image-lost')
    await database.query('DELETE FROM app_file_chunk WHERE file_id = $1', [rows[0]?.id])
    await cleo.page.reload()
    await cleo.page.getByText('Image: A striped flag · The server does not have this image, or not yet.').waitFor()
    t.same((await sees(ana, 2)).length, 2, 'who has it, has it')
    t.same(cleo.complaints, [])
  })

  await t.test('versions, files and copies have the images', async (t) => {
    await ana.page.getByRole('button', { name: 'History' }).click()
    const history = ana.page.getByRole('dialog', { name: 'History' })
    await history.getByRole('list', { name: 'Versions' }).getByRole('button').first().click()
    await history.getByRole('article', { name: 'This version' }).waitFor()
    await ana.closeDialog()

    await ana.page.getByRole('button', { name: 'Export' }).click()
    const dialog = ana.page.getByRole('dialog', { name: 'Export' })
    const download = async (name: string) => {
      const [saved] = await Promise.all([ana.page.waitForEvent('download'), dialog.getByRole('button', { name }).click()])
      return await readFile(await saved.path(), 'utf8')
    }
    t.match(await download('Markdown'), 'Before.\n\n\\[Image: A striped flag\\]\n\nAfter.')
    const html = await download('HTML')
    const [, alt, base64 = ''] = /<img src="data:image\/png;base64,([^"]+)" alt="([^"]*)" width="300" height="200">/.exec(html)?.reverse() ?? []
    t.ok(html.includes('alt="A striped flag"'), alt)
    t.equal(html.match(/<img /g)?.length, 2)
    t.notOk(Buffer.from(/base64,([^"]+)/.exec(html)?.[1] ?? base64, 'base64').includes('Lighthouse'), 'nothing but the picture')
    t.notOk(/data-sealed|key/.test(html), 'no keys')

    await dialog.getByRole('button', { name: 'Copy to a new document' }).click()
    await ana.page.waitForFunction(() => document.title.startsWith('Untitled (copy)'))
    t.same((await sees(ana, 2)).map(([text]) => text), ['A striped flag', ''])
    await ana.page.getByText('All changes are saved.').waitFor()
    const dora = await Person.arrives(browser, 'Dora Silva')
    await dora.open(await ana.invite('Can edit'))
    t.same((await sees(dora, 2)).map(([text]) => text), ['A striped flag', ''], 'files of its own, also of what the first document has lost')

    await dora.page.getByRole('button', { name: 'History' }).click()
    const versions = dora.page.getByRole('dialog', { name: 'History' })
    await versions.getByRole('list', { name: 'Versions' }).getByRole('button').first().click()
    await sees(dora, 2, '.version-preview')
    await dora.shoot('image-history')
    await dora.closeDialog()
    t.same([...ana.complaints, ...dora.complaints], [])
  })

  await t.test('an image is copied into another document, which gets a file of its own', async (t) => {
    await ana.text.focus()
    await ana.press('Control+a')
    const html = await ana.text.evaluate((element) => {
      const clipboardData = new DataTransfer()
      element.dispatchEvent(new ClipboardEvent('copy', { clipboardData, bubbles: true, cancelable: true }))
      return clipboardData.getData('text/html')
    })
    t.match(html, 'data-sealed-image')
    await ana.page.getByRole('link', { name: 'All documents' }).click()
    await ana.page.getByRole('button', { name: 'New document' }).click()
    await ana.isLive()
    await ana.text.focus()
    await ana.paste('text/html', html)
    await sees(ana, 2)
    await says(ana, 'The image was copied from the other document.')
    const eve = await Person.arrives(browser, 'Eve Novak')
    await eve.open(await ana.invite('Can read'))
    t.same((await sees(eve, 2)).map(([alt]) => alt), ['A striped flag', ''])
    const { rows } = await database.query<{ count: string }>('SELECT count(*) FROM app_file GROUP BY document_id ORDER BY 1')
    t.equal(rows.length, 4)

    // Of a document that is not theirs, nothing comes.
    await eve.page.getByRole('link', { name: 'All documents' }).click()
    await eve.page.getByRole('button', { name: 'New document' }).click()
    await eve.isLive()
    await eve.text.focus()
    await eve.paste('text/html', html.replace(/&quot;document&quot;:&quot;[^&]+/g, '&quot;document&quot;:&quot;another'))
    await says(eve, 'The image could not be copied from the other document.')
    await eve.page.locator('.prose .image').first().waitFor({ state: 'detached' })
    t.equal(await eve.page.locator('.prose .image').count(), 0)
    t.same([...ana.complaints, ...eve.complaints], [])
  })

  await t.test('what is removed from the device takes its images with it', async (t) => {
    await ana.page.goto(app.url)
    await ana.page.getByRole('button', { name: /^Remove .* from this device$/ }).first().click()
    const kept = () => ana.page.evaluate(() => new Promise<number>((resolve, reject) => {
      const opening = indexedDB.open('sealed-notes-files')
      opening.onerror = () => reject(opening.error ?? new Error('no database'))
      opening.onsuccess = () => {
        const request = opening.result.transaction('chunks').objectStore('chunks').count()
        request.onsuccess = () => resolve(request.result)
        opening.result.close()
      }
    }))
    const before = await kept()
    await ana.page.getByRole('button', { name: 'Remove', exact: true }).click()
    await ana.page.waitForFunction((count) => new Promise((resolve) => {
      const opening = indexedDB.open('sealed-notes-files')
      opening.onsuccess = () => {
        const request = opening.result.transaction('chunks').objectStore('chunks').count()
        request.onsuccess = () => resolve(request.result === count)
        opening.result.close()
      }
    }), before - 2)
    t.same(ana.complaints, [])
  })

  await t.test('what the server has no space for is said, and kept', async (t) => {
    const small = await startApp(t, { MAX_FILE_BYTES: '65536', MAX_STORED_BYTES: '200000' })
    const finn = await Person.arrives(browser, 'Finn Berg')
    await finn.newDocument(small.url)
    let seed = 1
    const noise = png(200, 200, () => {
      seed = (seed * 16807) % 2147483647
      return [seed & 255, seed >> 8 & 255, seed >> 16 & 255]
    })
    await pasteImage(finn, noise)
    await says(finn, 'The image is too big for the server. It is kept on this device')
    await sees(finn, 1)
    await finn.page.reload()
    await sees(finn, 1)
    await finn.page.getByRole('link', { name: 'All documents' }).click()
    await finn.page.getByText('Not sent yet').waitFor()
    t.same(finn.complaints, [])
  })
})

test('images in Firefox', { skip: noFirefox || noBrowser }, async (t) => {
  const app = await startApp(t)
  const [firefox, chromium] = [await launchFirefox(), await launch()]
  t.teardown(async () => await Promise.all([firefox.close(), chromium.close()]))
  const ana = await Person.arrives(firefox, 'Ana Meyer', firefoxContext)
  ana.page.setDefaultTimeout(45_000)
  const ben = await Person.arrives(chromium, 'Ben Okafor')
  await ana.newDocument(app.url)
  await ana.write('From Firefox.')
  await ben.open(await ana.invite('Can edit'))
  await ben.reads('From Firefox.')
  await ana.moveTo('end')
  // An event of a page's own has no files in this browser.
  await choose(ana, file(stripes))
  t.same(await sees(ana, 1), [['', 300, 200]])
  t.same(await sees(ben, 1), [['', 300, 200]])
  await ben.moveTo('end')
  await pasteImage(ben, png(50, 40))
  t.same((await sees(ana, 2)).at(-1), ['', 50, 40])
  await ana.page.reload()
  await sees(ana, 2)
  t.same([...ana.complaints, ...ben.complaints], [])
})
