import t from 'tap'
import { createKey } from '../../lib/client/crypto/keys.ts'
import { ClientError } from '../../lib/client/errors.ts'
import { SetCrdt } from '../fixtures/set-crdt.ts'
import { simulation } from '../fixtures/simulation/client.ts'

t.test('a connection that comes to nothing says why, and when it tries again', async (t) => {
  const cases = [
    [401, { status: 'noAccess', reason: 'unauthenticated' }],
    [403, { status: 'noAccess', reason: 'unauthorized' }],
    [404, { status: 'noAccess', reason: 'notFound' }],
    [503, { status: 'trouble', error: { code: 'SECSYNC_SERVER_ERROR' } }],
    ['reachable', { status: 'offline' }],
    ['unreachable', { status: 'offline' }]
  ] as const
  for (const [answer, state] of cases) {
    const { open, world } = simulation()
    world.answer = answer
    const client = open()
    await world.settle()
    client.line.cut()
    await world.settle()
    t.match(client.connection, { ...state, nextTryAt: Number }, String(answer))
    await world.advance(10_000)
    t.ok(world.lines.length > 1, 'it tries again')
  }
})

t.test('a handshake that is never answered is given up', async (t) => {
  const { open, world } = simulation()
  const client = open()
  await world.settle()
  await world.advance(25_000)
  t.ok(world.lines.length > 1)
  t.ok(['offline', 'connecting'].includes(client.connection.status))
})

t.test('closed by the server: what that means', async (t) => {
  for (const [code, isLive, state] of [
    [1008, true, { status: 'trouble', error: { code: 'SECSYNC_REFUSED' } }],
    [1009, true, { status: 'trouble', error: { code: 'SECSYNC_REFUSED' } }],
    [1011, false, { status: 'trouble', error: { code: 'SECSYNC_SERVER_ERROR' } }],
    [1001, true, { status: 'connecting' }],
    [1006, false, { status: 'offline' }]
  ] as const) {
    const { open, run, world } = simulation()
    const client = open()
    if (isLive) await run()
    else await world.settle()
    client.line.open()
    client.line.cut(code)
    await world.settle()
    t.match(client.connection, state, String(code))
    await run(5000)
    t.match(client.connection, { status: 'live' })
  }
})

t.test('a document that the server refuses or cannot read', async (t) => {
  for (const [type, state] of [
    ['unauthorized', { status: 'noAccess', reason: 'unauthorized' }],
    ['document-not-found', { status: 'noAccess', reason: 'notFound' }],
    ['document-error', { status: 'trouble', error: { code: 'SECSYNC_SERVER_ERROR' } }]
  ] as const) {
    const { open, run, world } = simulation()
    const client = open()
    await run()
    client.line.down.push(JSON.stringify({ type }))
    client.line.deliverDown()
    await world.settle()
    t.match(client.connection, state, type)
  }
})

t.test('a session key that cannot be had is offline', async (t) => {
  const { open, run } = simulation()
  const client = open({ sessionKey: async () => { throw new Error('no network') } })
  await run(1)
  t.equal(client.connection.status, 'offline')
})

t.test('a session key that an application cannot give for a reason is trouble with that reason', async (t) => {
  const { open, run } = simulation()
  const client = open({ sessionKey: async () => { throw new ClientError('SECSYNC_SERVER_ERROR', 'The server answered 503') } })
  await run(1)
  t.match(client.connection, { status: 'trouble', error: { code: 'SECSYNC_SERVER_ERROR' }, nextTryAt: Number })
})

t.test('back at once when the network is back, gone at once when it is gone', async (t) => {
  const { open, run, world } = simulation()
  const client = open()
  await run()
  await world.emit('offline')
  t.equal(client.connection.status, 'offline')
  await world.emit('wake')
  t.equal(client.connection.status, 'connecting')
  await run()
  t.equal(client.connection.status, 'live')

  const { length } = world.lines
  await world.emit('wake')
  t.equal(world.lines.length, length, 'a line that was heard of just now is not doubted')
  await world.advance(21_000)
  await world.emit('wake')
  t.equal(world.lines.length, length + 1, 'after a long silence nobody knows')
  await client.document.destroy()
  await world.emit('wake')
  t.equal(client.connection.status, 'destroyed')
})

t.test('a page that is about to end puts what it has on the device at once', async (t) => {
  const { open, run, world, server } = simulation()
  const client = open({ batchDelay: 10_000 })
  await run()
  client.crdt.add('last words')
  await world.emit('hide')
  await world.flow()
  t.ok(server.texts.has('last words'))
})

t.test('a key that is wrong is asked for again', async (t) => {
  const { open, run, key } = simulation()
  const first = open()
  first.crdt.add('a')
  await run()
  const keys = [createKey(), key]
  const second = open({ getKey: () => keys.shift() })
  await run()
  t.match(second.connection, { status: 'trouble', error: { code: 'SECSYNC_WRONG_KEY' } })
  await run(5000)
  t.match([second.connection.status, second.crdt.sorted], ['live', ['a']])
})

