import { EventEmitter, once } from 'node:events'
import t, { type Test } from 'tap'
import { SecsyncNewSnapshotRequiredError, type Hook, type HookContext, type HookName, type SecsyncOptions } from '../lib/index.ts'
import { Author, type RawClient } from './fixtures/raw-client.ts'
import { memoryStore, startServer, type TestServer } from './fixtures/server.ts'

const names: HookName[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'onSend', 'onResponse', 'onError', 'onClose']
const author = new Author()
const snapshot = author.snapshot('document')
const { snapshotId } = snapshot.publicData

class Recorded {
  readonly stages: string[] = []
  readonly contexts: HookContext[] = []
  readonly lines: string[] = []
  readonly #events = new EventEmitter()
  server!: TestServer

  /** A server whose callbacks and hooks leave their names in `stages`. */
  static async start (t: Test, options: Partial<SecsyncOptions> = {}): Promise<Recorded> {
    const recorded = new Recorded()
    const store = memoryStore()
    const recording = <Params, Result>(name: string, fn: (params: Params) => Result) => (params: Params): Result => {
      recorded.stages.push(name)
      recorded.#events.emit(name)
      return fn(params)
    }
    recorded.server = await startServer(t, {
      onRequest: async () => { recorded.stages.push('route onRequest') },
      preValidation: async () => { recorded.stages.push('route preValidation') },
      preHandler: async () => { recorded.stages.push('route preHandler') },
      hasAccess: recording('hasAccess', () => true),
      hasBroadcastAccess: recording('hasBroadcastAccess', ({ websocketSessionKeys }) => websocketSessionKeys.map(() => true)),
      getDocument: recording('getDocument', store.getDocument),
      createSnapshot: recording('createSnapshot', store.createSnapshot),
      createUpdate: recording('createUpdate', store.createUpdate),
      ...options
    }, { logger: { level: 'info', stream: { write: (line: string) => { recorded.lines.push(line) } } } })
    for (const name of names) {
      recorded.addHook(name, (context) => {
        recorded.stages.push(name)
        recorded.contexts.push({ ...context })
        recorded.#events.emit(name)
      })
    }
    return recorded
  }

  addHook<Name extends HookName> (name: Name, hook: Hook<Name>): void {
    this.server.app.secsync.addHook(name, hook)
  }

  get lastError (): unknown {
    const last = this.contexts.at(-1)
    return last?.stage === 'onError' ? last.error : undefined
  }

  /** Resolves when a callback or the hooks of a stage have run that often from now on. */
  async ran (name: HookName | 'hasBroadcastAccess', times = 1): Promise<void> {
    for (let time = 0; time < times; time++) await once(this.#events, name)
  }

  async open (): Promise<RawClient> {
    const joined = this.ran('onResponse')
    const client = this.server.connect('document')
    await client.next('document')
    await joined
    return client
  }
}

t.test('a handshake goes through the stages in their order', async (t) => {
  const recorded = await Recorded.start(t)
  const closed = recorded.ran('onClose')
  const client = await recorded.open()
  await client.close()
  await closed
  t.strictSame(recorded.stages, ['route onRequest', 'route preValidation', 'route preHandler',
    'preHandler', 'hasAccess', 'getDocument', 'onResponse', 'onClose'])
  t.match(recorded.contexts, [{ action: 'read' }, { action: 'read' }, { action: 'read', code: 1005 }])
})

t.test('each message goes through the stages in their order', async (t) => {
  const recorded = await Recorded.start(t)
  const client = await recorded.open()
  const before = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'hasAccess']
  const after = ['onSend', 'onResponse']
  const table: Array<[message: object, ...stages: string[]]> = [
    [snapshot, ...before, 'getDocument', 'createSnapshot', ...after],
    [author.update('document', snapshotId, 0), ...before, 'createUpdate', ...after],
    [author.ephemeralMessage('document'), ...before, ...after]
  ]
  for (const [message, ...stages] of table) {
    recorded.stages.splice(0)
    const relayed = Promise.all([recorded.ran('onResponse'), recorded.ran('hasBroadcastAccess')])
    client.send(message)
    await relayed
    const asked = recorded.stages.indexOf('hasBroadcastAccess')
    t.ok(asked > recorded.stages.indexOf('onSend'), 'who may have it is asked when it is relayed')
    t.strictSame(recorded.stages.toSpliced(asked, 1), stages)
  }
})

