import { deepStrictEqual } from 'node:assert/strict'
import t from 'tap'
import type { Test } from 'tap'
import type { SecsyncOptions, Snapshot } from '../lib/index.ts'
import { Log } from './fixtures/log.ts'
import { Author, type RawClient } from './fixtures/raw-client.ts'
import { memoryStore, startServer } from './fixtures/server.ts'

const documentId = 'document'
const badKey = 'key-of-the-one-who-pays'

type Misbehaviour = () => never

// Whatever a function may do, whatever it is for. `never`, since it fits everywhere.
const failures: Record<string, Misbehaviour> = {
  throws: () => { throw new Error('made to fail') },
  'throws a text': () => { throw 'made to fail' }, // eslint-disable-line no-throw-literal
  rejects: () => Promise.reject(new Error('made to fail')) as never,
  'rejects with undefined': () => Promise.reject() as never, // eslint-disable-line prefer-promise-reject-errors
  'rejects with null': () => Promise.reject(null) as never, // eslint-disable-line prefer-promise-reject-errors
  'never settles': () => new Promise(() => {}) as never
}

/** Results that are not what the callback is to return. */
function nonsense (results: Record<string, unknown>): Record<string, Misbehaviour> {
  return Object.fromEntries(Object.entries(results).flatMap(([name, result]) => [
    [`returns ${name}`, () => result as never],
    [`resolves with ${name}`, () => Promise.resolve(result) as never]
  ]))
}

/** A document with two good clients, on a server whose callbacks are those of a simple store, unless overridden. */
async function setUp (t: Test, override: (store: ReturnType<typeof memoryStore>) => Partial<SecsyncOptions>) {
  const log = new Log()
  const store = memoryStore()
  const { connect, app } = await startServer(t, { ...store, limits: { callbackTimeout: 200 }, ...override(store) }, log.options)
  const author = new Author()
  const [alice, bob] = [connect(documentId), connect(documentId)]
  await Promise.all([alice.next('document'), bob.next('document')])
  const snapshot = author.snapshot(documentId)
  alice.send(snapshot)
  await alice.next('snapshot-saved')
  await bob.next('snapshot')
  let clock = 0

  return {
    app,
    log,
    store,
    snapshot,
    alice,
    bob,
    connect,
    /** Whoever pays: a connection of its own, that has the document. */
    async joinBadly (): Promise<RawClient> {
      const bad = connect(documentId, { sessionKey: badKey })
      await bad.next('document')
      return bad
    },
    /** The others go on: what one writes, the other gets next. */
    async check (): Promise<void> {
      const update = author.update(documentId, snapshot.publicData.snapshotId, clock++)
      alice.send(update)
      await alice.next('update-saved')
      const { type: _, ...relayed } = await bob.next('update')
      deepStrictEqual(relayed, update)
    },
    /** It was logged once, with the document and without the session key. */
    checkLog (t: Test): void {
      t.match(log.takeErrors(), { length: 1, 0: { documentId } })
      t.notMatch(log.text, badKey)
    }
  }
}

t.test('hasAccess, asked whether somebody may read: nobody is let in, and others go on', async (t) => {
  const results = { undefined, null: null, 'a number': 1, 'a text': 'true', 'an object': {}, 'a Boolean': Object(true) as unknown }
  const misbehaviours = { ...failures, ...nonsense(results) }
  const { connect, check, log } = await setUp(t, () => ({
    hasBroadcastAccess: ({ websocketSessionKeys }) => websocketSessionKeys.map(() => true),
    hasAccess: ({ websocketSessionKey = '' }) => websocketSessionKey.startsWith(badKey) ? misbehaviours[websocketSessionKey.slice(badKey.length)]!() : true
  }))
  // All at once: they are let go after a while only, to come back.
  const clients = Object.keys(misbehaviours).map((name) => [name, connect(documentId, { sessionKey: badKey + name })] as const)
  await check()
  for (const [name, bad] of clients) {
    t.equal(await bad.closed(), 1011, name)
    t.strictSame(bad.received, [], name)
  }
  await check()
  const errors = log.takeErrors()
  t.ok(errors.every((line) => line.documentId === documentId))
  t.equal(errors.length, clients.length, 'each is logged once')
  t.notMatch(log.text, badKey)
})