t.test('functions of the application that throw are named, and tried again', async (t) => {
  const fail = () => { throw new Error('of the application') }
  for (const options of [{ getKey: fail }, { isValidClient: fail }, { getNewSnapshotData: fail }]) {
    const { open, run } = simulation()
    const first = open()
    first.crdt.add('a')
    await run()
    const second = open(options)
    second.crdt.add('b')
    void second.document.createSnapshot().catch(() => {})
    await run(150)
    t.match(second.connection, { status: 'trouble', error: { code: 'SECSYNC_CALLBACK_FAILED', cause: { message: 'of the application' } } }, String(Object.keys(options)))
    t.equal(second.document.getState().pending, 1)
    await second.document.destroy()
  }
})

t.test('a CRDT that cannot give its content is named, and what is written stays pending', async (t) => {
  class Broken extends SetCrdt {
    override encodeSnapshot (): Uint8Array { throw new Error('of the CRDT') }
  }
  const { open, run } = simulation()
  const client = open({ crdt: new Broken() })
  client.crdt.add('a')
  await run()
  t.match(client.connection, { status: 'trouble', error: { code: 'SECSYNC_CALLBACK_FAILED', cause: { message: 'of the CRDT' } } })
  t.equal(client.document.getState().pending, 1)
})

t.test('offline while it connects is offline', async (t) => {
  const { open, world } = simulation()
  const client = open()
  await world.settle()
  t.equal(client.connection.status, 'connecting')
  await world.emit('offline')
  t.equal(client.connection.status, 'offline')
})

t.test('retry() connects at once, and leaves a connection that is live', async (t) => {
  const { open, run, world } = simulation()
  const client = open()
  await run()
  client.document.retry()
  await world.settle()
  t.equal(world.lines.length, 1)
  await world.emit('offline')
  client.document.retry()
  await world.settle()
  t.equal(world.lines.length, 2)
  await client.document.destroy()
  client.document.retry()
  await world.settle()
  t.equal(world.lines.length, 2)
  t.equal(client.connection.status, 'destroyed')
})

t.test('answers that come when nobody waits for them any more change nothing', async (t) => {
  const { open, run, world } = simulation()
  let refuse = (_error: Error) => {}
  const late = new Promise<never>((_resolve, reject) => { refuse = reject })
  late.catch(() => {})

  const keys = [() => late, () => 'session-key']
  const first = open({ sessionKey: async () => await keys.shift()?.() ?? 'session-key' })
  await world.settle()
  first.document.retry()
  await run()
  const second = open({ getKey: () => late })
  second.crdt.add('a')
  await run()
  t.equal(second.document.getState().pending, 1)
  const destroyed = second.document.destroy()
  refuse(new Error('too late'))
  await destroyed
  await run()
  t.equal(first.connection.status, 'live')
  t.equal(second.connection.status, 'destroyed')

  let answer = (_status: 401) => {}
  world.answer = new Promise((resolve) => { answer = resolve })
  const third = open()
  await world.settle()
  third.line.cut()
  await third.document.destroy()
  answer(401)
  await run()
  t.equal(third.connection.status, 'destroyed')
})

t.test('a message of the application goes to onCustomMessage, and to nobody where there is none', async (t) => {
  const { open, run } = simulation()
  const messages: unknown[] = []
  for (const client of [open({ onCustomMessage: (message) => messages.push(message) }), open()]) {
    await run()
    client.line.down.push(JSON.stringify({ type: 'notice', text: 'Hello' }))
    await run()
    t.equal(client.connection.status, 'live')
  }
  t.strictSame(messages, [{ type: 'notice', text: 'Hello' }])
})

t.test('content that was there before the document was opened: what the server has not counts as a local change', async (t) => {
  const { open, run, server } = simulation()
  const crdt = new SetCrdt()
  crdt.add('a', 'b')
  const first = open({ crdt })
  t.equal(first.document.getState().pending, 2)
  await run()
  t.match(first.document.getState(), { connection: { status: 'live' }, pending: 0 })
  t.same([...server.texts].sort(), ['a', 'b'])

  const same = new SetCrdt()
  same.add('a', 'b')
  const more = new SetCrdt()
  more.add('b', 'c')
  const second = open({ crdt: same })
  await run()
  const { length } = server.updates
  t.equal(second.document.getState().pending, 0)
  t.equal(length, 0, 'nothing is sent of what the server has')
  const third = open({ crdt: more })
  await run()
  t.equal(server.updates.length, 1)
  for (const { crdt } of [first, second, third]) t.strictSame(crdt.sorted, ['a', 'b', 'c'])
})

t.test('a WebSocket that cannot be made is named', async (t) => {
  const { openDocument } = await import('../../lib/client/index.ts')
  const document = openDocument({
    url: 'no url',
    documentId: 'a',
    sessionKey: 'a',
    crdt: new SetCrdt(),
    getKey: () => undefined,
    isValidClient: () => true,
    WebSocket: class { constructor () { throw new SyntaxError('no url') } } as never
  })
  await new Promise<void>((resolve) => document.subscribe(() => { if (document.getState().connection.status === 'trouble') resolve() }))
  t.match(document.getState().connection, { error: { code: 'SECSYNC_CALLBACK_FAILED', cause: { message: 'no url' } } })
  const waiting = [document.whenLoaded(), document.createSnapshot()]
  await document.destroy()
  for (const promise of waiting) await t.rejects(promise, { message: 'The document was closed' })
})
