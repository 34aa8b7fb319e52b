import { setImmediate } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import t from 'tap'
import { purging } from '../../lib/documents/background.ts'
import type { DocumentsCallbacks, Receipt } from '../../lib/index.ts'
import { memoryStore as correctMemoryStore } from '../../lib/testing/memory-store.ts'
import { Log } from '../fixtures/log.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'
import { startServer } from '../fixtures/server.ts'

const ada = new Author()
const names = ['list', 'get', 'usage', 'history', 'snapshot', 'delete', 'receipt', 'restore', 'purge', 'prune', 'recount'] as const

t.test('with a store of your own, what is missing is named, and exists() asks getDocument', async (t) => {
  const { app: { secsync } } = await startServer(t, correctMemoryStore())
  for (const name of names) {
    const call: (argument: string) => Promise<unknown> = secsync.documents[name] as (argument: unknown) => Promise<unknown>
    await t.rejects(call('document'), {
      code: 'FST_SECSYNC_DOCUMENTS_UNSUPPORTED', message: new RegExp(`documents\\.${name}\\(\\) is not supported.*documentCallbacks`)
    })
  }
  t.equal(await secsync.documents.exists('document'), false)
  await secsync.createSnapshot({ snapshot: ada.snapshot('document') })
  t.equal(await secsync.documents.exists('document'), true)
})

t.test('the functions of a store of your own are called, and its clients are told of a deletion', async (t) => {
  const store = correctMemoryStore()
  const receipt: Receipt = {
    documentId: 'document', deletedAt: new Date().toISOString(), version: 1, activeSnapshotId: '', chainProof: '', snapshots: 1, updates: 0, bytes: 1
  }
  const deleted = new Set<string>()
  const documentCallbacks: DocumentsCallbacks = {
    list: async () => ({ documents: [] }),
    exists: async (documentId) => !deleted.has(documentId),
    delete: async (documentId) => {
      if (deleted.has(documentId)) return undefined
      deleted.add(documentId)
      return receipt
    }
  }
  const { app: { secsync }, connect } = await startServer(t, {
    ...store,
    getDocument: (params) => deleted.has(params.documentId) ? undefined : store.getDocument(params),
    documentCallbacks
  })
  await secsync.createSnapshot({ snapshot: ada.snapshot('document') })
  const client = connect('document')
  await client.next('document')
  t.strictSame(await secsync.documents.list(), { documents: [] })
  t.equal(await secsync.documents.exists('document'), true)
  t.strictSame(await secsync.documents.delete('document'), receipt)
  await client.next('document-not-found')
  t.equal(await client.closed(), 4404)
  t.equal(await secsync.documents.delete('document'), undefined)
  await t.rejects(secsync.documents.usage(), { code: 'FST_SECSYNC_DOCUMENTS_UNSUPPORTED' })
})

t.test('a function of your own replaces that of the Prisma store', async (t) => {
  const { connectionString } = await createDatabase(t)
  const { app: { secsync } } = await startServer(t, {
    adapter: new PrismaPg({ connectionString }), documentCallbacks: { get: async () => undefined }
  })
  await secsync.createSnapshot({ snapshot: ada.snapshot('document') })
  t.equal(await secsync.documents.get('document'), undefined)
  t.equal(await secsync.documents.exists('document'), true)
})

t.test('removing the data of deleted documents fails, is logged, and goes on; after stop() nothing begins', async (t) => {
  const log = new Log()
  let calls = 0
  let isAway = true
  const purge = async () => {
    calls++
    if (isAway) throw new Error('away')
    return 0
  }
  const purger = purging({ purge }, Fastify(log.options).log)
  purger.run()
  purger.run()
  while (log.lines.length === 0) await setImmediate()
  t.match(log.lines, [{ msg: /removing the data of deleted documents failed/, err: { message: 'away' } }])
  isAway = false
  purger.run()
  await purger.stop()
  purger.run()
  t.equal(calls, 2)
  t.equal(log.lines.length, 1)
})