t.test('hasAccess, asked whether somebody may write', async (t) => {
  let misbehave: Misbehaviour | undefined
  const { joinBadly, check, checkLog, snapshot, store, alice, bob } = await setUp(t, () => ({
    hasBroadcastAccess: ({ websocketSessionKeys }) => websocketSessionKeys.map(() => true),
    hasAccess: ({ websocketSessionKey, action }) => websocketSessionKey === badKey && action !== 'read' && misbehave ? misbehave() : true
  }))
  const bad = await joinBadly()
  const mallory = new Author()
  const { snapshotId } = snapshot.publicData
  const stored = () => store.documents.get(documentId)!
  for (const [name, misbehaviour] of Object.entries({ ...failures, ...nonsense({ undefined, 'a number': 1 }) })) {
    await t.test(`${name}: the message is refused, and others go on`, async (t) => {
      misbehave = misbehaviour
      const before = stored().updates.length
      bad.send(mallory.update(documentId, snapshotId, 0))
      await bad.next('update-save-failed')
      checkLog(t)
      bad.send(mallory.snapshot(documentId, { parent: snapshot }))
      await bad.next('snapshot-save-failed')
      checkLog(t)
      bad.send(mallory.ephemeralMessage(documentId))
      await check()
      await bad.next('update')
      t.equal(stored().updates.length, before + 1)
      t.equal(stored().snapshots.length, 1)

      // The next that is let in is the first that the others hear of.
      misbehave = undefined
      const hello = mallory.ephemeralMessage(documentId)
      bad.send(hello)
      t.equal((await bob.next('ephemeral-message')).signature, hello.signature)
      await alice.next('ephemeral-message')
      checkLog(t)
    })
  }
  await t.test('when it is well again the same connection can write', async () => {
    misbehave = undefined
    bad.send(mallory.update(documentId, snapshotId, 0))
    await bad.next('update-saved')
    await bob.next('update')
  })
})

t.test('hasAccess, asked whether somebody may receive what is relayed', async (t) => {
  const misbehaviours = { ...failures, ...nonsense({ undefined }) }
  const log = new Log()
  let isBad = false
  const { connect } = await startServer(t, {
    ...memoryStore(),
    limits: { callbackTimeout: 500 },
    hasAccess: ({ websocketSessionKey, documentId }) => websocketSessionKey === badKey && isBad ? misbehaviours[documentId]!() : true
  }, log.options)
  const author = new Author()

  // All at once, each in a document of its own: it takes some seconds until a connection whose access is not known is closed.
  const documents = await Promise.all(Object.keys(misbehaviours).map(async (name) => {
    const clients = { name, alice: connect(name), bob: connect(name), bad: connect(name, { sessionKey: badKey }) }
    await Promise.all([clients.alice.next('document'), clients.bob.next('document'), clients.bad.next('document')])
    return clients
  }))
  isBad = true
  await Promise.all(documents.map(async ({ name, alice, bob, bad }) => {
    for (let i = 0; i < 3; i++) {
      const message = author.ephemeralMessage(name)
      alice.send(message)
      t.equal((await bob.next('ephemeral-message')).signature, message.signature, `${name}: others are not held up`)
    }
    if (name.endsWith('settles')) t.notMatch(log.text, /CALLBACK_TIMEOUT/, `${name}: not even until its time is over`)
    t.equal(await bad.closed(), 1011, `${name}: it costs its own connection`)
    t.strictSame(bad.received, [], `${name}: which got nothing`)
  }))
  t.notMatch(log.text, badKey)
})

t.test('hasBroadcastAccess', async (t) => {
  const results = {
    undefined,
    null: null,
    true: true,
    'an object': { length: 2, 0: true, 1: true },
    'no answers': [],
    'too few': [true],
    'too many': [true, true, true],
    texts: ['true', 'true'],
    promises: [Promise.resolve(true), Promise.resolve(true)],
    holes: new Array(2)
  }
  let misbehave: Misbehaviour | undefined
  const { check, checkLog, connect } = await setUp(t, () => ({
    hasBroadcastAccess ({ websocketSessionKeys, documentId: id }) {
      const misbehaviour = misbehave
      if (id !== documentId || misbehaviour === undefined) return websocketSessionKeys.map(() => true)
      misbehave = undefined
      return misbehaviour()
    }
  }))
  const [carol, dave] = [connect('another document'), connect('another document')]
  await Promise.all([carol.next('document'), dave.next('document')])
  const author = new Author()
  for (const [name, misbehaviour] of Object.entries({ ...failures, ...nonsense(results) })) {
    await t.test(`${name}: what is relayed comes later, in order`, async (t) => {
      misbehave = misbehaviour
      const late = check().then(() => 'late')
      carol.send(author.ephemeralMessage('another document'))
      t.equal(await Promise.race([late, dave.next('ephemeral-message').then(() => 'at once')]), 'at once', 'other documents do not wait')
      await late
      await check()
      checkLog(t)
    })
  }
})

