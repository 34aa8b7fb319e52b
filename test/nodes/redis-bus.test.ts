// The connections to Redis, with servers whose troubles come when a test says so. Real ones: redis.test.ts.
import { mock } from 'node:test'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import type { Subscriber } from '../../lib/nodes/bus.ts'
import type { RedisClient } from '../../lib/nodes/redis-client.ts'
import { RedisBus } from '../../lib/nodes/redis.ts'
import { Log } from '../fixtures/log.ts'
import { Broker, Client, ClusterClient } from '../fixtures/redis-clients.ts'
import { flush } from '../fixtures/world.ts'

interface Started {
  bus: RedisBus
  broker: Broker
  messages: () => string[]
  reasons: () => string[]
  pass: (ms: number) => Promise<void>
}

/** A bus, and time that passes when the test says so. */
async function start (t: Test, client = new Client(new Broker())): Promise<Started> {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => mock.timers.reset())
  t.capture(Math, 'random', () => 0.5)
  const log = new Log()
  const bus = new RedisBus(client as unknown as RedisClient, Fastify(log.options).log)
  t.teardown(() => bus.close())
  await flush()
  return {
    bus,
    broker: client.broker,
    messages: () => log.lines.map(({ msg }) => msg),
    reasons: () => log.lines.flatMap((line) => 'reason' in line ? [String(line.reason)] : []),
    pass: async (ms) => {
      mock.timers.tick(ms)
      await flush()
    }
  }
}

/** A subscriber that keeps what it is told. */
function listener (): Subscriber & { told: Array<string | boolean> } {
  const told: Array<string | boolean> = []
  return { told, message: (message) => { told.push(message) }, connected: (isConnected) => { told.push(isConnected) } }
}

const away = 'secsync: Redis is unavailable. Nodes poll the store until it is back'
const back = 'secsync: Redis is available again'

t.test('it subscribes when it is connected, and again after an outage, which is logged once', async (t) => {
  const { bus, broker, messages, reasons, pass } = await start(t)
  const [a, b] = [listener(), listener()]
  bus.subscribe('a', a)
  await flush()
  bus.subscribe('b', b)
  await flush()
  t.strictSame(broker.commands, ['subscribe a', 'subscribe b'])
  t.strictSame([a.told, b.told], [[true], [true]])

  broker.gone.add('server')
  for (const connection of broker.connections) connection.end()
  t.equal(broker.connections.size, 0, 'a session ends as a whole')
  for (const pause of [50, 100, 200]) await pass(pause)
  broker.gone.clear()
  await pass(400)
  t.strictSame(broker.commands.slice(2), ['subscribe a b'])
  t.strictSame([a.told, b.told], [[true, false, true], [true, false, true]])
  t.strictSame(messages(), [away, back])
  t.strictSame(reasons(), ['the connection was closed'])
})

t.test('a server that cannot be reached when it starts is named in the log', async (t) => {
  const client = new Client(new Broker())
  client.broker.gone.add('server')
  const { reasons, messages, broker, pass } = await start(t, client)
  broker.gone.clear()
  await pass(50)
  t.strictSame(messages(), [away, back])
  t.strictSame(reasons(), ['ECONNREFUSED'])
})

t.test('a message goes to the subscriber of its channel, and to nobody when that has left', async (t) => {
  const { bus, broker } = await start(t)
  const [a, b] = [listener(), listener()]
  const leave = bus.subscribe('a', a)
  bus.subscribe('b', b)
  await flush()
  await bus.publish('a', 'to a')
  leave()
  await bus.publish('a', 'late')
  leave()
  t.strictSame([a.told, b.told], [[true, 'to a'], [true]])
  t.strictSame(broker.commands.slice(2), ['publish a to a', 'unsubscribe a', 'publish a late'])
})

t.test('who leaves before it is subscribed, or while Redis is away, is not told, and it is not asked for again', async (t) => {
  const { bus, broker, pass } = await start(t)
  const [a, b, after] = [listener(), listener(), listener()]
  const held: Array<() => void> = []
  broker.held.set('subscribe', held)
  const leave = bus.subscribe('a', a)
  leave()
  bus.subscribe('a', after)
  leave()
  broker.held.clear()
  for (const answer of held) answer()
  await flush()
  t.strictSame([a.told, after.told], [[], [true]])

  const leaveB = bus.subscribe('b', b)
  await flush()
  for (const connection of broker.connections) connection.end()
  broker.commands.length = 0
  leaveB()
  await pass(50)
  t.strictSame(broker.commands, ['subscribe a'])
})

