// What nodes tell each other, with a broker that loses, repeats and reorders on request.
import { mock } from 'node:test'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import type { Bus, Subscriber } from '../../lib/nodes/bus.ts'
import type { Link } from '../../lib/nodes/link.ts'
import { Nodes, type Disconnect } from '../../lib/nodes/nodes.ts'
import { changeOf, updateChange, type Change } from '../../lib/protocol/changes.ts'
import { ControlledBroker } from '../fixtures/controlled-bus.ts'
import { Log } from '../fixtures/log.ts'
import { flush, mockTimers } from '../fixtures/world.ts'

interface Node {
  nodes: Nodes
  link: Link
  events: string[]
}

function nodeOn (bus: Bus, options: { checkInterval?: number, log?: ReturnType<typeof Fastify>['log'] } = {}): Node {
  const { checkInterval = 10_000, log = Fastify().log } = options
  const events: string[] = []
  const nodes = new Nodes(bus, 'test', checkInterval, log)
  const link = nodes.link('document', {
    received: () => events.push('received'),
    missed: (version) => events.push(version === undefined ? 'missed' : `missed until ${version}`),
    ephemeralMessage: (text) => events.push(text)
  })
  return { nodes, link, events }
}

/** Two nodes that hear each other. */
function twoNodes (t: Test): { broker: ControlledBroker, here: Node, there: Node } {
  mockTimers(t)
  const broker = new ControlledBroker()
  const [here, there] = [nodeOn(broker.bus()), nodeOn(broker.bus())] as [Node, Node]
  broker.connect()
  // They look into the store then.
  mock.timers.tick(10)
  for (const { events } of [here, there]) events.length = 0
  return { broker, here, there }
}

async function deliverAll (broker: ControlledBroker): Promise<void> {
  await flush()
  while (broker.underway.length > 0) broker.deliver()
}

const [key, nonce, signature] = [43, 32, 86].map((length) => 'A'.repeat(length)) as [string, string, string]
const common = { docId: 'document', pubKey: key }

function updateOf (clock: number, version?: number, ciphertext = ''): Change {
  return Object.assign(updateChange({ ciphertext, nonce, signature, publicData: { ...common, refSnapshotId: 'snapshot', clock } }), { version })
}

const ephemeralMessage = JSON.stringify({ ciphertext: '', nonce, publicData: common, signature })

t.test('what one tells the other hears, announced once, with its version, and it does not hear itself', async (t) => {
  const { broker, here, there } = twoNodes(t)
  const publicData = { ...common, snapshotId: 'child', parentSnapshotId: 'snapshot', parentSnapshotProof: key, parentSnapshotUpdateClocks: {} }
  const snapshot = changeOf(JSON.stringify({ ciphertext: '', nonce, publicData, signature }))
  here.link.publish([updateOf(0, 7), updateOf(1, 8)])
  here.link.publish([Object.assign(snapshot, { version: 9 })])
  await deliverAll(broker)
  t.strictSame([here.events, there.events], [[], ['received']])
  t.match(there.link.take(), [{ kind: 'update', clock: 0, version: 7 }, { kind: 'update', clock: 1, version: 8 }, { kind: 'snapshot', snapshotId: 'child', version: 9 }])
  t.strictSame([...there.link.take(), ...here.link.take()], [])

  here.link.publishEphemeralMessage(ephemeralMessage)
  here.link.publishSaved(12)
  here.link.publishSaved()
  await deliverAll(broker)
  t.strictSame(there.events, ['received', ephemeralMessage, 'missed until 12', 'missed'])
  for (const { link } of [here, there]) link.end()
})

t.test('what comes in another order is taken in that of the store, as far as it is known', async (t) => {
  const { broker, here, there } = twoNodes(t)
  for (const version of [4, 2, 3]) here.link.publish([updateOf(version, version)])
  await deliverAll(broker)
  t.strictSame(there.link.take().map(({ version }) => version), [2, 3, 4])
  for (const clock of [1, 0]) here.link.publish([updateOf(clock)])
  await deliverAll(broker)
  t.match(there.link.take(), [{ clock: 1 }, { clock: 0 }])
  for (const { link } of [here, there]) link.end()
})

