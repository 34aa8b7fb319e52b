import { Type } from '@sinclair/typebox'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { z } from 'zod'
import { openDocument, type DocumentOptions, type SecsyncDocument } from '../../lib/client/index.ts'
import { yjs } from '../../lib/client/yjs.ts'
import { untilState } from '../fixtures/client.ts'
import { startProxy } from '../fixtures/proxy.ts'
import { PublishedHook } from '../fixtures/published-hook.ts'
import { key, sodium } from '../fixtures/raw-client.ts'
import { startServer } from '../fixtures/server.ts'

/** This package's client with Yjs, as an application uses it. */
class Ours {
  readonly yDoc = new Y.Doc()
  readonly text = this.yDoc.getText('text')
  readonly awareness = new Awareness(this.yDoc)
  readonly document: SecsyncDocument
  readonly received: string[] = []

  constructor (t: Test, url: string, documentId: string, options: Partial<DocumentOptions> = {}) {
    this.document = openDocument({
      url,
      documentId,
      sessionKey: 'session-key-of-ours',
      crdt: yjs(this.yDoc, { awareness: this.awareness }),
      getKey: () => key,
      isValidClient: () => true,
      WebSocket: WebSocket as unknown as NonNullable<DocumentOptions['WebSocket']>,
      onFrame: ({ sent, text }) => { if (!sent) this.received.push((JSON.parse(text) as { type: string }).type) },
      ...options
    })
    t.teardown(async () => {
      await this.document.destroy()
      this.yDoc.destroy()
    })
  }

  get isSettled (): boolean {
    const { connection, pending } = this.document.getState()
    return connection.status === 'live' && pending === 0
  }

  type (text: string): void {
    this.text.insert(this.text.length, text)
  }

  async live (): Promise<void> {
    await untilState(this.document, ({ connection }) => connection.status === 'live')
  }

  /** Resolves when the document, the state or presence has made the condition true. */
  async until (condition: (client: this) => boolean): Promise<void> {
    while (!condition(this)) {
      await new Promise<void>((resolve) => {
        const done = () => {
          end()
          this.yDoc.off('update', done)
          this.awareness.off('change', done)
          resolve()
        }
        const end = this.document.subscribe(done)
        this.yDoc.on('update', done)
        this.awareness.on('change', done)
      })
    }
  }
}

type Client = Ours | PublishedHook

/** Resolves when all are settled and have the same changes, and gives their text. */
async function agree (...clients: [Client, ...Client[]]): Promise<string> {
  const changes = ({ yDoc }: Client) => JSON.stringify([...Y.decodeStateVector(Y.encodeStateVector(yDoc))].sort(([a], [b]) => a - b))
  const agreed = () => clients.every((client) => client.isSettled && changes(client) === changes(clients[0]))
  while (!agreed()) await Promise.race(clients.map((client) => nextEvent(client)))
  const texts = new Set(clients.map(({ text }) => text.toJSON()))
  if (texts.size > 1) throw new Error(`The same changes make different texts: ${[...texts].join(' / ')}`)
  return clients[0].text.toJSON()
}

function nextEvent (client: Client): Promise<void> {
  let calls = 0
  return client.until(() => calls++ > 0)
}

/** The names of the others that it sees. */
function others ({ awareness }: Client): string[] {
  return [...awareness.getStates()].filter(([id]) => id !== awareness.clientID).map(([, { name }]) => String(name)).sort()
}

function countOf (text: string, character: string): number {
  return text.split(character).length - 1
}

t.test('a document of the one is opened by the other, and both write on', async (t) => {
  const { endpoint } = await startServer(t)
  for (const isOurs of [true, false]) {
    const documentId = isOurs ? 'ours' : 'published'
    const first = isOurs ? new Ours(t, endpoint, documentId) : new PublishedHook(t, endpoint, documentId)
    await first.until(({ isSettled }) => isSettled)
    first.type('snapshot ')
    await first.until(({ isSettled }) => isSettled)
    first.type('update ')
    await first.until(({ isSettled }) => isSettled)
    const second = isOurs ? new PublishedHook(t, endpoint, documentId) : new Ours(t, endpoint, documentId)
    t.equal(await agree(first, second), 'snapshot update ')
    second.type('answer ')
    t.equal(await agree(first, second), 'snapshot update answer ')
    first.type('end')
    t.equal(await agree(first, second), 'snapshot update answer end')
  }
})

t.test('both write at the same time, and both make snapshots: nothing is missing', async (t) => {
  const { endpoint } = await startServer(t)
  const ours = new Ours(t, endpoint, 'document', { batchDelay: 0 })
  await ours.live()
  const published = new PublishedHook(t, endpoint, 'document', { shouldSendSnapshot: ({ snapshotUpdatesCount }) => snapshotUpdatesCount >= 7 })
  ours.type('.')
  await agree(ours, published)
  const snapshots: Array<Promise<void>> = []
  for (let round = 0; round < 40; round++) {
    ours.type('o')
    if (round % 9 === 8) snapshots.push(ours.document.createSnapshot())
    published.type('p')
    await Promise.all([published.until(({ text }) => countOf(text.toJSON(), 'o') > round), ours.until(({ text }) => countOf(text.toJSON(), 'p') > round)])
  }
  await Promise.all(snapshots)
  const text = await agree(ours, published)
  t.same([countOf(text, 'o'), countOf(text, 'p')], [40, 40])
  t.ok(ours.received.includes('snapshot') && ours.received.filter((type) => type === 'snapshot-saved').length > 1, `both made snapshots: ${ours.received.join(' ')}`)
})