t.test('a hook gets what is known of the message at its stage', async (t) => {
  const recorded = await Recorded.start(t)
  const client = await recorded.open()
  for (const [message, action] of [
    [snapshot, 'write-snapshot'],
    [author.update('document', snapshotId, 0), 'write-update'],
    [author.ephemeralMessage('document'), 'send-ephemeral-message']
  ] as const) {
    recorded.contexts.splice(0)
    const answered = recorded.ran('onResponse')
    client.send(message)
    await answered
    const [bytes, parsed, checked] = [
      { action: undefined, publicKey: undefined, message: Buffer.from(JSON.stringify(message)) },
      { action, publicKey: undefined, message },
      { action, publicKey: author.publicKey, message }
    ]
    t.match(recorded.contexts, [bytes, bytes, parsed, checked, checked, checked])
    for (const { documentId, websocketSessionKey, request } of recorded.contexts) {
      t.strictSame([documentId, websocketSessionKey, (request.query as Record<string, string>).sessionKey], ['document', 'key', 'key'])
    }
  }
})

t.test('several hooks of a stage run in the order in which they were added, each after the one before', async (t) => {
  const recorded = await Recorded.start(t)
  const client = await recorded.open()
  const order: string[] = []
  recorded.addHook('preHandler', async () => {
    await new Promise((resolve) => setImmediate(resolve))
    order.push('first')
  })
  recorded.addHook('preHandler', () => { order.push('second') })
  const answered = recorded.ran('onResponse')
  client.send(snapshot)
  await answered
  t.strictSame(order, ['first', 'second'])
})

t.test('a message that a hook ends before it is stored is answered, goes no further, and the client can try again', async (t) => {
  for (const name of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
    const recorded = await Recorded.start(t)
    const client = await recorded.open()
    client.send(snapshot)
    await client.next('snapshot-saved')
    let error: Error | undefined = new Error('not now')
    recorded.addHook(name, () => { if (error) throw error })
    const failed = recorded.ran('onError', 3)
    const update = author.update('document', snapshotId, 0)
    client.send(update)
    t.match(await client.next('update-save-failed'), { snapshotId, clock: 0, requiresNewSnapshot: false })
    client.send(author.snapshot('document', { parent: snapshot }))
    t.strictSame(await client.next('snapshot-save-failed'), { type: 'snapshot-save-failed' })
    client.send(author.ephemeralMessage('document'))
    await failed
    t.equal(recorded.lastError, error, name)
    t.equal(recorded.stages.filter((stage) => stage.startsWith('create')).length, 1)
    error = undefined
    client.send(update)
    await client.next('update-saved')
  }
})

t.test('what a hook does to a message costs that message, and nothing else', async (t) => {
  const recorded = await Recorded.start(t)
  const client = await recorded.open()
  client.send(snapshot)
  await client.next('snapshot-saved')
  let spoil: ((context: HookContext<'onRequest' | 'preValidation'>) => void) | undefined
  for (const name of ['onRequest', 'preValidation'] as const) recorded.addHook(name, (context) => spoil?.(context))
  const update = author.update('document', snapshotId, 0)

  spoil = () => { throw new Error('not now') }
  const failed = recorded.ran('onError')
  client.send('no JSON')
  await failed
  spoil = ({ message }) => { if (!Buffer.isBuffer(message)) delete (message as { publicData?: unknown }).publicData }
  client.send(update)
  t.strictSame(await client.next('update-save-failed'), { type: 'update-save-failed', requiresNewSnapshot: false })
  spoil = undefined
  client.send(update)
  await client.next('update-saved')
})

t.test('a hook can ask for a snapshot before the next update', async (t) => {
  const recorded = await Recorded.start(t)
  const client = await recorded.open()
  client.send(snapshot)
  await client.next('snapshot-saved')
  recorded.addHook('preHandler', () => { throw new SecsyncNewSnapshotRequiredError('keys have changed') })
  client.send(author.update('document', snapshotId, 0))
  t.match(await client.next('update-save-failed'), { requiresNewSnapshot: true })
})

t.test('what is stored reaches everybody and is confirmed, whatever the hooks after that do', async (t) => {
  const recorded = await Recorded.start(t)
  const errors: unknown[] = []
  const client = await recorded.open()
  const reader = await recorded.open()
  for (const name of ['onSend', 'onResponse', 'onError'] as const) {
    recorded.addHook(name, (context) => {
      if (context.stage === 'onError') errors.push((context.error as Error).message)
      throw new Error(name)
    })
  }
  const update = author.update('document', snapshotId, 0)
  const ephemeralMessage = author.ephemeralMessage('document')
  for (const message of [snapshot, update, ephemeralMessage]) client.send(message)
  await client.next('snapshot-saved')
  await client.next('update-saved')
  const relayed = [await reader.nextOfAny(), await reader.nextOfAny(), await reader.nextOfAny()]
  t.strictSame(new Set(relayed),
    new Set([{ type: 'snapshot', snapshot }, { type: 'update', ...update }, { type: 'ephemeral-message', ...ephemeralMessage }]))
  await recorded.server.app.close()
  t.strictSame(errors.toSorted(), [...Array(3).fill('onResponse'), ...Array(3).fill('onSend')])
  t.equal(recorded.lines.filter((line) => line.includes('an onError hook failed')).length, 6)
})

