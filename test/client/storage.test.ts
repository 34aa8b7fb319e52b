import t from 'tap'
import { createKey } from '../../lib/client/crypto/keys.ts'
import { memoryStorage, type ClientStorage, type StorageWrite } from '../../lib/client/index.ts'
import { clientStorageSuite } from '../../lib/testing/client-storage.ts'
import { simulation } from '../fixtures/simulation/client.ts'

type Fault = 'open' | 'readState' | 'adopt' | 'write' | 'close'

/** A device that refuses some things, or does not answer. */
function faulty (storage: ClientStorage = memoryStorage()) {
  const faults = new Map<Fault, 'refuses' | 'hangs'>()
  const writes: StorageWrite[] = []
  const guard = async <T> (what: Fault, go: () => Promise<T>): Promise<T> => {
    const fault = faults.get(what)
    if (fault === 'hangs') return await new Promise<never>(() => {})
    if (fault === 'refuses') throw new Error('The disk is full')
    return await go()
  }
  return {
    faults,
    writes,
    isPersistent: true,
    open: (documentId: string) => guard('open', async () => {
      const stored = await storage.open(documentId)
      return {
        readState: () => guard('readState', () => stored.readState()),
        adopt: () => guard('adopt', () => stored.adopt()),
        write: (write: StorageWrite) => guard('write', async () => { writes.push(write); await stored.write(write) }),
        close: () => guard('close', () => stored.close()),
        remove: () => stored.remove()
      }
    })
  }
}

t.test('the suite of all storages', async (t) => {
  clientStorageSuite((name, run) => t.test(name, run), memoryStorage)
})

t.test('a device that fails is named, the client goes on in memory, and writes all when it works again', async (t) => {
  for (const fault of ['refuses', 'hangs'] as const) {
    const { open, run, world } = simulation()
    const inner = memoryStorage()
    const storage = faulty(inner)
    const client = open({ storage })
    await run()
    t.equal(client.document.getState().storage, 'device')
    world.answer = 'unreachable'
    client.line.isDead = true
    storage.faults.set('write', fault)
    client.crdt.add('a')
    await world.advance(4000)
    t.equal(client.document.getState().storage, 'failed', fault)
    client.crdt.add('b')
    await world.advance(1000)
    t.equal(client.document.getState().pending, 2)
    storage.faults.clear()
    await world.advance(12_000)
    t.equal(client.document.getState().storage, 'device')

    await client.document.destroy()
    const adopted = await (await inner.open('document')).adopt()
    t.ok(adopted.length > 0, 'both are on the device')
  }
})

t.test('a device that cannot be opened is tried again, and does not hold up anything', async (t) => {
  for (const [what, fault] of [['open', 'refuses'], ['open', 'hangs'], ['readState', 'refuses'], ['adopt', 'hangs']] as const) {
    const { open, run, world, server } = simulation()
    const storage = faulty()
    storage.faults.set(what, fault)
    const client = open({ storage })
    await world.settle()
    await world.advance(7000)
    await run()
    t.equal(client.connection.status, 'live', `${what} ${fault}`)
    t.equal(client.document.getState().storage, 'failed')
    storage.faults.clear()
    client.crdt.add('a')
    await run(10_000)
    t.equal(client.document.getState().storage, 'device', `${what} ${fault}`)
    t.ok(server.texts.has('a'))
  }
})

t.test('what a slow device adopts too late is taken the next time', async (t) => {
  const { open, run, world, server } = simulation()
  const inner = memoryStorage()
  const first = open({ storage: inner })
  first.crdt.add('a')
  await run()
  world.answer = 'unreachable'
  first.line.cut()
  first.crdt.add('b')
  await world.advance(100)
  await first.document.destroy()

  let answer = () => {}
  const slow: ClientStorage = {
    isPersistent: true,
    async open (documentId) {
      const stored = await inner.open(documentId)
      const isSlow = new Promise<void>((resolve) => { answer = resolve })
      return {
        readState: () => stored.readState(),
        adopt: async () => { const entries = await stored.adopt(); await isSlow; return entries },
        write: (write) => stored.write(write),
        close: () => stored.close(),
        remove: () => stored.remove()
      }
    }
  }
  const second = open({ storage: slow })
  await run()
  await world.advance(5000)
  await run()
  t.strictSame(second.crdt.sorted, ['a'])
  answer()
  await run(70_000)
  t.strictSame(second.crdt.sorted, ['a', 'b'])
  t.ok(server.texts.has('b'))
})

