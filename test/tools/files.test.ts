// Encrypted files of documents in the example app: who writes and reads them, their bounds, and their end.
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { buildApp } from '../../example-app/server/app.ts'
import { defaultLimits } from '../../example-app/server/limits.ts'
import { createDatabase } from '../fixtures/postgres.ts'

const KiB = 1024
const { connectionString } = await createDatabase(t, { migrated: false })
const limits = { ...defaultLimits, MAX_FILE_BYTES: 300 * KiB, MAX_STORED_BYTES: 1024 * KiB }
const app = await buildApp({ connectionString, logLevel: 'silent', limits })
t.teardown(() => app.close())

const person = async (name: string) => (await app.inject({ method: 'POST', url: '/api/sessions', body: { name } })).json<{ sessionKey: string }>().sessionKey
const [ana, ben, viewer, stranger] = await Promise.all([person('Ana'), person('Ben'), person('Vera'), person('Mallory')])

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'
const send = async (who: string, method: Method, path: string, body?: object | Buffer) => await app.inject({
  method,
  url: `/api/documents/${path}`,
  headers: { authorization: `Bearer ${who}`, ...Buffer.isBuffer(body) && { 'content-type': 'application/octet-stream' } },
  ...body !== undefined && { payload: body }
})
const newId = () => randomBytes(32).toString('base64url')
const rows = async (documentId: string) => ({
  files: await app.prisma.appFile.count({ where: { documentId } }), chunks: await app.prisma.appFileChunk.count({ where: { documentId } })
})

/** A document of Ana, which Ben edits and Vera reads. */
async function newDocument (id: string): Promise<void> {
  await send(ana, 'PUT', id)
  for (const [who, role] of [[ben, 'editor'], [viewer, 'viewer']] as const) {
    const { token } = (await send(ana, 'POST', `${id}/invitations`, { role })).json<{ token: string }>()
    const { statusCode } = await app.inject({ method: 'POST', url: `/api/invitations/${token}`, headers: { authorization: `Bearer ${who}` } })
    if (statusCode !== 200) throw new Error(`The invitation was answered with ${statusCode}`)
  }
}

t.test('editors store a file in chunks, and members read it once it is finished', async (t) => {
  await newDocument('read')
  const [file, chunks] = [`read/files/${newId()}`, [randomBytes(256 * KiB), randomBytes(100)]]
  for (const [number, chunk] of chunks.entries()) t.equal((await send(ben, 'PUT', `${file}/chunks/${number}`, chunk)).statusCode, 204)
  t.equal((await send(ben, 'PUT', `${file}/chunks/1`, chunks[1])).statusCode, 204, 'the same again, after an answer that was lost')
  t.match((await send(ana, 'GET', `${file}/chunks/0`)).json(), { statusCode: 404, code: 'APP_FILE_NOT_FOUND' })
  for (const wrong of [1, 3]) t.match((await send(ben, 'PUT', file, { chunks: wrong })).json(), { statusCode: 409, code: 'APP_FILE_INCOMPLETE' })
  for (const time of ['once', 'again']) t.equal((await send(ben, 'PUT', file, { chunks: 2 })).statusCode, 204, time)
  for (const who of [ana, ben, viewer]) {
    for (const [number, chunk] of chunks.entries()) {
      const answer = await send(who, 'GET', `${file}/chunks/${number}`)
      t.equal(answer.headers['content-type'], 'application/octet-stream')
      t.equal(answer.headers['cache-control'], 'no-store')
      t.same(answer.rawPayload, chunk)
    }
  }
  t.equal((await send(ana, 'GET', `${file}/chunks/2`)).statusCode, 404)
  t.match((await send(stranger, 'GET', `${file}/chunks/0`)).json(), { statusCode: 404, code: 'APP_NOT_A_MEMBER' })
  await send(stranger, 'PUT', 'of-stranger')
  t.equal((await send(stranger, 'GET', `of-stranger/${file.slice(5)}/chunks/0`)).statusCode, 404, 'not by another document')
})

