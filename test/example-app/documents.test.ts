import 'fake-indexeddb/auto'
import t from 'tap'
import { randomText } from '../../example-app/web/crypto/base64.ts'
import { write } from '../../example-app/web/device/database.ts'
import { readDocument, rememberDocument, type DocumentRecord } from '../../example-app/web/device/documents.ts'

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