t.test('what came too early waits a while for what is missing, and no longer', async (t) => {
  const { broker, here, there } = twoNodes(t)
  here.link.publish([updateOf(2, 2)])
  await deliverAll(broker)
  there.link.keepEarly(there.link.take())
  mock.timers.tick(49)
  here.link.publish([updateOf(1, 1)])
  await deliverAll(broker)
  const both = there.link.take()
  t.strictSame(both.map(({ version }) => version), [1, 2])
  there.link.keepEarly([])
  mock.timers.tick(50)
  t.strictSame(there.events, ['received', 'received'])

  there.link.keepEarly(both)
  there.link.keepEarly(there.link.take())
  mock.timers.tick(50)
  t.strictSame(there.events, ['received', 'received', 'missed'])
  for (const { link } of [here, there]) link.end()
})

t.test('more() resolves on a new message, at the deadline, when the bus disconnects and when the link ends', async (t) => {
  const { broker, here, there } = twoNodes(t)
  const waiting = there.link.more(performance.now() + 1000)
  here.link.publish([updateOf(0, 1)])
  await deliverAll(broker)
  t.equal(await waiting, true)
  there.link.take()

  t.equal(await there.link.more(performance.now()), false)
  const late = there.link.more(performance.now() + 1000)
  mock.timers.tick(1000)
  t.equal(await late, false)
  const ended = here.link.more(performance.now() + 1000)
  here.link.end()
  t.equal(await ended, false)
  broker.leave()
  t.equal(await there.link.more(performance.now() + 1000), false)
  there.link.end()
})

t.test('changes of more than a megabyte are not told, only that they are there', async (t) => {
  const { broker, here, there } = twoNodes(t)
  here.link.publish([updateOf(0, 1, 'x'.repeat(600_000)), updateOf(1, 2, 'x'.repeat(600_000))])
  await deliverAll(broker)
  t.strictSame(there.events, ['missed until 2'])
  for (const { link } of [here, there]) link.end()
})

t.test('no more than 16 MB of changes wait', async (t) => {
  const { broker, here, there } = twoNodes(t)
  for (let clock = 0; clock < 17; clock++) here.link.publish([updateOf(clock, clock, 'x'.repeat(1_000_000))])
  await deliverAll(broker)
  t.strictSame(there.events, ['received', 'missed'])
  t.strictSame(there.link.take(), [])
  for (let round = 0; round < 2; round++) {
    for (let clock = 0; clock < 16; clock++) here.link.publish([updateOf(clock, clock, 'x'.repeat(1_000_000))])
    await deliverAll(broker)
    t.equal(there.link.take().length, 16)
  }
  t.strictSame(there.events.slice(2), ['received', 'received'])
  for (const { link } of [here, there]) link.end()
})

t.test('what makes no sense is logged, and the store is looked into', async (t) => {
  mockTimers(t)
  const broker = new ControlledBroker()
  const log = new Log()
  const { nodes, link, events } = nodeOn(broker.bus(), { log: Fastify(log.options).log })
  nodes.onDisconnect(() => { throw new Error('Nobody was to be disconnected') })
  broker.connect()
  const other = broker.bus()
  const wrong = ['', 'x', 'node changes 1\n{', 'node changes 1\nnull', 'node update 1\n{}', 'node saved x', 'node saved 1.5', '{}']
  for (const message of wrong) await other.publish('fastify-secsync:1:test:document:document', message, false)
  await other.publish('fastify-secsync:1:test:disconnect', '{', false)
  await deliverAll(broker)
  t.strictSame(events, wrong.map(() => 'missed'))
  t.strictSame(log.lines.map(({ msg }) => msg), [...wrong, ''].map(() => 'secsync: invalid message of another node'))
  link.end()
})

t.test('a node looks into the store from time to time: soon while it hears nothing, and at once when it does again', async (t) => {
  mockTimers(t)
  const broker = new ControlledBroker()
  const { link, events } = nodeOn(broker.bus(), { checkInterval: 60_000 })
  const looksIn = (ms: number): number => {
    events.length = 0
    for (let passed = 0; passed < ms; passed += 10) mock.timers.tick(10)
    return events.length
  }
  const alone = looksIn(10_000)
  t.ok(alone >= 9 && alone <= 20, `${alone} times in ten seconds`)
  broker.connect()
  t.equal(looksIn(1000), 1)
  const connected = looksIn(120_000)
  t.ok(connected >= 1 && connected <= 4, `${connected} times in two minutes`)
  broker.leave()
  t.equal(looksIn(400), 1)
  link.end()
  t.equal(looksIn(120_000), 0)
  broker.connect()
  t.equal(looksIn(120_000), 0)
})

