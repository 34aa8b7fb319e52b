// The connection to Redis, with a client whose troubles come when a test says so. A real one: redis.test.ts.
import { EventEmitter } from 'node:events'
import { mock } from 'node:test'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import type { Subscriber } from '../../lib/nodes/bus.ts'
import type { RedisClient } from '../../lib/nodes/redis-client.ts'
import { RedisBus } from '../../lib/nodes/redis.ts'
import { Log } from '../fixtures/log.ts'
import { flush } from '../fixtures/world.ts'

/** An ioredis client as far as the bus knows one. */
class Client extends EventEmitter {
  status = 'connecting'
  readonly calls: string[] = []
  fails = false
  error = new Error('NOPERM')
  /** Answers that are waited for, while there is an array. */
  held: Array<() => void> | undefined
  subscriber: Client | undefined
  readonly options: { keyPrefix?: string | Buffer, sentinels?: object[] }

  constructor (options = {}) {
    super()
    this.options = options
  }

  duplicate (options: object): Client {
    this.subscriber = new Client()
    this.subscriber.calls.push(JSON.stringify(options))
    return this.subscriber
  }

  publish (...args: string[]): Promise<number> { return this.#call('publish', args) }
  subscribe (...args: string[]): Promise<number> { return this.#call('subscribe', args) }
  unsubscribe (...args: string[]): Promise<number> { return this.#call('unsubscribe', args) }
  ping (): Promise<number> { return this.#call('ping', []) }
  async connect (): Promise<void> {
    this.calls.push('connect')
    if (this.fails) throw new Error('ECONNREFUSED')
  }

  disconnect (reconnect?: boolean): void { this.calls.push(reconnect ? 'reconnect' : 'disconnect') }

  async #call (name: string, args: string[]): Promise<number> {
    this.calls.push([name, ...args].join(' '))
    if (this.held !== undefined) await new Promise<void>((resolve) => this.held!.push(resolve))
    if (this.fails) throw this.error
    return 1
  }

  become (status: string): void {
    this.status = status
    this.emit(status)
  }
}

function busOn (client = new Client()): { bus: RedisBus, client: Client, subscriber: Client, messages (): string[] } {
  const log = new Log()
  const bus = new RedisBus(client as unknown as RedisClient, Fastify(log.options).log)
  const subscriber = client.subscriber!
  subscriber.calls.length = 0
  return { bus, client, subscriber, messages: () => log.lines.map(({ msg }) => msg) }
}

/** A subscriber that keeps what it is told. */
function listener (): Subscriber & { told: Array<string | boolean> } {
  const told: Array<string | boolean> = []
  return { told, message: (message) => { told.push(message) }, connected: (isConnected) => { told.push(isConnected) } }
}

t.test('it subscribes when it is connected, again whenever it is back, and tells what it is at', async (t) => {
  const { bus, subscriber, messages } = busOn()
  const [a, b] = [listener(), listener()]
  bus.subscribe('a', a)
  subscriber.emit('error', new Error('ECONNREFUSED'))
  subscriber.emit('error', new Error('ECONNREFUSED'))
  t.strictSame(subscriber.calls, [])
  subscriber.become('ready')
  bus.subscribe('b', b)
  await flush()
  t.strictSame(subscriber.calls, ['subscribe a', 'subscribe b'])
  t.strictSame([a.told, b.told], [[true], [true]])

  subscriber.become('close')
  subscriber.become('ready')
  await flush()
  t.strictSame(subscriber.calls.slice(2), ['subscribe a b'])
  t.strictSame([a.told, b.told], [[true, false, true], [true, false, true]])
  t.strictSame(messages(), ['secsync: Redis is unavailable. Nodes poll the store until it is back', 'secsync: Redis is available again'], 'an outage is logged once')
})

t.test('a message goes to the subscriber of its channel, and to nobody when that has left', async (t) => {
  const { bus, subscriber } = busOn()
  const [a, b] = [listener(), listener()]
  subscriber.become('ready')
  const leave = bus.subscribe('a', a)
  bus.subscribe('b', b)
  await flush()
  subscriber.emit('message', 'a', 'to a')
  leave()
  subscriber.emit('message', 'a', 'late')
  t.strictSame([a.told, b.told], [[true, 'to a'], [true]])
  t.strictSame(subscriber.calls.slice(2), ['unsubscribe a'])
})

t.test('who leaves before it is subscribed, or while Redis is away, is not told, and it is not asked for again', async (t) => {
  const { bus, subscriber } = busOn()
  const [a, b, after] = [listener(), listener(), listener()]
  subscriber.become('ready')
  subscriber.held = []
  const leave = bus.subscribe('a', a)
  leave()
  bus.subscribe('a', after)
  leave()
  const answers = subscriber.held
  subscriber.held = undefined
  for (const answer of answers) answer()
  await flush()
  t.strictSame([a.told, after.told], [[], [true]])

  const leaveB = bus.subscribe('b', b)
  await flush()
  subscriber.become('close')
  subscriber.calls.length = 0
  leaveB()
  subscriber.become('ready')
  await flush()
  t.strictSame(subscriber.calls, ['subscribe a'])
})

t.test('a Redis that refuses to subscribe, or to unsubscribe, is an error in the log, and nobody is told that messages arrive', async (t) => {
  const { bus, subscriber, messages } = busOn()
  const a = listener()
  subscriber.fails = true
  subscriber.become('ready')
  bus.subscribe('a', a)()
  await flush()
  t.strictSame(a.told, [])
  t.strictSame(messages(), ['secsync: Redis rejects subscriptions. This node polls the store until they succeed'])
})

t.test('what cannot be sent now is refused, not kept', async (t) => {
  const { bus, client } = busOn()
  for (const status of ['connecting', 'connect', 'close', 'reconnecting', 'end']) {
    client.status = status
    await t.rejects(bus.publish('a', 'message'), { code: 'FST_SECSYNC_BUS_UNAVAILABLE' })
  }
  t.strictSame(client.calls, [])
  // A client with `lazyConnect` connects for its first command.
  for (const status of ['wait', 'ready']) {
    client.status = status
    await bus.publish('a', 'message')
  }
  t.strictSame(client.calls, ['publish a message', 'publish a message'])
  client.fails = true
  await t.rejects(bus.publish('a', 'message'), { message: 'NOPERM' })
  client.fails = false

  client.held = []
  const sent = Array.from({ length: 9 }, () => bus.publish('a', 'x'.repeat(1024 * 1024)))
  await t.rejects(bus.publish('a', 'message'), { code: 'FST_SECSYNC_BUS_UNAVAILABLE', message: /too slow/ })
  for (const answer of client.held) answer()
  client.held = undefined
  await Promise.all(sent)
  await bus.publish('a', 'message')
})

t.test('a Redis that answers no ping is away, and it connects anew', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { bus, subscriber, messages } = busOn()
  const a = listener()
  mock.timers.tick(5000)
  subscriber.become('ready')
  bus.subscribe('a', a)
  await flush()
  for (const fails of [false, true]) {
    subscriber.fails = fails
    mock.timers.tick(5000)
    await flush()
  }
  t.strictSame(subscriber.calls, ['subscribe a', 'ping', 'ping'])
  subscriber.held = []
  mock.timers.tick(5000)
  mock.timers.tick(2000)
  t.strictSame(subscriber.calls.slice(3), ['ping', 'reconnect'])
  t.strictSame(a.told, [true, false])
  t.strictSame(messages(), ['secsync: Redis is unavailable. Nodes poll the store until it is back'])
  await bus.close()
})

t.test('a connection that ioredis has given up is opened again, and a failure to do so is no crash', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { bus, subscriber } = busOn()
  subscriber.become('end')
  for (const fails of [true, false]) {
    subscriber.fails = fails
    mock.timers.tick(5000)
    await flush()
  }
  t.strictSame(subscriber.calls, ['connect', 'connect'])
  await bus.close()
})

t.test('a Redis that answers that nobody may publish is named in the log, and when it takes messages again', async (t) => {
  const { bus, client, messages } = busOn()
  client.status = 'ready'
  client.fails = true
  client.error = Object.assign(new Error('NOPERM this user has no permissions'), { name: 'ReplyError' })
  for (let i = 0; i < 2; i++) await t.rejects(bus.publish('a', 'message'), { code: 'FST_SECSYNC_BUS_UNAVAILABLE' })
  client.fails = false
  await bus.publish('a', 'message')
  t.strictSame(messages(), [
    'secsync: Redis rejects messages of this node. Other nodes poll the store until it accepts them', 'secsync: Redis accepts messages of this node again'
  ])
})

t.test('channels have the prefix of the client, if it has one', async (t: Test) => {
  for (const [client, prefix] of [[new Client({ keyPrefix: 'app:' }), 'app:'], [new Client({ keyPrefix: Buffer.from('app:') }), 'app:'], [new Client(), '']] as const) {
    const { bus, subscriber } = busOn(client)
    const a = listener()
    client.status = 'ready'
    subscriber.become('ready')
    bus.subscribe('a', a)
    await bus.publish('a', 'message')
    await flush()
    t.strictSame([...client.calls, ...subscriber.calls], [`publish ${prefix}a message`, `subscribe ${prefix}a`])
    subscriber.emit('message', `${prefix}a`, 'message')
    t.strictSame(a.told, [true, 'message'])
  }
})

t.test('when it is closed it disconnects, and nobody is told anything more', async (t) => {
  const { bus, subscriber } = busOn()
  const a = listener()
  subscriber.become('ready')
  const leave = bus.subscribe('a', a)
  await flush()
  await bus.close()
  subscriber.become('close')
  leave()
  t.strictSame(a.told, [true])
  t.strictSame(subscriber.calls, ['subscribe a', 'disconnect'])
})

/** As an ioredis Cluster, with as many nodes as `servers` has. */
class ClusterClient extends Client {
  servers = [new Client()]
  nodes (): Client[] { return this.servers }
}

t.test('with a cluster it subscribes at one of the nodes, and at another one when that is lost', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => mock.timers.reset())
  const cluster = new ClusterClient()
  const log = new Log()
  const bus = new RedisBus(cluster as unknown as RedisClient, Fastify(log.options).log)
  const a = listener()
  bus.subscribe('a', a)
  const [{ subscriber: first }] = cluster.servers as [Client]
  t.match(first!.calls, ['"retryStrategy":null'])
  first!.become('ready')
  await flush()
  first!.become('close')
  cluster.servers = []
  first!.become('end')
  mock.timers.tick(150)
  // Without a node, there is nothing to ping.
  mock.timers.tick(5000)
  cluster.servers = [new Client()]
  mock.timers.tick(150)
  const [{ subscriber: second }] = cluster.servers as [Client]
  bus.subscribe('b', listener())()
  second!.become('ready')
  await flush()
  t.match(second!.calls.at(-1), /^subscribe fastify-secsync:echo:\S+ a$/)
  t.strictSame(a.told, [true, false, true])

