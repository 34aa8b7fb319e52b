import { deepStrictEqual } from 'node:assert/strict'
import t from 'tap'
import type { Test } from 'tap'
import { hash, type HasAccessParams, type SecsyncOptions, type Snapshot } from '../lib/index.ts'
import { Author, type RawClient } from './fixtures/raw-client.ts'
import { agree, RealClient } from './fixtures/real-client.ts'
import { memoryStore, startServer } from './fixtures/server.ts'

const documentId = 'document'

/** The sessions and what they may do; what is not here may do everything. */
class Rights {
  readonly #refused = new Map<string, string[]>()

  revoke (sessionKey: string, ...actions: Array<HasAccessParams['action']>): void {
    this.#refused.set(sessionKey, actions)
  }

  readonly hasAccess = ({ websocketSessionKey, action }: HasAccessParams) => !this.#refused.get(websocketSessionKey!)?.includes(action)
}

/** One after the other opens a document that has a snapshot. */
async function setUp (t: Test, options: Partial<SecsyncOptions> = {}) {
  const store = memoryStore()
  const rights = new Rights()
  const { app, endpoint, connect } = await startServer(t, { ...store, hasAccess: rights.hasAccess, ...options })
  const author = new Author()
  const snapshot = author.snapshot(documentId)
  store.documents.set(documentId, { snapshots: [snapshot], updates: [] })
  return {
    app,
    endpoint,
    connect,
    store,
    rights,
    author,
    snapshot,
    async open (...sessionKeys: string[]): Promise<RawClient[]> {
      const clients = sessionKeys.map((sessionKey) => connect(documentId, { sessionKey }))
      for (const client of clients) await client.next('document')
      return clients
    }
  }
}

/** It has been told, and closed; and has got nothing else. */
async function isRefused (t: Test, client: RawClient): Promise<void> {
  t.equal(await client.closed(), 4401)
  t.strictSame(client.received, [{ type: 'unauthorized' }])
}

/** What a writer sends next, saved. */
async function write (author: Author, client: RawClient, snapshot: Snapshot, clock: number) {
  const update = author.update(documentId, snapshot.publicData.snapshotId, clock)
  client.send(update)
  await client.next('update-saved')
  return update
}

async function receives (client: RawClient, update: object): Promise<void> {
  const { type: _, ...received } = await client.next('update')
  deepStrictEqual(received, update)
}

const all = ['read', 'write-snapshot', 'write-update', 'send-ephemeral-message'] as const

t.test('whoever loses read access gets nothing more, is told and closed, and cannot come back', async (t) => {
  const { open, connect, rights, author, snapshot } = await setUp(t)
  const [writer, reader, revoked] = await open('writer', 'reader', 'revoked') as [RawClient, RawClient, RawClient]
  rights.revoke('revoked', ...all)
  const update = await write(author, writer, snapshot, 0)
  await receives(reader, update)
  await isRefused(t, revoked)
  await isRefused(t, connect(documentId, { sessionKey: 'revoked' }))
})

for (const message of ['update', 'snapshot', 'ephemeral-message'] as const) {
  t.test(`hasBroadcastAccess is asked for every ${message}`, async (t) => {
    const allowed = new Set(['writer', 'reader', 'revoked'])
    const { open, author, snapshot } = await setUp(t, {
      hasBroadcastAccess: ({ websocketSessionKeys }) => websocketSessionKeys.map((key) => allowed.has(key))
    })
    const [writer, reader, revoked] = await open('writer', 'reader', 'revoked') as [RawClient, RawClient, RawClient]
    let parent = snapshot
    let clock = 0
    const send = async () => {
      if (message === 'update') {
        await write(author, writer, snapshot, clock++)
      } else if (message === 'snapshot') {
        parent = author.snapshot(documentId, { parent })
        writer.send(parent)
        await writer.next('snapshot-saved')
      } else {
        writer.send(author.ephemeralMessage(documentId))
      }
      await reader.next(message)
    }
    await send()
    await revoked.next(message)
    allowed.delete('revoked')
    await send()
    await isRefused(t, revoked)
    await send()
  })
}