t.test('what a lost connection answers late does not count', async (t) => {
  const { bus, broker, messages, pass } = await start(t)
  const [a, b] = [listener(), listener()]
  const held: Array<() => void> = []
  broker.held.set('subscribe', held)
  bus.subscribe('a', a)
  bus.subscribe('b', b)
  await flush()
  for (const connection of broker.connections) connection.end()
  held[0]!()
  broker.errors.set('subscribe', new Error('late'))
  held[1]!()
  await flush()
  t.strictSame([a.told, b.told], [[], []])
  broker.errors.clear()
  broker.held.clear()
  await pass(50)
  t.strictSame([a.told, b.told], [[true], [true]])
  t.strictSame(messages(), [away, back])
})

t.test('a Redis that rejects subscriptions is named in the log, and asked again', async (t) => {
  const { bus, broker, messages, pass } = await start(t)
  const a = listener()
  broker.errors.set('subscribe', new Error('NOPERM'))
  broker.errors.set('unsubscribe', new Error('NOPERM'))
  bus.subscribe('b', listener())()
  bus.subscribe('a', a)
  await flush()
  await pass(5000)
  t.strictSame(a.told, [])
  broker.errors.clear()
  await pass(5000)
  t.strictSame(a.told, [true])
  t.strictSame(messages(), ['secsync: Redis rejects subscriptions. This node polls the store until they succeed', 'secsync: Redis accepts subscriptions again'])
})

t.test('what cannot be sent now is rejected, not kept', async (t) => {
  const { bus, broker, pass } = await start(t)
  await bus.publish('a', 'message')
  broker.errors.set('publish', new Error('NOPERM, with args beginning with: secret'))
  await t.rejects(bus.publish('a', 'message'), { code: 'FST_SECSYNC_BUS_UNAVAILABLE', message: 'Could not publish to other nodes: NOPERM' })
  broker.errors.clear()

  const held: Array<() => void> = []
  broker.held.set('publish', held)
  const sent = Array.from({ length: 9 }, () => bus.publish('a', 'x'.repeat(1024 * 1024)))
  await t.rejects(bus.publish('a', 'message'), { code: 'FST_SECSYNC_BUS_UNAVAILABLE', message: /too slow/ })
  broker.held.clear()
  for (const answer of held) answer()
  await Promise.all(sent)
  await bus.publish('a', 'message')

  for (const connection of broker.connections) connection.end()
  broker.commands.length = 0
  await t.rejects(bus.publish('a', 'message'), { code: 'FST_SECSYNC_BUS_UNAVAILABLE' })
  await pass(50)
  t.strictSame(broker.commands, [])
})

t.test('a Redis through which no message arrives any more is left', async (t) => {
  const { bus, broker, messages, reasons, pass } = await start(t)
  const a = listener()
  bus.subscribe('a', a)
  await flush()
  await pass(5000)
  const before = [...broker.connections]
  broker.hanging.add('server')
  await pass(5000)
  await pass(2000)
  t.strictSame(a.told, [true, false])
  t.notOk(before.some((connection) => broker.connections.has(connection)))
  // It accepts connections and does not answer.
  await pass(50)
  await pass(3000)
  broker.hanging.clear()
  await pass(100)
  t.strictSame(a.told, [true, false, true])
  t.strictSame(messages(), [away, back])
  t.strictSame(reasons(), ['messages do not arrive in time'])
})

t.test('a Redis at which this node may not publish is no bus, and the log says why', async (t) => {
  const client = new Client(new Broker())
  client.broker.errors.set('publish', new Error('NOPERM this user has no permissions'))
  const { bus, reasons } = await start(t, client)
  const a = listener()
  bus.subscribe('a', a)
  await flush()
  t.strictSame(a.told, [])
  t.strictSame(reasons(), ['NOPERM this user has no permissions'])
})

