import t from 'tap'
import { decodeChanges, encodeChanges } from '../../lib/client/crypto/changes.ts'
import { finish } from '../../lib/client/crypto/work.ts'
import { memoryStorage } from '../../lib/client/index.ts'
import { SetCrdt } from '../fixtures/set-crdt.ts'
import { simulation } from '../fixtures/simulation/client.ts'

/** Merges changes into one, and has its own encoding of them. */
class OwnFormat extends SetCrdt {
  merged = 0
  mergeChanges (changes: Uint8Array[]): Uint8Array[] {
    this.merged++
    return changes
  }

  encoded = 0
  encodeChanges (changes: Uint8Array[]): Uint8Array {
    this.encoded++
    return finish(encodeChanges(changes))
  }

  decoded = 0
  decodeChanges (content: Uint8Array): Uint8Array[] {
    this.decoded++
    return finish(decodeChanges(content))
  }
}

t.test('pieces that wait go in one update, merged and encoded as the CRDT does it', async (t) => {
  const { open, run, world, server } = simulation()
  const writer = open({ crdt: new OwnFormat() })
  const reader = open({ crdt: new OwnFormat() })
  writer.crdt.add('a')
  await run()
  await world.emit('offline')
  for (const text of ['b', 'c', 'd']) {
    writer.crdt.add(text)
    await world.advance(100)
  }
  await run(5000)
  await run(5000)
  t.equal(server.updates.length, 1)
  t.strictSame(reader.crdt.sorted, ['a', 'b', 'c', 'd'])
  t.ok(writer.crdt instanceof OwnFormat && writer.crdt.merged > 0 && writer.crdt.encoded === 1)
  t.ok(reader.crdt instanceof OwnFormat && reader.crdt.decoded === 1)
})

t.test('an update holds 256 kB, or one change that has more', async (t) => {
  const { open, run, world, server } = simulation()
  const writer = open({ bytesPerSnapshot: 10_000_000 })
  writer.crdt.add('a')
  await run()
  await world.emit('offline')
  for (const size of [100_000, 100_000, 100_000, 300_000]) {
    writer.crdt.add(`${writer.crdt.texts.size}`.padEnd(size))
    await world.advance(100)
  }
  await run(5000)
  await run(5000)
  t.equal(server.updates.length, 3)
  t.equal(server.texts.size, 5)
  t.equal(writer.document.getState().pending, 0)
})

t.test('many pieces that wait become one on the device', async (t) => {
  const { open, run, world, server } = simulation()
  const storage = memoryStorage()
  const writer = open({ storage })
  writer.crdt.add('a')
  await run()
  await world.emit('offline')
  for (let i = 0; i < 70; i++) {
    writer.crdt.add(`text ${i}`)
    await world.advance(20)
  }
  t.equal(writer.document.getState().pending, 70)
  await writer.document.destroy()
  const entries = await (await storage.open('document')).adopt()
  t.ok(entries.length < 65, `${entries.length} entries`)
  t.equal(server.texts.size, 1)
})

t.test('an update that is overtaken while it is made is not sent, and its change is', async (t) => {
  const { open, run, world, server } = simulation()
  const writer = open()
  writer.crdt.add('a')
  await run()
  world.interrupt()
  writer.crdt.add('b')
  await world.advance(20)
  writer.document.trustServer()
  await world.settle()
  world.resume()
  for (let i = 0; i < 5; i++) await run(3000)
  t.match(writer.document.getState(), { connection: { status: 'live' }, pending: 0 })
  t.ok(server.texts.has('b'))
})

t.test('who only reads makes no snapshot, however many updates there are', async (t) => {
  const { open, run, server } = simulation()
  const writer = open({ updatesPerSnapshot: 1000 })
  writer.crdt.add('a')
  await run()
  const reader = open({ updatesPerSnapshot: 2 })
  for (let i = 0; i < 8; i++) {
    writer.crdt.add(`text ${i}`)
    await run(10_000)
  }
  t.equal(server.snapshots.length, 1)
  reader.crdt.add('b')
  for (let i = 0; i < 4; i++) await run(10_000)
  t.equal(server.snapshots.length, 2)
})

t.test('of presence that comes faster than it is verified, the newest is kept', async (t) => {
  const { open, run, world } = simulation()
  const [alice, bob] = [open(), open()]
  alice.crdt.add('a')
  await run()
  const received: string[] = []
  bob.document.presence.subscribe((event) => { if (event.type === 'message') received.push(new TextDecoder().decode(event.content)) })
  world.interrupt()
  for (let i = 0; i < 300; i++) alice.document.presence.send(new TextEncoder().encode(`${i}`))
  await world.flow()
  world.resume()
  await run()
  t.equal(received.at(-1), '299')
  t.ok(received.length > 200 && received.length < 260, `${received.length} messages`)
})
