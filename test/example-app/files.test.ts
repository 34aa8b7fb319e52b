// Files of documents, as the page of the example app encrypts them and keeps them on the device.
import 'fake-indexeddb/auto'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { randomText } from '../../example-app/web/crypto/base64.ts'
import { forgetDocument } from '../../example-app/web/device/documents.ts'
import { forgetFile, forgetFiles, keepFile, keptChunks, noteSent, waitingFiles } from '../../example-app/web/device/files.ts'
import { BrokenFile, chunkBytes, contentBytes, mostChunks, openFile, sealFile } from '../../example-app/web/files/seal.ts'

const documentId = 'a-document'
const bytesOf = (length: number) => new Uint8Array(randomBytes(length))
const of = (chunks: Uint8Array[]) => async (index: number) => chunks[index] ?? new Uint8Array()
const isBroken = (opening: Promise<unknown>) => opening.then(() => false, (error: unknown) => error instanceof BrokenFile)

t.test('a file is what it was, in chunks that the server takes', async (t) => {
  for (const [length, count] of [[0, 1], [1, 1], [contentBytes, 1], [contentBytes + 1, 2], [3 * contentBytes, 3]] as const) {
    const content = bytesOf(length)
    const { fileId, key, chunks } = sealFile(documentId, content)
    t.equal(chunks.length, count)
    t.ok(chunks.every((chunk) => chunk.length <= chunkBytes))
    t.match(fileId, /^[\w-]{43}$/)
    t.match(key, /^[\w-]{43}$/)
    t.ok(Buffer.from(content).equals(await openFile({ documentId, fileId }, key, of(chunks))))
  }
  const [one, other] = [sealFile(documentId, bytesOf(9)), sealFile(documentId, bytesOf(9))]
  t.not(one.key, other.key)
  t.not(one.fileId, other.fileId)
})

t.test('chunks that were swapped, cut off, changed, or are of another file are refused', async (t) => {
  const content = bytesOf(3 * contentBytes - 9)
  const { fileId, key, chunks } = sealFile(documentId, content)
  const file = { documentId, fileId }
  const [first = bytesOf(0), second = bytesOf(0), third = bytesOf(0)] = chunks
  const refused = async (what: string, parts: Uint8Array[], place = file, withKey = key) => {
    t.ok(await isBroken(openFile(place, withKey, of(parts))), what)
  }
  const changed = (chunk: Uint8Array, at: number, value?: number) => {
    const copy = chunk.slice()
    copy[at] = value ?? (copy[at] ?? 0) ^ 1
    return copy
  }
  await refused('swapped', [second, first, third])
  await refused('one missing', [first, third])
  await refused('cut', [first, second])
  await refused('cut, and the end claimed', [first, changed(second, 0, 1)])
  await refused('the end denied', [first, second, changed(third, 0, 0)])
  await refused('no flag', [changed(first, 0, 2), second, third])
  for (const at of [1, 24, 25, 1000, first.length - 1]) await refused(`byte ${at}`, [changed(first, at), second, third])
  await refused('shortened', [first.subarray(0, -1), second, third])
  await refused('too short', [first, second, third.subarray(0, 40)])
  await refused('too long', [first, second, new Uint8Array([...third, ...bytesOf(chunkBytes)])])
  await refused('another document', chunks, { documentId: 'another', fileId })
  await refused('another file', chunks, { documentId, fileId: randomText(32) })
  await refused('another key', chunks, file, randomText(32))
  await refused('a short key', chunks, file, randomText(31))
  await refused('no key', chunks, file, '../..')
  const foreign = sealFile(documentId, content)
  await refused('a chunk of another file', [first, foreign.chunks[1] ?? bytesOf(0), third])
})

t.test('a file without an end is not read for ever', async (t) => {
  const long = sealFile(documentId, bytesOf((mostChunks + 1) * contentBytes))
  let read = 0
  t.ok(await isBroken(openFile({ documentId, fileId: long.fileId }, long.key, async (index) => {
    read++
    return long.chunks[index] ?? new Uint8Array()
  })))
  t.equal(read, mostChunks)
})

t.test('the device keeps files until they are forgotten, with their document or alone', async (t) => {
  const [one, two] = [{ documentId: 'one', fileId: 'a' }, { documentId: 'one', fileId: 'b' }]
  const other = { documentId: 'one-more', fileId: 'a' }
  const chunks = [bytesOf(5), bytesOf(6)]
  for (const file of [one, two, other]) await keepFile(file, chunks, true)
  t.same(await keptChunks(one), chunks)
  t.equal(await keptChunks({ documentId: 'one', fileId: 'c' }), undefined)
  t.match((await waitingFiles('one')).map(({ fileId }) => fileId), ['a', 'b'])
  await noteSent(one)
  await noteSent({ documentId: 'one', fileId: 'c' })
  t.match((await waitingFiles('one')).map(({ fileId }) => fileId), ['b'])
  t.same(await keptChunks(one), chunks, 'what was sent stays')
  await forgetFile(one)
  t.equal(await keptChunks(one), undefined)
  await forgetFiles('one')
  t.equal(await keptChunks(two), undefined)
  t.same(await waitingFiles('one'), [])
  t.same(await keptChunks(other), chunks, 'of another document')
  await forgetDocument('one-more')
  t.equal(await keptChunks(other), undefined, 'they go with their document')
})

t.test('what was not used for longest makes room, and what the server does not have stays', async (t) => {
  const keep = (fileId: string, isWaiting: boolean) => keepFile({ documentId: 'room', fileId }, [bytesOf(100)], isWaiting, 250)
  const isKept = async (fileId: string) => await keptChunks({ documentId: 'room', fileId }) !== undefined
  const tick = () => new Promise((resolve) => setTimeout(resolve, 2))
  for (const [fileId, isWaiting] of [['waiting', true], ['old', false], ['newer', false]] as const) {
    await keep(fileId, isWaiting)
    await tick()
  }
  t.ok(await isKept('old'), 'and so it was used last')
  await tick()
  await keep('newest', false)
  t.notOk(await isKept('newer'))
  for (const fileId of ['waiting', 'old', 'newest']) t.ok(await isKept(fileId), fileId)
})