t.test('an answer of hasBroadcastAccess does not hold for what is relayed after the question', async (t) => {
  let answer = (_isAllowed: boolean) => {}
  let asked = () => {}
  const isAsked = () => new Promise<void>((resolve) => { asked = resolve })
  const { open, author, snapshot } = await setUp(t, {
    hasBroadcastAccess: ({ websocketSessionKeys }) => new Promise((resolve) => {
      answer = (isAllowed) => resolve(websocketSessionKeys.map((key) => isAllowed || key !== 'revoked'))
      asked()
    })
  })
  const [writer, revoked] = await open('writer', 'revoked') as [RawClient, RawClient]
  const first = isAsked()
  const before = await write(author, writer, snapshot, 0)
  await first
  // Access is revoked now, and then somebody writes. The answer to the first question was on its way already.
  await write(author, writer, snapshot, 1)
  const second = isAsked()
  answer(true)
  await second
  answer(false)
  await receives(revoked, before)
  await isRefused(t, revoked)
})

t.test('a viewer reads, shows its cursor, and is sent away when it writes', async (t) => {
  const { open, author, snapshot, rights, store } = await setUp(t)
  const viewer = new Author()
  rights.revoke('viewer', 'write-snapshot', 'write-update')
  let clock = 0
  const messages: Record<string, () => object> = {
    update: () => viewer.update(documentId, snapshot.publicData.snapshotId, 0),
    snapshot: () => viewer.snapshot(documentId, { parent: snapshot, clocks: { [author.publicKey]: clock - 1 } })
  }
  for (const [name, make] of Object.entries(messages)) {
    const [writer, client] = await open('writer', 'viewer') as [RawClient, RawClient]
    await receives(client, await write(author, writer, snapshot, clock++))
    const cursor = viewer.ephemeralMessage(documentId)
    client.send(cursor)
    t.equal((await writer.next('ephemeral-message')).signature, cursor.signature)

    const before = structuredClone(store.documents.get(documentId))
    client.send(make())
    // What comes behind it is not looked at.
    client.send(viewer.ephemeralMessage(documentId))
    await isRefused(t, client)
    t.strictSame(store.documents.get(documentId), before, `${name}: nothing is stored`)
    await write(author, writer, snapshot, clock++)
    t.strictSame(writer.received, [], `${name}: nothing is relayed`)
    await writer.close()
  }
})

t.test('who may not send ephemeral messages is sent away when it does', async (t) => {
  const { open, author, rights } = await setUp(t)
  const [writer, silent] = await open('writer', 'silent') as [RawClient, RawClient]
  rights.revoke('silent', 'send-ephemeral-message')
  silent.send(new Author().ephemeralMessage(documentId))
  await isRefused(t, silent)
  writer.send(author.ephemeralMessage(documentId))
  t.strictSame(writer.received, [])
})

t.test('disconnect() closes the connections of a document, of a session key, or of both together, and no others', async (t) => {
  const sessions = [['a', 'x'], ['a', 'y'], ['b', 'x'], ['b', 'y'], ['b', 'x']] as const
  const cases = [
    { which: { documentId: 'a' }, gone: [0, 1] },
    { which: { websocketSessionKey: 'x' }, gone: [0, 2, 4] },
    { which: { documentId: 'b', websocketSessionKey: 'x' }, gone: [2, 4] },
    { which: { sessionKeyHash: hash('x') }, gone: [0, 2, 4] },
    { which: { documentId: 'b', sessionKeyHash: hash('y') }, gone: [3] },
    { which: { documentId: 'c' }, gone: [] },
    { which: { sessionKeyHash: 'x' }, gone: [] },
    { which: { documentId: 'A', websocketSessionKey: 'X' }, gone: [] },
    { which: { documentId: 'x', websocketSessionKey: 'a' }, gone: [] }
  ]
  for (const { which, gone } of cases) {
    const { app, connect } = await startServer(t, memoryStore())
    const clients = sessions.map(([id, sessionKey]) => connect(id, { sessionKey }))
    await Promise.all(clients.map((client) => client.next('document')))
    app.secsync.disconnect(which)
    const isGone = (_client: RawClient, index: number) => gone.includes(index)
    for (const client of clients.filter(isGone)) await isRefused(t, client)
    // The others answer a ping.
    for (const client of clients.filter((client, index) => !isGone(client, index))) {
      const pong = new Promise<void>((resolve) => client.socket.once('pong', () => resolve()))
      client.socket.ping()
      await pong
      t.strictSame(client.received, [])
    }
    t.equal(app.secsync.stats().connections, sessions.length - gone.length)
  }
})