t.test('who was away catches up with what is missing: updates, and a chain of snapshots', async (t) => {
  const { endpoint } = await startServer(t)
  const line = await startProxy(t, endpoint)
  const ours = new Ours(t, line.endpoint, 'document')
  await ours.live()
  const published = new PublishedHook(t, endpoint, 'document')
  ours.type('1')
  await agree(ours, published)

  published.disconnect()
  published.type('a')
  ours.type('2')
  for (let snapshots = 0; snapshots < 3; snapshots++) {
    await ours.document.createSnapshot()
    ours.type('s')
  }
  await ours.document.whenSaved()
  published.connect()
  const withOurs = await agree(ours, published)
  t.same([...withOurs].sort().join(''), '12asss')

  line.cut()
  line.toServer.hold()
  ours.type('3')
  let snapshots = 0
  const other = new PublishedHook(t, endpoint, 'document', { shouldSendSnapshot: () => snapshots++ < 3 })
  await other.until(({ isSettled }) => isSettled)
  for (const character of 'bcde') {
    other.type(character)
    await published.until(({ text }) => text.toJSON().includes(character))
  }
  t.ok(snapshots >= 3)
  line.toServer.release()
  line.cut()
  t.same([...await agree(ours, published, other)].sort().join(''), '123abcdesss')
})

t.test('another key, by either of them, is taken by the other', async (t) => {
  const keys = new Map([['one', key], ['two', sodium.randombytes_buf(32)], ['three', sodium.randombytes_buf(32)]])
  const keyOf = (info: { additionalPublicData?: unknown } | null | undefined) => {
    const { keyId } = (info?.additionalPublicData ?? { keyId: 'one' }) as { keyId: string }
    return keys.get(keyId)!
  }
  const { endpoint } = await startServer(t, { additionalAuthenticationDataValidations: { snapshot: Type.Object({ keyId: Type.String() }) } })
  let keyId = 'one'
  let isDue = false
  const ours = new Ours(t, endpoint, 'document', {
    getKey: keyOf,
    getNewSnapshotData: () => ({ key: keys.get(keyId)!, publicData: { keyId } })
  })
  await ours.live()
  const published: PublishedHook = new PublishedHook(t, endpoint, 'document', {
    additionalAuthenticationDataValidations: { snapshot: z.object({ keyId: z.string() }) },
    getSnapshotKey: async (info) => keyOf(info),
    getNewSnapshotData: async () => ({ data: Y.encodeStateAsUpdateV2(published.yDoc), key: keys.get(keyId)!, publicData: { keyId } }),
    shouldSendSnapshot: () => {
      const wasDue = isDue
      isDue = false
      return wasDue
    }
  })
  ours.type('1')
  await agree(ours, published)
  keyId = 'two'
  await ours.document.createSnapshot()
  published.type('2')
  ours.type('3')
  t.equal((await agree(ours, published)).length, 3)
  keyId = 'three'
  isDue = true
  published.type('4')
  await ours.until(({ received }) => received.includes('snapshot'))
  ours.type('5')
  t.equal((await agree(ours, published)).length, 5)
  const late = new Ours(t, endpoint, 'document', { getKey: keyOf, isValidPublicData: (_, additional) => additional.keyId === 'three' })
  t.equal((await agree(ours, published, late)).length, 5)
})

t.test('each sees the presence of the other, also after a reconnect; who leaves this client is gone', async (t) => {
  const { endpoint } = await startServer(t)
  const line = await startProxy(t, endpoint)
  const ours = new Ours(t, line.endpoint, 'document')
  await ours.live()
  ours.awareness.setLocalStateField('name', 'Ours')
  ours.type('1')
  const published = new PublishedHook(t, endpoint, 'document')
  await agree(ours, published)
  published.awareness.setLocalStateField('name', 'Published')
  await published.until((hook) => others(hook).join() === 'Ours')
  published.awareness.setLocalStateField('cursor', 1)
  await ours.until((client) => others(client).join() === 'Published')
  const third = new Ours(t, endpoint, 'document')
  third.awareness.setLocalStateField('name', 'Third')
  await third.until((client) => others(client).includes('Ours'))
  await ours.until((client) => others(client).join() === 'Published,Third')
  await published.until((hook) => others(hook).join() === 'Ours,Third')

  line.cut()
  await ours.until((client) => others(client).length === 0)
  ours.awareness.setLocalStateField('name', 'Ours again')
  await ours.until((client) => others(client).includes('Third'))
  await published.until((hook) => others(hook).includes('Ours again'))
  published.awareness.setLocalStateField('cursor', 2)
  await ours.until((client) => others(client).join() === 'Published,Third')

  await third.document.destroy()
  await ours.until((client) => others(client).join() === 'Published')
  published.awareness.setLocalState(null)
  await ours.until((client) => others(client).length === 0)
})