t.test('a change that was saved though its callback failed goes through the stages after it, too', async (t) => {
  const store = memoryStore()
  const recorded = await Recorded.start(t, {
    getDocument: store.getDocument,
    createSnapshot: async (params) => {
      await store.createSnapshot(params)
      throw new Error('The connection was lost')
    },
    createUpdate: async (params) => {
      await store.createUpdate(params)
      throw new Error('The connection was lost')
    }
  })
  const client = await recorded.open()
  for (const [message, answer] of [[snapshot, 'snapshot-saved'], [author.update('document', snapshotId, 0), 'update-saved']] as const) {
    const stages = recorded.stages.length
    const answered = recorded.ran('onResponse')
    client.send(message)
    await client.next(answer)
    await answered
    t.strictSame(recorded.stages.slice(stages).filter((stage) => names.includes(stage as HookName)),
      ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'onSend', 'onResponse'])
  }
})

t.test('what a hook throws is an error, whatever it is', async (t) => {
  const recorded = await Recorded.start(t)
  const client = await recorded.open()
  for (const thrown of [null, undefined, 'no', { statusCode: 400 }]) {
    const failed = recorded.ran('onError')
    let isFirst = true
    recorded.addHook('preHandler', () => {
      if (!isFirst) return
      isFirst = false
      throw thrown
    })
    client.send(snapshot)
    await client.next('snapshot-save-failed')
    await failed
    t.match(recorded.lastError, { code: 'FST_SECSYNC_CALLBACK_RESULT_INVALID', message: /The hook preHandler/ })
  }
})

t.test('a handshake that a hook ends is answered with document-error', async (t) => {
  const recorded = await Recorded.start(t)
  recorded.addHook('preHandler', () => { throw new Error('no') })
  const failed = recorded.ran('onError')
  const client = recorded.server.connect('document')
  await client.next('document-error')
  t.equal(await client.closed(), 4500)
  await failed
})

t.test('a handshake whose onResponse hook fails has its document all the same', async (t) => {
  const recorded = await Recorded.start(t)
  recorded.addHook('onResponse', ({ action }) => { if (action === 'read') throw new Error('no') })
  const failed = recorded.ran('onError')
  const client = recorded.server.connect('document')
  await client.next('document')
  await failed
  client.send(snapshot)
  await client.next('snapshot-saved')
})

t.test('an onClose hook that fails is reported to onError', async (t) => {
  const recorded = await Recorded.start(t)
  const error = new Error('no')
  recorded.addHook('onClose', () => { throw error })
  const reported = new Promise((resolve) => {
    recorded.addHook('onError', (context) => resolve(context.error))
  })
  const client = await recorded.open()
  await client.close()
  t.equal(await reported, error)
})

t.test('a hook that never settles costs its own message, after the time limit', async (t) => {
  const recorded = await Recorded.start(t, { limits: { callbackTimeout: 30 } })
  const client = await recorded.open()
  let calls = 0
  recorded.addHook('preHandler', () => calls++ === 0 ? new Promise(() => {}) : undefined)
  client.send(snapshot)
  await client.next('snapshot-save-failed')
  client.send(snapshot)
  await client.next('snapshot-saved')
})

t.test('errors of the client are logged as information, those of the server as errors', async (t) => {
  const recorded = await Recorded.start(t)
  const client = await recorded.open()
  const failed = recorded.ran('onError', 3)
  recorded.addHook('preHandler', () => { throw new Error('ours') })
  client.send('no JSON')
  client.send({ ...snapshot, signature: author.ephemeralMessage('document').signature })
  client.send(snapshot)
  await failed
  const refused = recorded.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'secsync: a message was refused')
  t.match(refused, [
    { level: 30, documentId: 'document', err: { code: 'FST_SECSYNC_MESSAGE_INVALID' } },
    { level: 30, documentId: 'document', err: { code: 'FST_SECSYNC_SIGNATURE_INVALID' }, action: 'write-snapshot' },
    { level: 50, documentId: 'document', err: { message: 'ours' }, action: 'write-snapshot' }
  ])
})

t.test('addHook refuses what is no hook, and says which there are', async (t) => {
  const { app } = await startServer(t, memoryStore())
  const addHook = app.secsync.addHook as (name: unknown, fn: unknown) => void
  for (const args of [['onMessage', () => {}], ['toString', () => {}], [Symbol('onSend'), () => {}], ['onSend', undefined], ['onSend', 'hook']]) {
    t.throws(() => addHook(args[0], args[1]), { code: 'FST_SECSYNC_HOOK_INVALID', message: names.join(', ') })
  }
})
