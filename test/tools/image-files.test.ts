// Files as the page of the example app encrypts, sends and reads them, with its real server.
import 'fake-indexeddb/auto'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { buildApp } from '../../example-app/server/app.ts'
import { defaultLimits } from '../../example-app/server/limits.ts'
import { newDocument, readDocument } from '../../example-app/web/device/documents.ts'
import { forgetFiles, keepFile, waitingFiles } from '../../example-app/web/device/files.ts'
import { newFile, readFile, sendFiles } from '../../example-app/web/files/files.ts'
import { chunkBytes, contentBytes, sealFile } from '../../example-app/web/files/seal.ts'
import { startSession } from '../../example-app/web/session.ts'
import { createDatabase } from '../fixtures/postgres.ts'

const { connectionString } = await createDatabase(t, { migrated: false })
const limits = { ...defaultLimits, MAX_FILE_BYTES: 3 * chunkBytes, MAX_STORED_BYTES: 24 * chunkBytes }
const app = await buildApp({ connectionString, logLevel: 'silent', limits })
t.teardown(() => app.close())
const url = await app.listen({ port: 0, host: '127.0.0.1' })

// As a page, which has an address.
const network = { isThere: true, requests: [] as string[] }
const { fetch } = globalThis
globalThis.fetch = async (path, options) => {
  if (!network.isThere) throw new TypeError('Failed to fetch')
  network.requests.push(`${options?.method ?? 'GET'} ${String(path)}`)
  return await fetch(`${url}${String(path)}`, options)
}
t.teardown(() => { globalThis.fetch = fetch })

const { sessionKey } = await startSession('Ana')

/** A document of Ana that the server knows. */
async function documentOfAna (): Promise<string> {
  const { id } = await newDocument()
  await fetch(`${url}/api/documents/${id}`, { method: 'PUT', headers: { authorization: `Bearer ${sessionKey}` } })
  return id
}

const content = new Uint8Array(randomBytes(2 * contentBytes + 9))
const isSame = (bytes: Uint8Array | undefined) => bytes !== undefined && Buffer.from(content).equals(bytes)

/** As a device that never had it. */
async function readElsewhere (documentId: string, { fileId, key }: { fileId: string, key: string }) {
  await forgetFiles(documentId)
  const read = await readFile({ documentId, fileId }, key)
  await forgetFiles(documentId)
  return read.outcome === 'read' ? isSame(read.bytes) ? 'the same' : 'another' : read.outcome
}

t.test('a file waits on the device without a network, is sent, and read on another device', async (t) => {
  const documentId = await documentOfAna()
  network.isThere = false
  const made = await newFile(documentId, content)
  t.equal(await sendFiles(documentId), 'unreachable')
  t.match(await readDocument(documentId), { hasUnsentFiles: true })
  t.equal((await readFile({ documentId, fileId: made.fileId }, made.key)).outcome, 'read', 'it is here')
  network.isThere = true
  t.strictSame(await Promise.all([sendFiles(documentId), sendFiles(documentId)]), ['sent', 'sent'])
  t.match(await readDocument(documentId), { hasUnsentFiles: false })
  t.same(await waitingFiles(documentId), [])
  t.equal(await readElsewhere(documentId, made), 'the same')

  const chunks = await app.prisma.appFileChunk.findMany({ where: { documentId }, orderBy: { number: 'asc' } })
  t.equal(chunks.length, 3)
  const stored = Buffer.concat(chunks.map(({ data }) => data))
  for (const at of [0, contentBytes, content.length - 16]) t.notOk(stored.includes(Buffer.from(content.subarray(at, at + 16))), 'the server has nothing of it')
  t.notOk(stored.includes(Buffer.from(made.key, 'base64url')))
})

t.test('what was read is read again without a network', async (t) => {
  const documentId = await documentOfAna()
  const { fileId, key } = await newFile(documentId, content)
  await sendFiles(documentId)
  await forgetFiles(documentId)
  await readFile({ documentId, fileId }, key)
  network.isThere = false
  t.equal((await readFile({ documentId, fileId }, key)).outcome, 'read')
  await forgetFiles(documentId)
  t.equal((await readFile({ documentId, fileId }, key)).outcome, 'unreachable')
  network.isThere = true
})

