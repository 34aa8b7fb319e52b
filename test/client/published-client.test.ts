import { Type } from '@sinclair/typebox'
import t from 'tap'
import * as Y from 'yjs'
import { z } from 'zod'
import { createKey, memoryStorage, type DocumentOptions, type SecsyncDocument } from '../../lib/client/index.ts'
import { yjs } from '../../lib/client/yjs.ts'
import { openDocumentWith, untilState } from '../fixtures/client.ts'
import type { Lifetime } from '../fixtures/postgres.ts'
import { startProxy } from '../fixtures/proxy.ts'
import { RealClient } from '../fixtures/real-client.ts'
import { key, sodium } from '../fixtures/raw-client.ts'
import { startServer } from '../fixtures/server.ts'

interface Writer {
  document: SecsyncDocument
  yDoc: Y.Doc
  text: Y.Text
}

function open (t: Lifetime, endpoint: string, options: Partial<DocumentOptions> = {}): Writer {
  const yDoc = new Y.Doc()
  return { document: openDocumentWith(t, endpoint, 'document', { crdt: yjs(yDoc), ...options }), yDoc, text: yDoc.getText('text') }
}

function published (t: Lifetime, endpoint: string, options: ConstructorParameters<typeof RealClient>[3] = {}): RealClient {
  return new RealClient(t, endpoint, 'document', { encoding: 'v2', ...options })
}

/** Resolves when both have all of each other, and nothing is pending. */
async function agree (real: RealClient, ours: Writer): Promise<string> {
  const isSame = () => Y.equalSnapshots(Y.snapshot(real.yDoc), Y.snapshot(ours.yDoc))
  while (true) {
    await real.until((real) => real.isSettled)
    await ours.document.whenSaved()
    if (isSame() && real.isSettled) return ours.text.toString()
    await new Promise((resolve) => {
      real.yDoc.once('update', resolve)
      ours.yDoc.once('update', resolve)
      real.until(() => isSame()).then(resolve, resolve)
    })
  }
}

t.test('both write into one document, whoever begins it and whoever makes its snapshots', async (t) => {
  for (const begins of ['published', 'ours'] as const) {
    const { endpoint } = await startServer(t)
    const real = published(t, endpoint, { snapshotEvery: 3 })
    const ours = open(t, endpoint, { updatesPerSnapshot: 4 })
    await untilState(ours.document, ({ connection }) => connection.status === 'live')
    await real.until(({ status }) => status === 'connected')
    if (begins === 'published') real.type('p0 ')
    else ours.text.insert(0, 'o0 ')
    await agree(real, ours)
    for (let i = 1; i <= 12; i++) {
      real.type(`p${i} `)
      ours.text.insert(ours.text.length, `o${i} `)
      if (i % 3 === 0) await agree(real, ours)
    }
    const text = await agree(real, ours)
    t.equal(text.split(' ').length, 26, begins)
    t.equal(real.text.toString(), text)
  }
})

t.test('each comes back with a delta, over snapshots of the other', async (t) => {
  const { endpoint } = await startServer(t)
  const real = published(t, endpoint, { snapshotEvery: 2 })
  const storage = memoryStorage()
  const first = open(t, endpoint, { storage })
  first.text.insert(0, 'a ')
  await agree(real, first)
  await first.document.destroy()

  // Three snapshots of the published client.
  for (let i = 0; i < 12; i++) {
    real.type(`p${i} `)
    await real.until(({ isSettled }) => isSettled)
  }
  const second = open(t, endpoint, { storage })
  await agree(real, second)

  real.disconnect()
  for (let i = 0; i < 3; i++) {
    second.text.insert(0, `o${i} `)
    await second.document.createSnapshot()
    second.text.insert(0, 'behind it ')
    await second.document.whenSaved()
  }
  real.connect()
  const text = await agree(real, second)
  t.equal(real.text.toString(), text)
})

t.test('either rotates the key, and the other follows', async (t) => {
  const { endpoint } = await startServer(t, { additionalAuthenticationDataValidations: { snapshot: Type.Object({ keyId: Type.String() }) } })
  const ring = new Map([['0', key]])
  let newest = '0'
  const rotate = (id: string) => { ring.set(id, createKey()); newest = id }
  const keyOf = (additional: unknown) => ring.get((additional as { keyId: string }).keyId)!
  const real = published(t, endpoint, {
    snapshotEvery: 1,
    additionalAuthenticationDataValidations: { snapshot: z.object({ keyId: z.string() }) },
    getSnapshotKey: async (info) => keyOf(info!.additionalPublicData),
    getNewSnapshotData: async () => ({ data: Y.encodeStateAsUpdateV2(real.yDoc), key: ring.get(newest)!, publicData: { keyId: newest } })
  })
  const ours = open(t, endpoint, {
    getKey: (info) => info && keyOf(info.additionalPublicData),
    getNewSnapshotData: () => ({ key: ring.get(newest)!, publicData: { keyId: newest } })
  })
  t.equal(ours.document.getState().snapshot, undefined)
  ours.text.insert(0, 'a ')
  await ours.document.whenSaved()
  await agree(real, ours)
  t.match(ours.document.getState().snapshot, { additionalPublicData: { keyId: '0' } })

  rotate('1')
  await ours.document.createSnapshot()
  t.match(ours.document.getState().snapshot, { additionalPublicData: { keyId: '1' } })
  real.type('with the key of ours ')
  await agree(real, ours)

  rotate('2')
  for (let i = 0; i < 3; i++) {
    real.type(`with its own ${i} `)
    await real.until(({ isSettled }) => isSettled)
  }
  ours.text.insert(0, 'b ')
  t.match(await agree(real, ours), 'with its own 2')
})

t.test('presence goes both ways, also after a reconnect, and with the first message', async (t) => {
  const { endpoint } = await startServer(t)
  const proxy = await startProxy(t, endpoint)
  const real = published(t, endpoint)
  const ours = open(t, proxy.endpoint)
  const heard: string[] = []
  let state = 'here'
  const send = () => ours.document.presence.send(sodium.from_string(state))
  ours.document.presence.subscribe((event) => {
    if (event.type === 'message') heard.push(sodium.to_string(event.content))
    if (event.type === 'peer') send()
  })
  ours.text.insert(0, 'a')
  await agree(real, ours)
  await until(() => real.ephemeralMessages.includes('here'), (check) => real.until(check))
  // The published client drops what it is sent before the sessions know each other, and so do others with what it sends.
  await until(() => heard.includes('hello'), async () => { real.sendEphemeralMessage('hello'); await nextTask() })

  // One that is too big is left out.
  const big = 'x'.repeat(60_000)
  real.sendEphemeralMessage(big)
  await until(() => heard.includes('behind it'), async () => { real.sendEphemeralMessage('behind it'); await nextTask() })
  t.notOk(heard.includes(big))

  // After a cut line, too, without being asked.
  state = 'back'
  proxy.cut()
  await until(() => real.ephemeralMessages.includes('back'), (check) => real.until(check))
  await until(() => heard.includes('hello again'), async () => { real.sendEphemeralMessage('hello again'); await nextTask() })
})

async function until (condition: () => boolean, wait: (condition: () => boolean) => Promise<unknown>): Promise<void> {
  while (!condition()) await wait(condition)
}

function nextTask (): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
