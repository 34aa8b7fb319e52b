import { deepEqual, equal } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Bus, CreateBus, Subscriber } from '../nodes/bus.ts'
import { silentLog, until, type DefineTest } from './test.ts'

/** A broker with what a suite needs of it. */
export interface TestBroker {
  /** Makes the bus of another node on this broker. */
  createBus: CreateBus
  /** Stops the broker, or cuts it off. Omit it together with `restore` for a broker that cannot fail. */
  interrupt?: () => unknown
  /** Makes the broker available again. */
  restore?: () => unknown
}

/** Keeps what a subscriber is told. */
class Listener implements Subscriber {
  readonly messages: string[] = []
  /** What `connected` was called with. */
  readonly states: boolean[] = []

  message (message: string): void {
    this.messages.push(message)
  }

  connected (isConnected: boolean): void {
    this.states.push(isConnected)
  }

  get isConnected (): boolean {
    return this.states.at(-1) ?? false
  }
}

/**
 * The tests that each message broker must pass.
 *
 * ```ts
 * busSuite((name, run) => test(name, run), async () => ({ createBus: () => myBus() }))
 * ```
 *
 * @param broker Gives the broker. It is called for each test and may give the same one. The channels of each test are its own.
 */
export function busSuite (test: DefineTest, broker: () => TestBroker | Promise<TestBroker>): void {
  const define = (name: string, run: (here: Bus, there: Bus, broker: TestBroker) => Promise<void>) => {
    test(name, async () => {
      const given = await broker()
      const [here, there] = [await given.createBus(silentLog), await given.createBus(silentLog)]
      try {
        await Promise.all([isReady(here), isReady(there)])
        await run(here, there, given)
      } finally {
        await Promise.all([here.close(), there.close()])
      }
    })
  }

  const subscribe = async (bus: Bus, channel: string): Promise<{ listener: Listener, leave: () => void }> => {
    const listener = new Listener()
    const leave = bus.subscribe(channel, listener)
    await until(() => listener.isConnected, `connected(true) for the channel ${channel.slice(0, 100)}`)
    return { listener, leave }
  }

  const publishAll = async (bus: Bus, channel: string, messages: string[], isEphemeral = false): Promise<void> => {
    for (const message of messages) await bus.publish(channel, message, isEphemeral)
  }

  /** A bus that is not connected yet refuses messages. */
  const isReady = async (bus: Bus): Promise<void> => {
    const { leave } = await subscribe(bus, randomUUID())
    let isPublished = false
    await until(() => {
      bus.publish(randomUUID(), 'message', false).then(() => { isPublished = true }, () => {})
      return isPublished
    }, 'publish() to resolve')
    leave()
  }

  const hears = async (listener: Listener, messages: string[]): Promise<void> => {
    const missing = (): string[] => messages.filter((message) => !listener.messages.includes(message))
    await until(() => missing().length === 0, `the messages ${missing().join(', ').slice(0, 200)}`)
  }

  define('a message reaches the subscribers of its channel on every node', async (here, there) => {
    const channel = randomUUID()
    const { listener } = await subscribe(there, channel)
    const { listener: second } = await subscribe(here, channel)
    const { listener: other } = await subscribe(there, randomUUID())
    await publishAll(here, channel, ['1', '2'])
    await publishAll(here, channel, ['3'], true)
    await publishAll(there, channel, ['4'])
    await hears(listener, ['1', '2', '3'])
    await hears(second, ['4'])
    deepEqual(other.messages, [])
    deepEqual([listener.states, second.states, other.states], [[true], [true], [true]])
  })

  define('a message arrives as it is', async (here, there) => {
    const channel = randomUUID()
    const { listener } = await subscribe(there, channel)
    const longest = Math.min(here.maxMessageLength ?? Infinity, 1024 * 1024)
    const emoji = '😀'
    const messages = [
      'x', ' two\nlines ', '"quoted" \\ \'', 'ü 文書 🎉', '{"json":"\\u0000"}', '%s $1 ?', 'x'.repeat(7999), 'x'.repeat(8000), `x${emoji.repeat(5000)}`,
      'x'.repeat(longest), '文'.repeat(longest), `x${emoji.repeat(longest / 2 - 1)}`
    ]
    await publishAll(here, channel, messages)
    await publishAll(here, channel, [...messages].reverse(), true)
    await publishAll(here, channel, ['end'])
    await hears(listener, [...messages, 'end'])
    const known = new Set([...messages, 'end'])
    equal(listener.messages.filter((message) => !known.has(message)).length, 0)
  })

  define('a channel may have any name, and does not hear another', async (here, there) => {
    const names = ['a', 'A', 'a ', 'a:b', 'a*', '*', '%', "it's", '"quoted"', 'a\nb', 'ü 文書 🎉', 'x'.repeat(2000), `${'x'.repeat(2000)}y`]
    const channels = names.map((name) => `${randomUUID().slice(0, 8)} ${name}`)
    const listeners: Listener[] = []
    for (const channel of channels) listeners.push((await subscribe(there, channel)).listener)
    await Promise.all(channels.map((channel, index) => here.publish(channel, `message ${index}`, false)))
    for (const [index, listener] of listeners.entries()) await hears(listener, [`message ${index}`])
    for (const [index, { messages }] of listeners.entries()) deepEqual([...new Set(messages)], [`message ${index}`])
  })

  define('a node has many channels at once', async (here, there) => {
    const count = 1000
    const id = randomUUID()
    const listeners = Array.from({ length: count }, () => new Listener())
    const leave = listeners.map((listener, index) => there.subscribe(`${id} ${index}`, listener))
    await until(() => listeners.every(({ isConnected }) => isConnected), `connected(true) for ${count} channels`)
    await Promise.all(listeners.map((_listener, index) => here.publish(`${id} ${index}`, `message ${index}`, false)))
    for (const [index, listener] of listeners.entries()) await hears(listener, [`message ${index}`])
    for (const [index, stop] of leave.entries()) if (index % 2 === 0) stop()
    await Promise.all(listeners.map((_listener, index) => here.publish(`${id} ${index}`, 'more', false)))
    for (const [index, listener] of listeners.entries()) if (index % 2 === 1) await hears(listener, ['more'])
    for (const [index, { messages }] of listeners.entries()) equal(messages.includes('more'), index % 2 === 1)
  })

  define('a subscriber that has left hears nothing, and the channel can have another one', async (here, there) => {
    const channel = randomUUID()
    const { listener: first, leave } = await subscribe(there, channel)
    leave()
    leave()
    const { listener: second } = await subscribe(there, channel)
    leave()
    await publishAll(here, channel, ['1'])
    await hears(second, ['1'])
    const { listener: third } = await subscribe(there, channel)
    await publishAll(here, channel, ['2'])
    await hears(third, ['2'])
    const { listener: fourth } = await subscribe(there, channel)
    await publishAll(here, channel, ['in place of the third'])
    await hears(fourth, ['in place of the third'])
    deepEqual(first.messages, [])
    // It leaves before it is subscribed.
    const never = new Listener()
    there.subscribe(randomUUID(), never)()
    await publishAll(here, channel, ['3'])
    await hears(fourth, ['3'])
    deepEqual(never, new Listener())
  })

  define('many messages at once arrive, and none comes from nowhere', async (here, there) => {
    const channel = randomUUID()
    const { listener } = await subscribe(there, channel)
    const messages = Array.from({ length: 2000 }, (_, index) => `message ${index} ${'x'.repeat(index)}`)
    await Promise.all(messages.map((message) => here.publish(channel, message, false)))
    await hears(listener, messages)
    equal(new Set(listener.messages).size, messages.length)
  })

  define('a closed bus tells its subscribers nothing, and the other nodes go on', async (here, there, { createBus }) => {
    const channel = randomUUID()
    const { listener: closed } = await subscribe(there, channel)
    await there.close()
    const third = await createBus(silentLog)
    try {
      const { listener } = await subscribe(third, channel)
      await publishAll(here, channel, ['1'])
      await hears(listener, ['1'])
    } finally {
      await third.close()
    }
    deepEqual([closed.messages, closed.states], [[], [true]])
  })

  define('after an outage of the broker messages arrive again', async (here, there, { interrupt, restore }) => {
    if (interrupt === undefined || restore === undefined) return
    const channel = randomUUID()
    const { listener } = await subscribe(there, channel)
    const { listener: own } = await subscribe(here, randomUUID())
    const late = new Listener()
    try {
      await interrupt()
      await until(() => !listener.isConnected && !own.isConnected, 'connected(false) after the broker was interrupted')
      there.subscribe(`${channel} late`, late)
      await here.publish(channel, 'lost', false).then(() => { throw new Error('publish() resolved without a broker') }, () => {})
    } finally {
      await restore()
    }
    await until(() => [listener, own, late].every(({ isConnected }) => isConnected), 'connected(true) after the broker was restored')
    // The client that publishes may come back later than the one that subscribes.
    await until(() => {
      here.publish(channel, 'after', false).catch(() => {})
      here.publish(`${channel} late`, 'after', false).catch(() => {})
      return listener.messages.includes('after') && late.messages.includes('after')
    }, 'a message after the outage')
    deepEqual(listener.states, [true, false, true])
    deepEqual(late.states, [true])
  })
}
