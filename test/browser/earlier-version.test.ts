import { test } from 'tap'
import type { Page } from 'playwright-core'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { openDocument, type WebSocketConstructor } from '../../lib/client/index.ts'
import { yjs } from '../../lib/client/yjs.ts'
import { startApp, type App } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { Person } from './fixtures/person.ts'

/** A document as an earlier version of the app kept it. */
interface Kept {
  record: { id: string, title: string, role: string, keys: string[], registered: boolean, devices: Record<string, string>, openedAt: number }
  /** Yjs updates: all that there is, and what of it the server had not confirmed. */
  content: number[]
  changes: number[][]
}

/** The state of a document at the server, for a page of this version that is open on it. */
async function load (app: App, person: Person): Promise<{ id: string, yDoc: Y.Doc }> {
  const { page } = person
  const key = await person.key()
  const id = decodeURIComponent(new URL(page.url()).hash.split('/')[2] ?? '')
  const { sessionKey } = await read<{ sessionKey: string }>(page, 'sealed-notes', 'settings', 'session')
  const yDoc = new Y.Doc()
  const document = openDocument({
    url: `${app.url.replace('http', 'ws')}/documents`,
    documentId: id,
    sessionKey,
    crdt: yjs(yDoc),
    getKey: () => Buffer.from(key, 'base64url'),
    isValidClient: () => true,
    isValidPublicData: () => true,
    WebSocket: WebSocket as WebSocketConstructor
  })
  await document.whenLoaded()
  await document.destroy()
  return { id, yDoc }
}

async function read<T> (page: Page, name: string, store: string, key?: string): Promise<T> {
  return await page.evaluate(([name, store, key]) => new Promise((resolve, reject) => {
    const opening = indexedDB.open(name)
    opening.onerror = () => reject(opening.error ?? new Error(name))
    opening.onsuccess = () => {
      const objects = opening.result.transaction(store).objectStore(store)
      const request: IDBRequest<unknown> = key === undefined ? objects.getAll() : objects.get(key)
      request.onsuccess = () => resolve(request.result)
      opening.result.close()
    }
  }), [name, store, key] as const) as T
}

/** Puts a document on the device in the way of the earlier version, in the place of what this version has of it. */
async function keep (page: Page, kept: Kept): Promise<void> {
  await page.evaluate(async ({ record, content, changes }) => {
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase('sealed-notes-documents')
      request.onsuccess = resolve
      request.onerror = reject
    })
    await new Promise((resolve, reject) => {
      const opening = indexedDB.open('sealed-notes')
      opening.onsuccess = () => {
        const transaction = opening.result.transaction(['documents', 'contents', 'changes'], 'readwrite')
        transaction.objectStore('documents').put(record)
        transaction.objectStore('contents').put(new Uint8Array(content), record.id)
        for (const change of changes) transaction.objectStore('changes').add({ documentId: record.id, change: new Uint8Array(change) })
        transaction.oncomplete = resolve
        transaction.onabort = reject
        opening.result.close()
      }
    })
  }, kept)
}

/** Writes a paragraph, and gives what an earlier version would have kept of a document with it that was not sent. */
function write (yDoc: Y.Doc, text: string): Pick<Kept, 'content' | 'changes'> {
  const changes: number[][] = []
  yDoc.on('updateV2', (update: Uint8Array) => changes.push([...update]))
  const paragraph = new Y.XmlElement('paragraph')
  const body = yDoc.getXmlFragment('body')
  body.insert(body.length, [paragraph])
  paragraph.insert(0, [new Y.XmlText(text)])
  return { content: [...Y.encodeStateAsUpdateV2(yDoc)], changes }
}

function recordOf (id: string, key: string, role: 'owner' | 'editor', registered: boolean): Kept['record'] {
  return { id, title: 'Kept', role, keys: [key], registered, devices: {}, openedAt: Date.now() }
}

/** Resolves when nothing of an earlier version is left on the device. */
async function isTakenOver ({ page }: Person): Promise<void> {
  for (;;) {
    const left = await Promise.all(['contents', 'changes'].map((store) => read<unknown[]>(page, 'sealed-notes', store)))
    if (left.flat().length === 0) return
    await page.evaluate(() => new Promise(requestAnimationFrame))
  }
}

test('text that an earlier version of the app kept on the device', { skip: noBrowser }, async (t) => {
  const app = await startApp(t)
  const browser = await launch()
  t.teardown(() => browser.close())

  async function anaWithHome (): Promise<Person> {
    const ana = await Person.arrives(browser, 'Ana Meyer')
    await ana.newDocument(app.url)
    await ana.page.evaluate(async () => { await navigator.serviceWorker.ready })
    return ana
  }

  await t.test('what was not sent is there offline, survives a reload, and is sent', async (t) => {
    const ana = await anaWithHome()
    await ana.write('Begin.')
    await ana.page.getByText('All changes are saved.').waitFor()
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ben.open(await ana.invite('Can edit'))
    await ben.reads('Begin.')
    const { id, yDoc } = await load(app, ana)
    const key = await ana.key()
    await ana.page.getByRole('link', { name: 'All documents' }).click()
    await keep(ana.page, { record: recordOf(id, key, 'owner', true), ...write(yDoc, 'Written with the earlier version.') })
    await ana.context.setOffline(true)
    await ana.page.reload()
    await ana.page.getByRole('link', { name: 'Kept' }).click()
    await ana.reads('Written with the earlier version.')
    await ana.page.getByText(/Offline · \d+ unsent/).waitFor()
    await ana.page.reload()
    await ana.reads('Written with the earlier version.')
    await ana.page.getByText(/Offline · \d+ unsent/).waitFor()
    await ana.context.setOffline(false)
    await ben.reads('Written with the earlier version.')
    await isTakenOver(ana)
    t.equal(await ana.content(), '<p>Begin.</p><p>Written with the earlier version.</p>')
    await ana.context.setOffline(true)
    await ana.page.reload()
    await ana.reads('Written with the earlier version.')
    t.same(ana.complaints, [])
  })

  await t.test('a document that the server has never seen', async () => {
    const ana = await anaWithHome()
    await ana.page.getByRole('link', { name: 'All documents' }).click()
    const key = Buffer.alloc(32, 7).toString('base64url')
    await keep(ana.page, { record: recordOf('made-offline', key, 'owner', false), ...write(new Y.Doc(), 'Made on a train.') })
    await ana.page.reload()
    await ana.page.getByRole('link', { name: 'Kept' }).click()
    await ana.isLive()
    await isTakenOver(ana)
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ben.open(await ana.invite('Can read'))
    await ben.reads('Made on a train.')
  })

  await t.test('of somebody who may only read now: the document is as the server has it, and they are told', async (t) => {
    const ana = await anaWithHome()
    await ana.write('Begin.')
    const ben = await Person.arrives(browser, 'Ben Okafor')
    await ben.open(await ana.invite('Can read'))
    await ben.reads('Begin.')
    await ben.isLive()
    const { id, yDoc } = await load(app, ben)
    const key = await ben.key()
    await ben.page.getByRole('link', { name: 'All documents' }).click()
    await keep(ben.page, { record: recordOf(id, key, 'editor', true), ...write(yDoc, 'Too late.') })
    await ben.page.reload()
    await ben.page.getByRole('link', { name: 'Kept' }).click()
    await ben.page.getByText(/^\d change.*of yours did not reach the document/).waitFor()
    await ben.reads('Begin.')
    await ben.isLive()
    t.equal(await ben.content(), '<p>Begin.</p>')
    await ben.page.getByRole('button', { name: 'Discard them' }).click()
    await isTakenOver(ben)
  })
})