t.test('a device that hangs on closing does not hold up the end', async () => {
  const { open, run, world } = simulation()
  const storage = faulty()
  const client = open({ storage })
  await run()
  storage.faults.set('close', 'hangs')
  const destroyed = client.document.destroy()
  await world.settle()
  await world.advance(4000)
  await destroyed
})

t.test('an update is on the device before it is sent', async (t) => {
  const { open, run, world } = simulation()
  const storage = faulty()
  const client = open({ storage })
  client.crdt.add('a')
  await run()
  client.crdt.add('b')
  await world.advance(20)
  const [sent] = client.line.up
  t.ok(sent?.includes('refSnapshotId'))
  t.ok(storage.writes.some(({ put }) => put?.some(({ kind, text }) => kind === 'update' && text === sent)))
})

t.test('what is written before there is a key, and what is on the device without its key, is kept', async (t) => {
  const { open, run, key } = simulation()
  const storage = memoryStorage()
  const first = open({ storage, sessionKey: async () => { throw new Error('offline') } })
  await run(1)
  first.crdt.add('a')
  await run()
  await first.document.destroy()

  let hasKey = false
  const second = open({ storage, getKey: () => hasKey ? key : undefined })
  second.crdt.add('b')
  await run()
  t.match(second.document.getState(), { locked: 1, pending: 1 })
  hasKey = true
  second.document.retry()
  await run(70_000)
  t.match(second.document.getState(), { locked: 0, pending: 0 })
  t.strictSame(second.crdt.sorted, ['a', 'b'])
})

t.test('a state on the device that is of no use is loaded anew', async (t) => {
  const { open, run, server, key } = simulation()
  const storage = memoryStorage()
  const first = open({ storage })
  first.crdt.add('a')
  await run()
  await first.document.destroy()

  // Without its key the server may still have something for which there is one.
  let keyOf = () => undefined as Uint8Array | undefined
  const second = open({ storage, getKey: () => keyOf() })
  await run()
  t.equal(second.connection.status, 'noKey')
  keyOf = () => key
  second.document.retry()
  await run()
  t.strictSame(second.crdt.sorted, ['a'])
  await second.document.destroy()

  const other = createKey()
  const stored = await storage.open('document')
  await stored.write({ snapshot: { replaces: server.active!.publicData.snapshotId, snapshotId: 'broken', text: '{"broken":true}' } })
  await stored.close()
  const third = open({ storage, getKey: (info) => info?.snapshotId === 'broken' ? other : key })
  await run()
  t.match([third.connection.status, third.crdt.sorted], ['live', ['a']])
  await third.document.destroy()
  t.equal((await (await storage.open('document')).readState())?.snapshotId, server.active!.publicData.snapshotId)
})

t.test('a long time offline becomes few entries, and few updates', async (t) => {
  const { open, run, world, server } = simulation()
  const storage = faulty()
  const client = open({ storage })
  client.crdt.add('a')
  await run()
  world.answer = 'unreachable'
  client.line.cut()
  for (let i = 0; i < 200; i++) {
    client.crdt.add(`offline ${i}`)
    await world.advance(11)
  }
  t.equal(client.document.getState().pending, 200)
  const entries = storage.writes.reduce((entries, { put = [], delete: gone = [] }) => {
    for (const { id } of put) entries.add(id)
    for (const id of gone) entries.delete(id)
    return entries
  }, new Set<string>())
  t.ok(entries.size <= 65, `${entries.size} entries`)
  await run(5000)
  t.equal(client.document.getState().pending, 0)
  t.ok(server.updates.length < 20, `${server.updates.length} updates`)
})

t.test('a big change is an update of its own', async (t) => {
  const { open, run, server } = simulation()
  const client = open({ bytesPerSnapshot: Infinity })
  client.crdt.add('a')
  await run()
  client.line.cut()
  for (const letter of ['x', 'y', 'z']) {
    client.crdt.add(letter.repeat(200_000))
    await run(20)
  }
  await run(5000)
  t.equal(client.document.getState().pending, 0)
  t.ok(server.updates.length >= 3)
})

t.test('all that the device keeps of a document can be deleted', async (t) => {
  const { open, run } = simulation()
  const storage = memoryStorage()
  const client = open({ storage })
  client.crdt.add('a')
  await run()
  await client.document.destroy()
  const stored = await storage.open('document')
  await stored.remove()
  t.equal(await stored.readState(), undefined)
  t.strictSame(await stored.adopt(), [])
  await stored.close()
})
