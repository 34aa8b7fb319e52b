import t from 'tap'
import { createKey } from '../../lib/client/crypto/keys.ts'
import { memoryStorage, type ClientStorage, type StorageWrite } from '../../lib/client/index.ts'
import { clientStorageSuite } from '../../lib/testing/client-storage.ts'
import { SetCrdt } from '../fixtures/set-crdt.ts'
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

t.test('a device that is slow to open is opened once: what was written meanwhile is there for the next session', async (t) => {
  const { open, run, world } = simulation()
  const inner = memoryStorage()
  let sessions = 0
  let go = () => {}
  const isSlow = new Promise<void>((resolve) => { go = resolve })
  const storage: ClientStorage = {
    isPersistent: true,
    async open (documentId) {
      sessions++
      await isSlow
      return await inner.open(documentId)
    }
  }
  const client = open({ storage })
  client.crdt.add('a')
  await world.advance(1000)
  go()
  await world.settle()
  t.equal(sessions, 1)
  await client.document.destroy()
  t.equal((await (await inner.open('document')).adopt()).length, 1, 'no session is left behind that seems to be alive')

  const next = open({ storage })
  await run()
  t.ok(next.connection.status === 'live')
})

t.test('what another session has left behind is taken over when the device says so', async (t) => {
  const { open, run, server, world } = simulation()
  const inner = memoryStorage()
  let tell = () => {}
  const storage: ClientStorage = {
    isPersistent: true,
    open: async (documentId, onLeft) => {
      if (onLeft !== undefined) tell = onLeft
      return await inner.open(documentId)
    }
  }
  const left = open({ storage: inner })
  left.crdt.add('a')
  await world.advance(100)
  left.line.isDead = true
  const other = open({ storage })
  await run()
  t.equal(other.connection.status, 'live')
  t.notOk(server.texts.has('a'))
  await left.document.destroy()
  tell()
  await run()
  t.ok(server.texts.has('a'))
  await other.document.destroy()
  tell()
  await run()
  t.equal(other.connection.status, 'destroyed')
})

t.test('a CRDT that cannot take over what was left behind is named', async (t) => {
  const { open, run, world } = simulation()
  const storage = memoryStorage()
  const left = open({ storage })
  left.crdt.add('a')
  await world.advance(100)
  left.line.isDead = true
  await left.document.destroy()
  class Broken extends SetCrdt {
    override apply (): void { throw new Error('of the CRDT') }
  }
  const client = open({ storage, crdt: new Broken() })
  await world.settle()
  t.match(client.connection, { status: 'trouble', error: { code: 'SECSYNC_CALLBACK_FAILED', cause: { message: 'of the CRDT' } } })
  await run(5000)
  t.equal(client.document.getState().pending, 0, 'it is sent all the same')
})

t.test('a page that is about to end has its device rescue what is written in it', async (t) => {
  const { open, run, world } = simulation()
  const inner = memoryStorage()
  const rescued: string[][] = []
  const storage: ClientStorage = {
    isPersistent: true,
    open: async (documentId) => Object.assign(await inner.open(documentId), { rescue: (entries: unknown[]) => rescued.push(entries.map(() => 'entry')) })
  }
  const client = open({ storage, batchDelay: 10_000 })
  client.crdt.add('a')
  await run(20_000)
  t.equal(client.document.getState().pending, 0)
  client.line.isDead = true
  client.crdt.add('b')
  await world.emit('hide')
  await world.settle()
  t.strictSame(rescued.at(-1), ['entry'])
})

t.test('what the device has kept does not replace what the server has sent meanwhile', async (t) => {
  const { open, run, world, key } = simulation()
  const inner = memoryStorage()
  const first = open({ storage: inner })
  first.crdt.add('a')
  await run()
  await first.document.destroy()

  let tell = () => {}
  const storage: ClientStorage = {
    isPersistent: true,
    open: async (documentId, onLeft) => {
      if (onLeft !== undefined) tell = onLeft
      return await inner.open(documentId)
    }
  }
  const questions: Array<(key: Uint8Array | undefined) => void> = []
  const client = open({ storage, getKey: () => new Promise((resolve) => { questions.push(resolve) }) })
  await world.settle()
  questions.shift()?.(undefined)
  await world.settle()
  await world.flow()
  tell()
  await world.settle()
  t.equal(questions.length, 2, 'for the document of the server, and for that of the device')
  questions.shift()?.(key)
  await world.settle()
  t.match(client.document.getState(), { connection: { status: 'live' }, loaded: 'server' })
  const { applied } = client.crdt
  questions.shift()?.(key)
  await run()
  t.match(client.document.getState(), { connection: { status: 'live' }, loaded: 'server' })
  t.equal(client.crdt.applied, applied)
})