t.test('getDocument', async (t) => {
  const mallory = new Author()
  const other = mallory.snapshot('another document')
  const good = mallory.snapshot(documentId)
  const update = (clock: number) => mallory.update(documentId, good.publicData.snapshotId, clock)
  const results = {
    'a number': 1,
    'a text': '{}',
    'an array': [],
    'nothing in it': {},
    'no list of updates': { snapshot: good, updates: null },
    'updates that are none': { snapshot: good, updates: [{}] },
    'the snapshot of another document': { snapshot: other, updates: [] },
    'updates of another document': { snapshot: good, updates: [mallory.update('another document', good.publicData.snapshotId, 0)] },
    'updates of another snapshot': { snapshot: good, updates: [mallory.update(documentId, other.publicData.snapshotId, 0)] },
    'updates with a gap': { snapshot: good, updates: [update(0), update(2)] },
    'updates twice': { snapshot: good, updates: [update(0), update(0)] },
    'updates in the wrong order': { snapshot: good, updates: [update(1), update(0)] },
    'a snapshot without a signature': { snapshot: { ...good, signature: undefined }, updates: [] },
    'a snapshot that is a circle': { snapshot: circular(good), updates: [] },
    'a proof chain that is none': { snapshot: good, updates: [], snapshotProofChain: [{}] }
  }
  let misbehave: Misbehaviour | undefined
  const { check, checkLog, connect, joinBadly } = await setUp(t, (store) => ({
    getDocument (params) {
      const misbehaviour = misbehave
      misbehave = undefined
      return misbehaviour ? misbehaviour() : store.getDocument(params)
    }
  }))
  for (const [name, misbehaviour] of Object.entries({ ...failures, ...nonsense(results) })) {
    await t.test(`${name}: nobody is sent a wrong document, and others go on`, async (t) => {
      misbehave = misbehaviour
      const bad = connect(documentId, { sessionKey: badKey })
      await check()
      // It may come back when it was only too slow.
      const code = await bad.closed()
      if (name === 'never settles') t.strictSame([code, bad.received], [1011, []])
      else t.strictSame([code, bad.received], [4500, [{ type: 'document-error' }]])
      await check()
      checkLog(t)
    })
  }
  for (const [name, misbehaviour] of Object.entries(nonsense({ undefined, null: null }))) {
    await t.test(`${name}: there is no such document`, async (t) => {
      misbehave = misbehaviour
      const bad = connect(documentId, { sessionKey: badKey })
      await bad.next('document-not-found')
      t.equal(await bad.closed(), 4404)
      await check()
    })
  }
  await t.test('when it is well again the document is there', async () => { await joinBadly() })
})

t.test('createUpdate', async (t) => {
  const mallory = new Author()
  let misbehave: Misbehaviour | undefined
  const { check, checkLog, joinBadly, snapshot, alice, bob } = await setUp(t, (store) => ({
    createUpdate (params) {
      return misbehave && params.update.publicData.pubKey === mallory.publicKey ? misbehave() : store.createUpdate(params)
    }
  }))
  const { snapshotId } = snapshot.publicData
  const bad = await joinBadly()
  let clock = 0
  const results = {
    undefined,
    null: null,
    true: true,
    'an object': {},
    'no public data': { publicData: null },
    'a snapshot': snapshot,
    'the update of another clock': mallory.update(documentId, snapshotId, 999),
    'the update of another snapshot': mallory.update(documentId, mallory.snapshot(documentId).publicData.snapshotId, 0)
  }
  for (const [name, misbehaviour] of Object.entries({ ...failures, ...nonsense(results) })) {
    await t.test(`${name}: the update is refused, and can be sent again`, async (t) => {
      misbehave = misbehaviour
      bad.send(mallory.update(documentId, snapshotId, clock))
      t.match(await bad.next('update-save-failed'), { clock, requiresNewSnapshot: false })
      misbehave = undefined
      checkLog(t)
      await check()
      await bad.next('update')
      const update = mallory.update(documentId, snapshotId, clock++)
      bad.send(update)
      await bad.next('update-saved')
      for (const client of [alice, bob]) t.equal((await client.next('update')).signature, update.signature)
    })
  }

  await t.test('rejects after its time: nothing happens any more', async (t) => {
    let reject = (_error: Error) => {}
    misbehave = () => new Promise((_resolve, _reject) => { reject = _reject }) as never
    bad.send(mallory.update(documentId, snapshotId, clock))
    await bad.next('update-save-failed')
    misbehave = undefined
    checkLog(t)
    reject(new Error('too late'))
    await check()
  })
})

t.test('createSnapshot', async (t) => {
  const mallory = new Author()
  let misbehave: Misbehaviour | undefined
  const { checkLog, joinBadly, snapshot, bob } = await setUp(t, (store) => ({
    createSnapshot: (params) => misbehave ? misbehave() : store.createSnapshot(params)
  }))
  const bad = await joinBadly()
  let parent: Snapshot = snapshot
  const results = { undefined, null: null, true: true, 'an object': {}, 'no public data': { publicData: null }, 'its parent': snapshot, 'another one': mallory.snapshot(documentId) }
  for (const [name, misbehaviour] of Object.entries({ ...failures, ...nonsense(results) })) {
    await t.test(`${name}: the snapshot is refused, and another one can be sent`, async (t) => {
      misbehave = misbehaviour
      bad.send(mallory.snapshot(documentId, { parent }))
      await bad.next('snapshot-save-failed')
      misbehave = undefined
      checkLog(t)
      parent = mallory.snapshot(documentId, { parent })
      bad.send(parent)
      await bad.next('snapshot-saved')
      t.equal((await bob.next('snapshot')).snapshot.signature, parent.signature)
    })
  }
})

function circular (snapshot: Snapshot): object {
  const more: Record<string, unknown> = {}
  more.more = more
  return { ...snapshot, publicData: { ...snapshot.publicData, more } }
}
