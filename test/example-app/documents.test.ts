import 'fake-indexeddb/auto'
import t from 'tap'
import { randomText } from '../../example-app/web/crypto/base64.ts'
import { transact, write } from '../../example-app/web/device/database.ts'
import { changeDocument, readDocument, rememberDocument, saveDocument, type DocumentRecord } from '../../example-app/web/device/documents.ts'

const key = randomText(32)

function kept (id: string, keys: string[], keyFromLink?: string): DocumentRecord {
  return { id, title: '', role: 'editor', keys, registered: true, devices: {}, openedAt: 0, ...keyFromLink !== undefined && { keyFromLink } }
}

t.test('a key that cannot be right is not kept, and the right one is the newest', async (t) => {
  for (const broken of ['', 'short', key.slice(0, -1), `${key}A`, `${key.slice(0, -1)}!`]) {
    const id = randomText(9)
    await rememberDocument(id, broken, 'editor')
    t.same((await readDocument(id))?.keys, [])
    await rememberDocument(id, key, 'editor')
    t.same((await readDocument(id))?.keys, [key])
    await rememberDocument(id, broken, 'editor')
    t.same((await readDocument(id))?.keys, [key])
  }
})

t.test('what an earlier version kept of a broken link heals', async (t) => {
  await write('documents', kept('only-broken', [key.slice(0, -5)]))
  await rememberDocument('only-broken', key, undefined)
  t.match(await readDocument('only-broken'), { keys: [key], keyFromLink: undefined })

  await write('documents', kept('broken-later', [key.slice(0, -5), key], key.slice(0, -5)))
  t.match(await readDocument('broken-later'), { keys: [key], keyFromLink: undefined })
})

t.test('a page that still has a document which was removed meanwhile does not bring it back', async (t) => {
  await saveDocument(kept('removed', [key]))
  const record = await readDocument('removed')
  if (record === undefined) throw new Error('not kept')
  await transact(['documents'], 'readwrite', (transaction) => transaction.objectStore('documents').delete('removed'))
  record.isRemoved = true
  await saveDocument(record)
  t.equal(await readDocument('removed'), undefined)
})

t.test('two tabs that have the same document save what each has changed', async (t) => {
  await saveDocument(kept('two-tabs', [key]))
  const [one, other] = [await readDocument('two-tabs'), await readDocument('two-tabs')]
  if (one === undefined || other === undefined) throw new Error('not kept')
  one.title = 'Minutes'
  one.devices.ana = 'first'
  await saveDocument(one)
  other.role = 'viewer'
  other.hasUnsent = true
  Object.assign(other.devices, { ana: 'second', ben: 'his' })
  await saveDocument(other)
  await changeDocument('two-tabs', { folder: 'Work' })
  one.openedAt = 7
  delete one.hasUnsent
  await saveDocument(one)
  t.match(await readDocument('two-tabs'),
    { title: 'Minutes', role: 'viewer', hasUnsent: true, folder: 'Work', openedAt: 7, devices: { ana: 'first', ben: 'his' }, keys: [key] })
  one.role = 'owner'
  await saveDocument(one)
  t.match(await readDocument('two-tabs'), { role: 'owner', hasUnsent: true })
  await changeDocument('unknown', { title: 'of nothing' })
  t.equal(await readDocument('unknown'), undefined)
})
