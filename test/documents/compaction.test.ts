import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openClient, untilEqual } from '../fixtures/client.ts'
import { idOf, openDocument } from '../fixtures/open-document.ts'
import { Author } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'

const [ada, bob] = [new Author(), new Author()]

for (const [name, limits] of [
  ['maxUpdatesPerSnapshot', { maxUpdatesPerSnapshot: 3 }], ['maxBytesPerSnapshot', { maxBytesPerSnapshot: 1000, maxUpdatesPerSnapshot: 0 }]
] as const) {
  t.test(`${name}: the next author is asked for a snapshot, and the others go on`, async (t) => {
    const { writer, reader, snapshot } = await openDocument(t, { limits })
    const id = idOf(snapshot)
    for (const clock of [0, 1, 2]) {
      writer.send(ada.update('document', id, clock))
      await writer.next('update-saved')
      await reader.next('update')
    }
    writer.send(ada.update('document', id, 3))
    t.match(await writer.next('update-save-failed'), { clock: 3, requiresNewSnapshot: true })
    reader.send(bob.update('document', id, 0))
    await reader.next('update-saved')
    await writer.next('update')
    const next = ada.snapshot('document', { parent: snapshot, clocks: { [ada.publicKey]: 2, [bob.publicKey]: 0 } })
    writer.send(next)
    await writer.next('snapshot-saved')
    await reader.next('snapshot')
    for (const clock of [0, 1, 2]) {
      reader.send(bob.update('document', idOf(next), clock))
      await reader.next('update-saved')
    }
  })
}

t.test('when the author that was asked leaves, the next one is asked', async (t) => {
  const { writer, reader, snapshot } = await openDocument(t, { limits: { maxUpdatesPerSnapshot: 1 } })
  writer.send(ada.update('document', idOf(snapshot), 0))
  await writer.next('update-saved')
  await reader.next('update')
  writer.send(ada.update('document', idOf(snapshot), 1))
  t.match(await writer.next('update-save-failed'), { requiresNewSnapshot: true })
  await writer.close()
  for (let isAsked = false, clock = 0; !isAsked;) {
    reader.send(bob.update('document', idOf(snapshot), clock))
    const answer = await reader.nextOfAny()
    isAsked = answer.type === 'update-save-failed' && answer.requiresNewSnapshot
    clock++
  }
})

t.test('a document whose snapshot may be too big for a message is left alone', async (t) => {
  const { writer, snapshot } = await openDocument(t, { limits: { maxUpdatesPerSnapshot: 3, maxMessageSize: 1024 } })
  for (const clock of [0, 1, 2, 3, 4]) {
    writer.send(ada.update('document', idOf(snapshot), clock))
    await writer.next('update-saved')
  }
})

t.test('published clients that would never send a snapshot do when they are asked, one at a time', async (t) => {
  const { app: { secsync }, endpoint } = await startServer(t, { limits: { maxUpdatesPerSnapshot: 20 } })
  let snapshots = 0
  secsync.addHook('preValidation', ({ action }) => { if (action === 'write-snapshot') snapshots++ })
  const clients = [1, 2, 3].map(() => new RealClient(t, endpoint, 'document', { snapshotEvery: Infinity }))
  clients[0]!.type('first ')
  await agree(...clients)
  for (let i = 0; i < 40; i++) {
    for (const client of clients) client.type(`${i} `)
    await sleep(5)
  }
  await agree(...clients)
  const { usage } = await secsync.documents.get('document') ?? {}
  t.ok(usage && usage.snapshots > 1, `${usage?.snapshots} snapshots, ${usage?.updates} updates`)
  t.ok(snapshots <= 4 * (usage?.snapshots ?? 0), `${snapshots} were sent`)
})

t.test('our clients, too', async (t) => {
  const { app: { secsync }, endpoint } = await startServer(t, { limits: { maxUpdatesPerSnapshot: 5 } })
  const clients = [1, 2].map(() => openClient(t, endpoint, 'document'))
  clients[0]!.crdt.add('first')
  await untilEqual(...clients)
  for (let i = 0; i < 20; i++) {
    clients[i % 2]!.crdt.add(`item ${i}`)
    await untilEqual(...clients)
  }
  const { usage } = await secsync.documents.get('document') ?? {}
  t.ok(usage && usage.snapshots >= 3, `${usage?.snapshots} snapshots, ${usage?.updates} updates`)
})