  cluster.servers = []
  second!.become('end')
  bus.subscribe('c', listener())()
  await bus.close()
  cluster.servers = [new Client()]
  mock.timers.tick(150)
  t.equal(cluster.servers[0]!.subscriber, undefined)
  second!.become('end')
})

t.test('a connection that does not hear what this node publishes is left: its server is not one of the others any more', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { bus, client, subscriber, messages } = busOn(new Client({ sentinels: [] }))
  client.status = 'ready'
  // Not subscribed yet: nothing is published.
  mock.timers.tick(5000)
  subscriber.become('ready')
  await flush()
  const [, channel] = subscriber.calls[0]!.split(' ') as [string, string]
  const round = async (isHeard: boolean): Promise<void> => {
    mock.timers.tick(5000)
    await flush()
    if (isHeard) subscriber.emit('message', channel, '')
    mock.timers.tick(2000)
    await flush()
  }
  await round(true)
  client.fails = true
  await round(false)
  t.strictSame(subscriber.calls.slice(1), ['ping', 'ping'])
  client.fails = false
  mock.timers.tick(3000)
  await round(false)
  t.equal(subscriber.calls.at(-1), 'reconnect')
  t.match(messages(), ['secsync: Redis is unavailable. Nodes poll the store until it is back'])
  await bus.close()
})

t.test('a server that accepts a connection and does not answer is left', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { bus, subscriber } = busOn()
  subscriber.status = 'connect'
  mock.timers.tick(5000)
  t.strictSame(subscriber.calls, [])
  mock.timers.tick(5000)
  t.strictSame(subscriber.calls, ['reconnect'])
  await bus.close()
})
