// What the model found: each the shortest way to a broken promise.
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import type { ModelClient } from './fixtures/model-client.ts'
import { callbackTimeout } from './fixtures/model-nodes.ts'
import { flush, mockTimers, World, type WorldOptions } from './fixtures/world.ts'

/** Some clients that have a document with one snapshot. */
async function open (t: Test, options: WorldOptions & { clients: number }) {
  mockTimers(t)
  const world = new World(options)
  world.clients[0]!.type()
  await world.drain({ withTimers: false })
  return { world, clients: world.clients, writer: world.clients[0]!, reader: world.clients[1]! }
}

/** The client types, and what it sends is on the line. */
function write (client: ModelClient): void {
  client.type()
  client.work()
}

/** Lets a write fail, and the room find that it is not stored. */
async function fail (world: World): Promise<void> {
  world.store.perform(0, 'failed')
  await world.serve()
}

// Gaps

t.test('a group that fails leaves no gap when it is tried again, though one author wrote it on two connections', async (t) => {
  const { world } = await open(t, { clients: 1, isLenient: true })
  for (const connection of [0, 1]) world.sharedClock.send(connection)
  await world.serve()
  for (const connection of [0, 1, 0]) world.sharedClock.send(connection)
  await world.until(() => world.store.called.length > 0)
  await fail(world)
  await world.drain()
  t.strictSame(world.store.gaps, [])
  const newcomer = world.add('newcomer')
  await world.drain()
  t.strictSame([newcomer.faults, newcomer.isSettled], [[], true])
})

// Acknowledgements

for (const [what, hasGateway] of [['behind a gateway that answers pings', true], ['when the client is busy', false]] as const) {
  t.test(`an acknowledgement is never taken for other bytes than those that are stored: a write fails ${what}`, async (t) => {
    const { world, writer } = await open(t, { clients: 1, hasGateway })
    write(writer)
    while (writer.passUp());
    await world.until(() => world.store.called.length > 0)
    await fail(world)
    // Its network layer has the failure and answers the ping. It sends on, since it has not heard.
    writer.arrive()
    write(writer)
    while (writer.passUp());
    await world.serve()
    // It hears the first failure while the network layer gets the second, sends all again, and only then hears the second.
    writer.hear()
    writer.arrive()
    while (writer.work());
    while (writer.passUp());
    writer.hear()
    writer.work()
    write(writer)
    await world.serve()
    await world.drain()
    t.strictSame(world.lies, [])
    t.strictSame([writer.isSettled, writer.faults], [true, []])
    t.strictSame(writer.typed.filter((change) => !world.stored.has(change)), [])
  })
}

t.test('an acknowledgement is never taken for other bytes than those that are stored: a write fails and the store is away', async (t) => {
  const { world, writer } = await open(t, { clients: 1, groupsUpdates: false })
  const send = async (): Promise<void> => {
    write(writer)
    while (writer.work());
    while (writer.passUp());
    await flush()
  }
  world.store.isFlaky = true
  await send()
  await send()
  await world.serve()
  world.store.serve('lost')
  await flush()
  // It hears that the first is saved, and sends on before it hears that the second has failed.
  writer.passDown()
  await send()
  writer.arrive()
  writer.hear()
  // It sends all again. The room has not found yet what is missing before the third, and does not: the store is away.
  await send()
  world.store.perform(0, 'failed')
  await flush()
  await send()
  await world.drain()
  t.strictSame(world.lies, [])
  t.strictSame(writer.typed.filter((change) => !world.stored.has(change)), [])
})

t.test('an acknowledgement is never taken for other bytes than those that are stored: a snapshot replaces the one that the client knows', async (t) => {
  const { world, writer, reader } = await open(t, { clients: 2, hasGateway: true })
  const send = (): void => {
    write(writer)
    while (writer.work());
    while (writer.passUp());
  }
  world.writeBehindTheBack(true)
  send()
  reader.pass()
  await world.serve()
  writer.passDown()
  send()
  await world.drain()
  t.strictSame(world.lies, [])
  t.strictSame(writer.typed.filter((change) => !world.stored.has(change)), [])
})

// Keys

for (const [what, isKnown, isSnapshot] of [
  ['an update is saved', false, false],
  ['a snapshot is saved', false, true],
  ['an update is saved after a snapshot that it does not know', true, false]
] as const) {
  t.test(`a client that waits for the key of its document gets that first, and once what is relayed meanwhile: ${what}`, async (t) => {
    const { world, writer, reader } = await open(t, { clients: 2, awaitsKeys: true })
    const joiner = isKnown ? reader : world.add('joiner')
    joiner.disconnect()
    if (isKnown) {
      writer.type({ wantsSnapshot: true })
      writer.pass()
      await world.serve()
      writer.pass()
    }
    world.connect(joiner)
    await world.serve()
    joiner.passDown()
    // It waits for the key now.
    writer.type({ wantsSnapshot: isSnapshot })
    writer.pass()
    await world.serve()
    while (joiner.passDown() || joiner.work());
    joiner.giveKey()
    await world.drain()
    t.strictSame(joiner.faults, [])
    t.strictSame(joiner.known, world.store.position)
  })
}

// Deletion and set-back

for (const [what, changes, options] of [
  ['deleted', undefined, {}],
  ['set back within its snapshot', 1, {}],
  ['set back to before its snapshot', 4, {}],
  ['set back to before its snapshot, in a store that counts no versions', 4, { countsVersions: false }],
  ['deleted, in a store of callbacks', undefined, { overrides: ['getDocument', 'createSnapshot', 'createUpdate'], answersDeltas: true }],
  ['set back to before its snapshot, in a store of callbacks', 4, { overrides: ['getDocument', 'createSnapshot', 'createUpdate'], answersDeltas: true }]
] as const) {
  for (const who of ['is writing', 'is reading', 'was away']) {
    t.test(`a document that is ${what} ends for a client that ${who}, and goes on for the next`, async (t) => {
      const { world, writer, clients } = await open(t, { clients: 2, ...options })
      for (const wantsSnapshot of [false, true, false, false]) {
        writer.type({ wantsSnapshot })
        await world.drain({ withTimers: false })
      }
      if (who === 'was away') for (const client of clients) client.disconnect()
      await world.serve()
      world.setBack(changes)
      if (who !== 'is reading') writer.type()
      await world.drain()
      const newcomer = world.add('newcomer')
      await world.drain()
      newcomer.type()
      await world.drain()
      t.same([newcomer.ended, newcomer.isSettled, newcomer.known], [undefined, true, world.store.position])
      t.ok(newcomer.typed.every((change) => world.stored.has(change)))
      for (const { name, ended, isSettled, known, faults } of clients) {
        t.strictSame(faults, [], name)
        if (ended === undefined) t.same([isSettled, known], [true, world.store.position], name)
      }
    })
  }
}

// Calls that settle late

t.test('a write that lands after its time limit and its room reaches who has joined meanwhile', async (t) => {
  const { world, writer, reader } = await open(t, { clients: 2 })
  reader.disconnect()
  write(writer)
  while (writer.passUp());
  await world.until(() => world.store.called.length === 1)
  mock.timers.tick(callbackTimeout)
  await flush()
  writer.leave()
  await flush()
  t.equal(world.size, 0)
  world.connect(reader)
  await world.until(() => world.store.called.length === 2)
  world.store.perform(1)
  world.store.answer()
  await flush()
  reader.pass()
  await world.drain()
  t.strictSame(reader.known, world.store.position)
})