t.test('viewers and strangers store nothing, and a chunk is never replaced', async (t) => {
  await newDocument('write')
  const [file, chunk] = [`write/files/${newId()}`, randomBytes(100)]
  t.match((await send(viewer, 'PUT', `${file}/chunks/0`, chunk)).json(), { statusCode: 403, code: 'APP_NOT_AN_EDITOR' })
  t.match((await send(viewer, 'PUT', file, { chunks: 1 })).json(), { statusCode: 403 })
  t.equal((await send(stranger, 'PUT', `${file}/chunks/0`, chunk)).statusCode, 404)
  t.strictSame(await rows('write'), { files: 0, chunks: 0 })

  await send(ben, 'PUT', `${file}/chunks/0`, chunk)
  for (const [who, number, bytes] of [[ben, 0, randomBytes(100)], [ana, 0, chunk], [ana, 1, chunk]] as const) {
    t.match((await send(who, 'PUT', `${file}/chunks/${number}`, bytes)).json(), { statusCode: 409, code: 'APP_FILE_EXISTS' })
  }
  t.match((await send(ana, 'PUT', file, { chunks: 1 })).json(), { statusCode: 404, code: 'APP_FILE_NOT_FOUND' })
  await send(ben, 'PUT', file, { chunks: 1 })
  t.match((await send(ben, 'PUT', `${file}/chunks/1`, chunk)).json(), { statusCode: 409, code: 'APP_FILE_EXISTS' })
  t.same((await send(ana, 'GET', `${file}/chunks/0`)).rawPayload, chunk)

  // Their role has changed, and another process has not heard of it yet.
  await app.prisma.appMembership.updateMany({ where: { documentId: 'write', role: 'editor' }, data: { role: 'viewer' } })
  t.match((await send(ben, 'PUT', `write/files/${newId()}/chunks/0`, chunk)).json(), { statusCode: 403, code: 'APP_NOT_AN_EDITOR' })
})

t.test('chunks, files, and what an owner stores are bounded', async (t) => {
  await newDocument('bounds')
  const at = (id: string, number: number) => `bounds/files/${id}/chunks/${number}`
  t.equal((await send(ben, 'PUT', at(newId(), 0), randomBytes(256 * KiB + 1))).statusCode, 413)
  t.match((await send(ben, 'PUT', at(newId(), 0), Buffer.alloc(0))).json(), { statusCode: 400, code: 'APP_NO_BYTES' })
  t.equal((await send(ben, 'PUT', at(newId(), 0), { a: 1 })).statusCode, 415)
  t.equal((await send(ben, 'PUT', at('short', 0), randomBytes(10))).statusCode, 400)
  const id = newId()
  await send(ben, 'PUT', at(id, 0), randomBytes(256 * KiB))
  t.match((await send(ben, 'PUT', at(id, 1), randomBytes(45 * KiB))).json(), { statusCode: 413, code: 'APP_FILE_TOO_BIG' })
  const { count } = await app.prisma.appFile.createMany({ data: Array.from({ length: 999 }, () => ({ documentId: 'bounds', id: newId(), memberId: 'a' })) })
  t.equal(count, 999)
  t.match((await send(ben, 'PUT', at(newId(), 0), randomBytes(10))).json(), { statusCode: 409, code: 'APP_TOO_MANY_FILES' })
  const codes = new Set<string>()
  await newDocument('full')
  for (let index = 0; index < 5; index++) {
    const { statusCode, body } = await send(ben, 'PUT', `full/files/${newId()}/chunks/0`, randomBytes(256 * KiB))
    if (statusCode !== 204) codes.add((JSON.parse(body) as { code: string }).code)
  }
  t.strictSame([...codes], ['APP_STORAGE_FULL'])
})

t.test('files end with their document, and those that are not finished within a day end, too', async (t) => {
  const carol = await person('Carol')
  const fileOf = async (id: string, isFinished: boolean) => {
    const file = `${id}/files/${newId()}`
    await send(carol, 'PUT', id)
    t.equal((await send(carol, 'PUT', `${file}/chunks/0`, randomBytes(10))).statusCode, 204)
    if (isFinished) await send(carol, 'PUT', file, { chunks: 1 })
  }
  await fileOf('ended', true)
  t.equal((await send(carol, 'DELETE', 'ended')).statusCode, 204)
  t.strictSame(await rows('ended'), { files: 0, chunks: 0 })

  for (const isFinished of [true, false]) await fileOf('kept', isFinished)
  t.equal(await app.files.removeUnfinished(), 0)
  await app.prisma.appFile.updateMany({ where: { documentId: 'kept' }, data: { createdAt: new Date(Date.now() - 25 * 3600 * 1000) } })
  t.equal(await app.files.removeUnfinished(), 1)
  t.strictSame(await rows('kept'), { files: 1, chunks: 1 })

  // By the plugin, which does not know the tables of the app. One that can be restored keeps its files.
  const deleted = { deletedAt: new Date(), version: 0, activeSnapshotId: '', clocks: {}, chainProof: '', snapshotCount: 0, updateCount: 0, bytes: 0 }
  await app.prisma.secsyncDocument.create({ data: { id: 'kept', activeSnapshotId: '', clocks: {}, version: 0 } })
  await app.prisma.secsyncDeletion.create({ data: { ...deleted, documentId: 'kept', restorableUntil: new Date(Date.now() + 3_600_000) } })
  t.equal(await app.files.removeUnfinished(), 0)
  await app.prisma.secsyncDeletion.update({ where: { documentId: 'kept' }, data: { restorableUntil: new Date(Date.now() - 1000) } })
  t.equal(await app.files.removeUnfinished(), 1)
  t.strictSame(await rows('kept'), { files: 0, chunks: 0 })
})