t.test('disconnect() of everybody is refused: it is rather a key that was not found', async (t) => {
  const { app, open } = await setUp(t)
  await open('somebody')
  t.throws(() => { app.secsync.disconnect({}) }, { code: 'FST_SECSYNC_DISCONNECT_INVALID' })
  t.equal(app.secsync.stats().connections, 1)
})

t.test('disconnect() works at once', async (t) => {
  await t.test('on a connection whose access is not known yet', async (t) => {
    let grant = (_access: boolean) => {}
    let asked = () => {}
    const isAsked = new Promise<void>((resolve) => { asked = resolve })
    const { app, connect } = await setUp(t, {
      hasAccess: () => {
        asked()
        return new Promise((resolve) => { grant = resolve })
      }
    })
    const client = connect(documentId, { sessionKey: 'revoked' })
    await isAsked
    app.secsync.disconnect({ websocketSessionKey: 'revoked' })
    grant(true)
    await isRefused(t, client)
    t.strictSame(app.secsync.stats().documents, 0)
  })

  await t.test('on a connection whose document is being loaded', async (t) => {
    let load = () => {}
    const loaded = new Promise<void>((resolve) => { load = resolve })
    let asked = () => {}
    const isAsked = new Promise<void>((resolve) => { asked = resolve })
    const { app, connect } = await setUp(t, {
      getDocument: async () => {
        asked()
        await loaded
        return { updates: [] }
      }
    })
    const client = connect(documentId, { sessionKey: 'revoked' })
    await isAsked
    app.secsync.disconnect({ documentId })
    load()
    await isRefused(t, client)
    t.strictSame(app.secsync.stats().documents, 0)
  })

  await t.test('on messages of which it is not known whether they may be written', async (t) => {
    let grant = (_access: boolean) => {}
    let asked = () => {}
    const isAsked = new Promise<void>((resolve) => { asked = resolve })
    const { app, open, store, snapshot } = await setUp(t, {
      hasAccess: ({ action }) => {
        if (action === 'read') return true
        asked()
        return new Promise((resolve) => { grant = resolve })
      }
    })
    const [client, reader] = await open('revoked', 'reader') as [RawClient, RawClient]
    const refused = new Promise<unknown>((resolve) => app.secsync.addHook('onError', ({ error }) => resolve(error)))
    client.send(new Author().update(documentId, snapshot.publicData.snapshotId, 0))
    await isAsked
    app.secsync.disconnect({ websocketSessionKey: 'revoked' })
    grant(true)
    t.match(await refused, { code: 'FST_SECSYNC_CONNECTION_CLOSED' })
    await isRefused(t, client)
    t.strictSame(store.documents.get(documentId)!.updates, [])
    t.strictSame(reader.received, [])
  })

  await t.test('on a client that never answers the close frame', async (t) => {
    const { app, open, author, snapshot, store } = await setUp(t)
    const [writer, deaf] = await open('writer', 'deaf') as [RawClient, RawClient]
    deaf.socket.pause()
    app.secsync.disconnect({ websocketSessionKey: 'deaf' })
    deaf.send(new Author().update(documentId, snapshot.publicData.snapshotId, 0))
    await write(author, writer, snapshot, 0)
    t.equal(store.documents.get(documentId)!.updates.length, 1)
    deaf.socket.resume()
    await isRefused(t, deaf)
  })
})

t.test('a real client that has lost its access stops, and the others go on', async (t) => {
  const { app, endpoint, rights } = await setUp(t)
  const [a, b, revoked] = ['a', 'b', 'revoked'].map((websocketSessionKey) => new RealClient(t, endpoint, 'yjs', { websocketSessionKey })) as [RealClient, RealClient, RealClient]
  a.type('before')
  await agree(a, b, revoked)
  rights.revoke('revoked', ...all)
  app.secsync.disconnect({ documentId: 'yjs', websocketSessionKey: 'revoked' })
  await revoked.until(({ status }) => status === 'noAccess')
  b.type('after ', 0)
  t.equal(await agree(a, b), 'after before')
  t.equal(revoked.text.toString(), 'before')
})
