// The published client with Yjs, as people use it, against PostgreSQL.
import { Type } from '@sinclair/typebox'
import type { LoadDocumentParams } from 'secsync'
import t, { type Test } from 'tap'
import * as Y from 'yjs'
import { z } from 'zod'
import type { GetDocumentParams, SecsyncOptions } from '../lib/index.ts'
import { key } from './fixtures/raw-client.ts'
import { agree, RealClient } from './fixtures/real-client.ts'
import { memoryStore, startServer } from './fixtures/server.ts'

type Known = LoadDocumentParams['knownSnapshotInfo']

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

/** Types a text letter by letter, each time at another place, with others in between. */
async function typeSlowly (text: string, ...clients: RealClient[]): Promise<void> {
  for (const [index, letter] of [...text].entries()) {
    for (const client of clients) client.type(letter, (index * 7) % (client.text.length + 1))
    await nextTurn()
  }
}

function clientsOf (t: Test, endpoint: string, count: number, snapshotEvery = 10): RealClient[] {
  return Array.from({ length: count }, () => new RealClient(t, endpoint, 'document', { snapshotEvery }))
}

/** What the clients ask for when they connect. */
async function startRecorded (t: Test, options: Partial<SecsyncOptions> = {}) {
  const asked: Array<Pick<GetDocumentParams, 'mode' | 'knownSnapshotId'>> = []
  const server = await startServer(t, {
    preHandler: async ({ query }) => { asked.push(query as GetDocumentParams) },
    ...options
  })
  return { ...server, asked, stored: async () => await server.app.secsync.getDocument({ documentId: 'document', mode: 'complete' }) }
}

t.test('several people write at once and make snapshots; all have the same text, and so has who comes later', async (t) => {
  const { endpoint, stored } = await startRecorded(t)
  const clients = clientsOf(t, endpoint, 4)
  await typeSlowly('the quick brown fox jumps over the lazy dog', ...clients)
  const text = await agree(...clients)
  t.equal(text.length, 43 * 4)
  t.not((await stored())?.snapshot?.publicData.parentSnapshotId, '', 'there is more than the initial snapshot')
  t.equal(await agree(...clientsOf(t, endpoint, 1), clients[0]!), text)
})

t.test('who was away gets what is missing with a delta, and brings what was written meanwhile', async (t) => {
  const { endpoint, asked } = await startRecorded(t)
  const [a, b, c] = clientsOf(t, endpoint, 3, 1000) as [RealClient, RealClient, RealClient]
  await typeSlowly('together', a, b, c)
  await agree(a, b, c)
  a.disconnect()
  await typeSlowly('away', a, b, c)
  await agree(b, c)
  asked.splice(0)
  a.connect()
  t.equal((await agree(a, b, c)).length, 3 * 12)
  t.match(asked, [{ mode: 'delta', knownSnapshotId: String }])
})

t.test('who was away while others made snapshots follows the proofs from the one that they know', async (t) => {
  const { endpoint, asked, stored } = await startRecorded(t)
  const [a, b] = clientsOf(t, endpoint, 2, 3) as [RealClient, RealClient]
  a.type('before')
  await agree(a, b)
  a.disconnect()
  for (let round = 0; round < 3; round++) {
    const before = (await stored())?.snapshot?.publicData.snapshotId
    while ((await stored())?.snapshot?.publicData.snapshotId === before) {
      b.type('b')
      await b.until(({ isSettled }) => isSettled)
    }
  }
  a.type('offline')
  asked.splice(0)
  a.connect()
  const text = await agree(a, b)
  t.match(text, 'offline')
  t.match(asked, [{ mode: 'delta' }])
  t.strictSame(a.state.context._snapshotAndUpdateErrors, [])
})

t.test('who kept the document on their device goes on with it, without loading it again', async (t) => {
  const { endpoint, asked } = await startRecorded(t)
  const [a, b] = clientsOf(t, endpoint, 2, 1000) as [RealClient, RealClient]
  await typeSlowly('kept', a, b)
  await agree(a, b)
  const [kept, known] = [Y.encodeStateAsUpdate(a.yDoc), a.known as Known]
  a.stop()
  await typeSlowly('more', b)
  await b.until(({ isSettled }) => isSettled)
  asked.splice(0)
  const later = new RealClient(t, endpoint, 'document', { loadDocumentParams: { mode: 'delta', knownSnapshotInfo: known } })
  Y.applyUpdate(later.yDoc, kept, 'remote')
  t.equal((await agree(later, b)).length, 12)
  t.match(asked, [{ mode: 'delta', knownSnapshotId: known.snapshotId }])
  later.type('!')
  t.equal((await agree(later, b)).length, 13)
})

t.test('people see where the others are', async (t) => {
  const { endpoint } = await startRecorded(t)
  const [a, b] = clientsOf(t, endpoint, 2) as [RealClient, RealClient]
  a.type('text')
  await agree(a, b)
  // Sessions are proven to each other first; what is sent before that is not shown.
  const seen = (client: RealClient, message: string) => client.ephemeralMessages.includes(message)
  while (!seen(a, 'b is here') || !seen(b, 'a is here')) {
    a.sendEphemeralMessage('a is here')
    b.sendEphemeralMessage('b is here')
    await nextTurn()
  }
  t.strictSame(a.state.context._snapshotAndUpdateErrors, [])
})

t.test("an application's public data travels with snapshots and updates", async (t) => {
  const { endpoint, stored } = await startRecorded(t, {
    additionalAuthenticationDataValidations: { snapshot: Type.Object({ keyId: Type.String() }) }
  })
  const clients = [0, 1].map(() => {
    const client: RealClient = new RealClient(t, endpoint, 'document', {
      snapshotEvery: 3,
      getNewSnapshotData: async () => ({ data: Y.encodeStateAsUpdate(client.yDoc), key, publicData: { keyId: 'key 1' } }),
      additionalAuthenticationDataValidations: { snapshot: z.object({ keyId: z.string() }) }
    })
    return client
  })
  await typeSlowly('public', ...clients)
  t.equal((await agree(...clients)).length, 12)
  t.match((await stored())?.snapshot?.publicData, { keyId: 'key 1' })
})

t.test('no access ends in the state noAccess, trouble with the document in failed: from neither does the client come back', async (t) => {
  const store = memoryStore()
  for (const [options, state] of [
    [{ hasAccess: () => false }, 'noAccess'],
    [{ getDocument: () => undefined }, 'noAccess'],
    [{ getDocument: () => { throw new Error('no') } }, 'failed']
  ] as const) {
    const { endpoint } = await startServer(t, { ...store, ...options })
    const client = new RealClient(t, endpoint, 'document')
    await client.until(({ status }) => status === state)
    t.equal(client.status, state)
  }
})

t.test('who loses access sees it at once, and the others go on', async (t) => {
  const { app, endpoint } = await startRecorded(t)
  const [a, b] = clientsOf(t, endpoint, 2) as [RealClient, RealClient]
  const other = new RealClient(t, endpoint, 'document', { websocketSessionKey: 'other' })
  a.type('text')
  await agree(a, b, other)
  app.secsync.disconnect({ documentId: 'document', websocketSessionKey: 'other' })
  await other.until(({ status }) => status === 'noAccess')
  a.type('more')
  t.equal(await agree(a, b), 'textmore')
})