t.test('a file that is not there yet, cut, or changed by the server', async (t) => {
  const documentId = await documentOfAna()
  const made = await newFile(documentId, content)
  const other = sealFile(documentId, content)
  t.equal(await readElsewhere(documentId, other), 'absent')
  const made2 = await newFile(documentId, content)
  t.equal((await sendFiles(documentId)), 'sent')
  t.equal(await readElsewhere(documentId, made2), 'the same')
  t.equal(await readElsewhere(documentId, made), 'absent', 'it was forgotten before it was sent')

  const file = { documentId, fileId: made2.fileId }
  t.equal(await readElsewhere(documentId, { fileId: file.fileId, key: made.key }), 'broken', 'the key of another file')
  const at = (number: number) => ({ documentId_fileId_number: { ...file, number } })
  const [, second, third] = await app.prisma.appFileChunk.findMany({ where: file, orderBy: { number: 'asc' } })
  if (second === undefined || third === undefined) throw new Error('no chunks')
  await app.prisma.appFileChunk.update({ where: at(1), data: { data: Uint8Array.from(second.data, (byte, index) => index === 99 ? byte ^ 1 : byte) } })
  t.equal(await readElsewhere(documentId, made2), 'broken')
  await app.prisma.appFileChunk.update({ where: at(1), data: { data: third.data } })
  t.equal(await readElsewhere(documentId, made2), 'broken')
  await app.prisma.appFileChunk.update({ where: at(1), data: { data: new Uint8Array(chunkBytes + 1) } })
  t.equal(await readElsewhere(documentId, made2), 'broken', 'more than was asked for')
  await app.prisma.appFileChunk.update({ where: at(1), data: { data: second.data } })
  await app.prisma.appFileChunk.delete({ where: at(2) })
  t.equal(await readElsewhere(documentId, made2), 'broken', 'without its end')
})

t.test('a copy on the device that was changed is read from the server', async (t) => {
  const documentId = await documentOfAna()
  const { fileId, key } = await newFile(documentId, content)
  await sendFiles(documentId)
  await keepFile({ documentId, fileId }, [new Uint8Array(50)], false)
  const read = await readFile({ documentId, fileId }, key)
  t.ok(read.outcome === 'read' && isSame(read.bytes))
})

t.test('what the server does not take waits, and says why', async (t) => {
  const documentId = await documentOfAna()
  const big = await newFile(documentId, new Uint8Array(3 * contentBytes + 1))
  const small = await newFile(documentId, content)
  t.equal(await sendFiles(documentId), 'tooBig')
  t.match((await waitingFiles(documentId)).map(({ fileId }) => fileId), [big.fileId], 'and the next one was sent')
  t.match(await readDocument(documentId), { hasUnsentFiles: true })
  t.equal(await sendFiles(documentId, small), 'sent', 'of one file')
  const before = network.requests.length
  t.equal(await sendFiles(documentId, { patience: 60_000 }), 'tooBig')
  t.equal(network.requests.length, before, 'it is not sent again at once')
  t.equal(await readElsewhere(documentId, small), 'the same')

  await newFile(documentId, content)
  await app.prisma.appFile.createMany({ data: Array.from({ length: 1000 }, (_, index) => ({ documentId, id: String(index).padStart(43, '0'), memberId: 'a' })) })
  t.equal(await sendFiles(documentId), 'tooMany')
  await app.prisma.appFile.deleteMany({ where: { documentId } })
  let sent: string = 'sent'
  for (let count = 0; count < 12 && sent === 'sent'; count++) {
    await newFile(documentId, content)
    sent = await sendFiles(documentId)
  }
  t.equal(sent, 'full')
  t.equal((await waitingFiles(documentId)).length, 1)
  const { id } = await newDocument()
  await newFile(id, content)
  t.equal(await sendFiles(id), 'notAllowed', 'the server does not know the document')
})

t.test('an answer that is cut off is no file', async (t) => {
  const documentId = await documentOfAna()
  const made = await newFile(documentId, content)
  await sendFiles(documentId)
  const usual = globalThis.fetch
  const answers: Array<() => Promise<Response>> = [
    async () => new Response(null, { status: 503 }),
    async () => new Response(new ReadableStream({ pull: (controller) => controller.error(new TypeError('network error')) })),
    async () => new Response(null)
  ]
  const outcomes: string[] = []
  for (const answer of answers) {
    globalThis.fetch = answer
    outcomes.push(await readElsewhere(documentId, made))
  }
  globalThis.fetch = usual
  t.strictSame(outcomes, ['unreachable', 'unreachable', 'broken'])
})