t.test('channels have the prefix of the client, if it has one', async (t) => {
  for (const [keyPrefix, prefix] of [['app:', 'app:'], [Buffer.from('app:'), 'app:'], [undefined, '']] as const) {
    await t.test(`prefix ${prefix}`, async (t) => {
      const { bus, broker } = await start(t, new Client(new Broker(), 'server', keyPrefix && { keyPrefix }))
      const a = listener()
      bus.subscribe('a', a)
      await flush()
      await bus.publish('a', 'message')
      t.strictSame(broker.commands, [`subscribe ${prefix}a`, `publish ${prefix}a message`])
      t.strictSame(a.told, [true, 'message'])
    })
  }
})

t.test('when it is closed it disconnects, and nobody is told anything more', async (t) => {
  const { bus, broker, messages, pass } = await start(t)
  const a = listener()
  const leave = bus.subscribe('a', a)
  await flush()
  const connections = [...broker.connections]
  await bus.close()
  for (const connection of connections) connection.receive('a', 'late')
  await pass(60_000)
  leave()
  t.strictSame(a.told, [true])
  t.equal(broker.connections.size, 0)
  t.strictSame(messages(), [])
})

t.test('it can be closed while it connects', async (t) => {
  const client = new Client(new Broker())
  client.broker.hanging.add('server')
  const { bus, broker, pass } = await start(t, client)
  t.equal(broker.connections.size, 1)
  await bus.close()
  await pass(60_000)
  t.equal(broker.connections.size, 0)
})

t.test('it can be closed while its first message is on its way', async (t) => {
  const client = new Client(new Broker())
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => mock.timers.reset())
  const bus = new RedisBus(client as unknown as RedisClient, Fastify(new Log().options).log)
  for (let i = 0; i < 100 && client.broker.connections.size < 2; i++) await Promise.resolve()
  await bus.close()
  await flush()
  t.equal(client.broker.connections.size, 0)
})

/** A cluster of three servers of these names. */
function clusterOf (...names: string[]): ClusterClient {
  const cluster = new ClusterClient(new Broker(), 'cluster')
  cluster.found = names.map((name, index) => new Client(cluster.broker, name, { host: name, port: index, tls: null, lazyConnect: true }))
  return cluster
}

const serversOf = ({ connections }: Broker): string[] => [...connections].map(({ server }) => server).sort()

t.test('with a cluster it publishes at one server and subscribes at another one', async (t) => {
  const { bus, broker } = await start(t, clusterOf('one', 'two'))
  const a = listener()
  bus.subscribe('a', a)
  await flush()
  await bus.publish('a', 'message')
  t.strictSame(a.told, [true, 'message'])
  t.strictSame(serversOf(broker), ['one', 'two'])
})

t.test('one server of a cluster is enough', async (t) => {
  const cluster = clusterOf('one', 'two', 'three')
  cluster.broker.gone.add('one')
  cluster.broker.hanging.add('two')
  const { bus, broker, messages, pass } = await start(t, cluster)
  await pass(3000)
  const a = listener()
  bus.subscribe('a', a)
  await flush()
  t.strictSame(a.told, [true])
  t.strictSame(serversOf(broker), ['three', 'three'])
  t.strictSame(messages(), [])
})

t.test('the servers of a cluster are asked for each time, from those that are configured and those that are known in turn', async (t) => {
  const cluster = clusterOf('one', 'two')
  const { broker, pass, reasons } = await start(t, cluster)
  cluster.known = [new Client(cluster.broker, 'three', { host: 'three', port: 3 })]
  cluster.found = []
  for (const connection of broker.connections) connection.end()
  await pass(50)
  cluster.found = [new Client(cluster.broker, 'four', { host: 'four', port: 4 })]
  await pass(100)
  t.strictSame(serversOf(broker), ['four', 'four'])
  t.strictSame(cluster.startupNodes, [[], [{ host: 'three', port: 3 }, { host: 'one', port: 0 }, { host: 'two', port: 1 }], []])
  t.strictSame(reasons(), ['the connection was closed'])
})

t.test('a client with sentinels has more time to connect, because it asks them first', async (t) => {
  const client = new Client(new Broker(), 'server', { sentinels: [] })
  client.broker.hanging.add('server')
  const { messages, pass } = await start(t, client)
  await pass(7999)
  t.strictSame(messages(), [])
  await pass(1)
  t.strictSame(messages(), [away])
})
