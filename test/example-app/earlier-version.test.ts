import 'fake-indexeddb/auto'
import t from 'tap'
import { transact, write } from '../../example-app/web/device/database.ts'
import { forgetEarlierCopy, readEarlierCopy } from '../../example-app/web/device/earlier-version.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const add = (documentId: string, change: string) => transact(['changes'], 'readwrite', (transaction) =>
  transaction.objectStore('changes').add({ documentId, change: bytes(change) }))

t.test('what an earlier version kept is read with every change, and forgotten only as far as it was read', async (t) => {
  t.equal(await readEarlierCopy('a'), undefined)
  await write('contents', bytes('all of a'), 'a')
  await write('contents', bytes('all of b'), 'b')
  await add('a', 'first')
  await add('b', 'other')
  await add('a', 'second')
  const copy = await readEarlierCopy('a')
  t.same(copy?.updates, [bytes('all of a'), bytes('first'), bytes('second')])

  // By a tab that still runs the earlier version.
  await add('a', 'third')
  await forgetEarlierCopy('a', copy)
  t.same((await readEarlierCopy('a'))?.updates, [bytes('third')])
  t.same((await readEarlierCopy('b'))?.updates, [bytes('all of b'), bytes('other')], 'another document is left alone')
  await forgetEarlierCopy('a')
  t.equal(await readEarlierCopy('a'), undefined)
})

t.test('a document of which only changes were kept', async (t) => {
  await add('c', 'only')
  t.same((await readEarlierCopy('c'))?.updates, [bytes('only')])
})
