import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { HasQuotaParams } from '../../lib/index.ts'
import { openClient, untilEqual, untilState } from '../fixtures/client.ts'
import { openDocument, idOf } from '../fixtures/open-document.ts'
import { Author } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'

const ada = new Author()

t.test('a document takes no more than maxDocumentBytes, and reading goes on', async (t) => {
  const { app: { secsync }, writer, reader, snapshot, connect } = await openDocument(t, { limits: { maxDocumentBytes: 4000 } })
  let saved = 0
  for (let clock = 0; ; clock++) {
    writer.send(ada.update('document', idOf(snapshot), clock))
    const answer = await writer.nextOfAny()
    if (answer.type !== 'update-saved') {
      t.match(answer, { type: 'update-save-failed', clock, requiresNewSnapshot: false, reason: 'documentFull' })
      break
    }
    await reader.next('update')
    saved++
  }
  t.ok(saved >= 2)
  const { usage } = await secsync.documents.get('document') ?? {}
  t.ok(usage && usage.keptBytes <= 4000 && usage.keptBytes > 3000)
  const big = ada.snapshot('document', { parent: snapshot, clocks: { [ada.publicKey]: saved - 1 } })
  writer.send(big)
  t.match(await writer.next('snapshot-save-failed'), { reason: 'documentFull' })
  writer.send(ada.ephemeralMessage('document'))
  await reader.next('ephemeral-message')
  t.equal((await connect('document').next('document')).updates?.length, saved)
})

for (const [what, snapshotEvery] of [['updates', Infinity], ['snapshots', 1]] as const) {
  t.test(`the published client that has no room for its ${what} keeps its text, tries now and then, reads on, and saves it when there is room`, async (t) => {
    const messages: HasQuotaParams[] = []
    let hasRoom = true
    const { endpoint } = await startServer(t, {
      hasQuota: (params) => {
        messages.push(params)
        return hasRoom || params.publicKey === other.publicKey
      }
    })
    const client = new RealClient(t, endpoint, 'document', { snapshotEvery })
    const other = new RealClient(t, endpoint, 'document', { snapshotEvery: Infinity })
    client.type('before')
    await agree(client, other)
    t.match(messages[0], { action: 'write-snapshot', documentId: 'document', publicKey: client.publicKey })
    hasRoom = false
    messages.length = 0
    client.type(' full')
    await sleep(2000)
    t.ok(messages.length > 0 && messages.length <= 10, `${messages.length} messages in two seconds`)
    t.equal(client.status, 'connected')
    other.type('other ', 0)
    await client.until(({ text }) => text.toString() === 'other before full')
    t.notOk(client.isSettled)
    hasRoom = true
    t.equal(await agree(client, other), 'other before full')
  })
}

t.test('our client says that the document is full, keeps what is written, reads on, and saves it when there is room', async (t) => {
  let hasRoom = true
  let refused = 0
  const writers = new Set<string>()
  const { endpoint } = await startServer(t, {
    hasQuota: ({ publicKey }) => {
      const allowed = hasRoom || publicKey === other.document.publicKey
      writers.add(publicKey)
      if (!allowed) refused++
      return allowed
    }
  })
  const client = openClient(t, endpoint, 'document')
  const other = openClient(t, endpoint, 'document')
  client.crdt.add('before')
  await untilEqual(client, other)
  t.equal(client.document.getState().isFull, false)
  hasRoom = false
  client.crdt.add('full')
  t.match(await untilState(client.document, ({ isFull }) => isFull), { connection: { status: 'live' }, pending: 1 })
  other.crdt.add('other')
  while (!client.crdt.sorted.includes('other')) await sleep(10)
  const demanded = client.document.createSnapshot()
  demanded.catch(() => {})
  await sleep(1500)
  t.ok(refused >= 1 && refused <= 3, `${refused} refusals`)
  t.match(client.document.getState(), { connection: { status: 'live' }, isFull: true })
  hasRoom = true
  client.document.retry()
  t.strictSame(await untilEqual(client, other), ['before', 'full', 'other'])
  t.equal(client.document.getState().isFull, false)
})

t.test('a callback that answers nonsense or throws refuses, and is named', async (t) => {
  for (const hasQuota of [() => undefined as unknown as boolean, () => { throw new Error('broken') }]) {
    const errors: unknown[] = []
    const { app: { secsync }, connect } = await startServer(t, { hasQuota })
    secsync.addHook('onError', ({ error }) => { errors.push(error) })
    const client = connect('document')
    await client.next('document')
    client.send(ada.snapshot('document'))
    t.equal((await client.next('snapshot-save-failed')).reason, undefined)
    while (errors.length === 0) await sleep(1)
    t.match(errors, [{ message: /hasQuota returned neither|broken/ }])
  }
})