t.test('a broker that does not know when to stop is not listened to', async (t) => {
  mockTimers(t)
  const subscribers: Subscriber[] = []
  const bus: Bus = {
    publish: async () => {},
    subscribe (_channel, subscriber) {
      subscribers.push(subscriber)
      return () => {}
    },
    close: async () => {}
  }
  const { link, events } = nodeOn(bus)
  link.end()
  for (const { message, connected } of subscribers) {
    connected(true)
    message('node saved ')
  }
  mock.timers.tick(60_000)
  t.strictSame([events, subscribers.length], [[], 1])
})

t.test('many rooms together look no more often than 500 times a second', async (t) => {
  mockTimers(t)
  const nodes = new Nodes(new ControlledBroker().bus(), 'test', 100, Fastify().log)
  let looks = 0
  const listener = { received () {}, missed () { looks++ }, ephemeralMessage () {} }
  const links = Array.from({ length: 2000 }, (_, index) => nodes.link(`${index}`, listener))
  for (let passed = 0; passed < 20_000; passed += 100) mock.timers.tick(100)
  t.ok(looks > 2000 && looks <= 20 * 750, `${looks} looks`)
  for (const link of links) link.end()
})

t.test('what could not be told is told later: that it is in the store', async (t) => {
  const { broker, here, there } = twoNodes(t)
  broker.leave()
  here.link.publish([updateOf(0, 1)])
  here.link.publishEphemeralMessage('{}')
  await flush()
  broker.connect()
  there.events.length = 0
  mock.timers.tick(2000)
  await deliverAll(broker)
  t.strictSame(there.events.filter((event) => event !== 'missed'), [])
  t.ok(there.events.length > 1)
  for (const { link } of [here, there]) link.end()
})

t.test('a broker that throws costs nothing', async (t) => {
  mockTimers(t)
  const bus: Bus = { publish () { throw new Error('No') }, subscribe: () => () => {}, async close () {} }
  const log = new Log()
  const { nodes, link, events } = nodeOn(bus, { log: Fastify(log.options).log })
  link.publish([updateOf(0, 1)])
  nodes.disconnect({ documentId: 'document' })
  await flush()
  t.strictSame(events, [])
  t.strictSame(log.lines.map(({ msg }) => msg), ['secsync: publishing to other nodes failed', 'secsync: publishing a disconnect to other nodes failed'])
  link.end()
})

t.test('a broker that throws when it is subscribed to, left or closed costs nothing', async (t) => {
  mockTimers(t)
  const log = new Log()
  const fail = (): never => { throw new Error('No') }
  const deaf = nodeOn({ async publish () {}, subscribe: fail, close: async () => fail() }, { log: Fastify(log.options).log })
  deaf.link.end()
  await deaf.nodes.close()
  const stuck = nodeOn({ async publish () {}, subscribe: () => fail, async close () {} }, { log: Fastify(log.options).log })
  stuck.link.end()
  stuck.link.end()
  t.strictSame(log.lines.map(({ msg }) => msg), [
    'secsync: subscribing to the bus failed. This node polls the store',
    'secsync: closing the bus failed',
    'secsync: unsubscribing from the bus failed'
  ])
})

t.test('an ephemeral message that is too long for the bus stays on its node', async (t) => {
  const { broker, here } = twoNodes(t)
  here.link.publishEphemeralMessage('x'.repeat(1024 * 1024 + 1))
  await flush()
  t.equal(broker.underway.length, 0)
  here.link.end()
})

t.test('whom to disconnect is told to the others, and not to oneself', async (t) => {
  const broker = new ControlledBroker()
  const told: Array<[string, Disconnect]> = []
  const [here, there] = ['here', 'there'].map((name) => {
    const nodes = new Nodes(broker.bus(), 'test', 10_000, Fastify().log)
    nodes.onDisconnect((which) => told.push([name, which]))
    return nodes
  }) as [Nodes, Nodes]
  broker.connect()
  here.disconnect({ documentId: 'document', sessionKeyHash: 'hash' })
  await deliverAll(broker)
  t.strictSame(told, [['there', { documentId: 'document', sessionKeyHash: 'hash' }]])
  await there.close()
  here.disconnect({ documentId: 'document' })
  await deliverAll(broker)
  t.equal(told.length, 1)
})
