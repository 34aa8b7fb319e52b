import 'fake-indexeddb/auto'
import { deleteDB, openDB } from 'idb'
import { forceCloseDatabase } from 'fake-indexeddb'
import t, { type Test } from 'tap'
import { indexedDbStorage } from '../../lib/client/storage/indexeddb.ts'
import type { OutboxEntry } from '../../lib/client/storage/storage.ts'
import { clientStorageSuite } from '../../lib/testing/client-storage.ts'
import { simulation } from '../fixtures/simulation/client.ts'

let databases = 0

/** A database of its own, with all connections that were made to it. */
function device (t: Test) {
  const name = `device ${databases++}`
  const connections: IDBDatabase[] = []
  const open = indexedDB.open
  t.intercept(indexedDB, 'open', {
    configurable: true,
    value: (...args: Parameters<typeof open>) => {
      const request = open.apply(indexedDB, args)
      request.addEventListener('success', () => connections.push(request.result))
      return request
    }
  })
  return {
    name,
    connections,
    storage: indexedDbStorage({ name }),
    /** What the next page finds. */
    async left (): Promise<string[]> {
      const session = await indexedDbStorage({ name }).open('document')
      const entries = await session.adopt()
      await session.close()
      return entries.map(({ id }) => id)
    }
  }
}

function entry (id: string, text = 'text'): OutboxEntry {
  return { id, kind: 'change', text, snapshotInfo: 'null' }
}

t.test('the suite of all storages', async (t) => {
  clientStorageSuite((name, run) => t.test(name, run), () => indexedDbStorage({ name: `suite ${databases++}` }))
})

t.test('a database that the browser has closed is opened again', async (t) => {
  const ways = {
    'with an event': (connection: IDBDatabase) => forceCloseDatabase(connection as never),
    'without one': (connection: IDBDatabase) => connection.close()
  }
  for (const [way, close] of Object.entries(ways)) {
    await t.test(way, async (t) => {
      const { storage, connections, left } = device(t)
      const session = await storage.open('document')
      await session.write({ put: [entry('1')], snapshot: { replaces: undefined, snapshotId: 's', text: 'snapshot' } })
      close(connections[0]!)
      await session.write({ put: [entry('2')] })
      close(connections.at(-1)!)
      t.equal((await session.readState())?.snapshotId, 's')
      close(connections.at(-1)!)
      t.strictSame(await session.adopt(), [])
      await session.close()
      t.strictSame(await left(), ['1', '2'])
    })
  }
})

t.test('a database that is deleted while it is in use gets everything of the living sessions again', async (t) => {
  const { name, storage, left } = device(t)
  const [session, ended] = [await storage.open('document'), await storage.open('document')]
  await ended.write({ put: [entry('of another')] })
  await ended.close()
  await session.write({ put: [entry('1'), entry('2')] })
  await session.write({ delete: ['1'] })
  let wasBlocked = false
  await deleteDB(name, { blocked () { wasBlocked = true } })
  t.notOk(wasBlocked, 'nobody waits for an open page')
  // No write: what has been stored is written by itself.
  t.strictSame(await session.adopt(), [])
  await session.close()
  t.strictSame(await left(), ['2'])
})

t.test('a newer version is not held up, and an older one says that it cannot go on', async (t) => {
  const { name, storage } = device(t)
  const session = await storage.open('document')
  await session.write({ put: [entry('1')] })
  let wasBlocked = false
  const newer = await openDB(name, 99, { blocked () { wasBlocked = true } })
  t.notOk(wasBlocked)
  await t.rejects(session.write({ put: [entry('2')] }), { name: 'VersionError' })
  newer.close()
})

t.test('a full disk', async (t) => {
  const full = (t: Test, isTooBig: (value: { text?: string }) => boolean) => {
    const { put } = IDBObjectStore.prototype
    t.intercept(IDBObjectStore.prototype, 'put', {
      configurable: true,
      value (this: IDBObjectStore, value: { text?: string }) {
        if (isTooBig(value)) throw new DOMException('The disk is full', 'QuotaExceededError')
        return put.call(this, value)
      }
    })
  }

  await t.test('what cannot be stored is not stored in part', async (t) => {
    const { storage, left } = device(t)
    const session = await storage.open('document')
    await session.write({ put: [entry('1')] })
    full(t, ({ text }) => text === 'big')
    await t.rejects(session.write({ put: [entry('2'), entry('3', 'big')], delete: ['1'] }), { name: 'QuotaExceededError' })
    await session.close()
    t.strictSame(await left(), ['1'])
  })

  await t.test('another failure to store the state is one', async (t) => {
    const { storage, left } = device(t)
    const session = await storage.open('document')
    t.intercept(IDBObjectStore.prototype, 'put', { configurable: true, value () { throw new DOMException('The disk is broken', 'DataError') } })
    const write = { snapshot: { replaces: undefined, snapshotId: 's', text: 'text' } }
    await t.rejects(session.write(write), { name: 'DataError' })
    await session.close()
    t.strictSame(await left(), [])
  })

  await t.test('the state, which the server has, is left out for what it has not', async (t) => {
    const { storage, left } = device(t)
    const session = await storage.open('document')
    full(t, ({ text }) => text === 'big')
    await session.write({ put: [entry('1')], snapshot: { replaces: undefined, snapshotId: 's', text: 'big' } })
    t.equal(await session.readState(), undefined)
    await session.close()
    t.strictSame(await left(), ['1'])
  })

  await t.test('the error of the whole transaction counts', async (t) => {
    const { storage } = device(t)
    const session = await storage.open('document')
    // As browsers do: each request is aborted, and only the transaction knows why.
    t.intercept(IDBTransaction.prototype, 'commit', {
      configurable: true,
      value (this: IDBTransaction) {
        Object.defineProperty(this, 'error', { value: new DOMException('The disk is full', 'QuotaExceededError') })
        this.abort()
      }
    })
    await t.rejects(session.write({ put: [entry('1')] }), { name: 'QuotaExceededError' })
    await session.close()
  })
})

t.test('what has not reached the database when a page ends', async (t) => {
  const items: Record<string, string> = {}
  /** As a browser has it: items are properties. */
  const localStorage = Object.create({
    getItem: (key: string) => items[key] ?? null,
    setItem (key: string, value: string) { items[key] = value },
    removeItem: (key: string) => delete items[key]
  }) as Storage
  const value = new Proxy(localStorage, {
    ownKeys: () => Object.keys(items),
    getOwnPropertyDescriptor: (_, key) => Object.getOwnPropertyDescriptor(items, key)
  })
  t.intercept(globalThis, 'localStorage', { configurable: true, value })

  await t.test('is there for the next one', async (t) => {
    const { name, storage, left } = device(t)
    const session = await storage.open('document')
    await session.write({ put: [entry('1')] })
    session.rescue?.([entry('1'), entry('2')])
    t.match(Object.values(items).join(), '"2"')
    t.notMatch(Object.values(items).join(), '"1"', 'what is stored need not be rescued')
    const other = await indexedDbStorage({ name }).open('document')
    t.strictSame(await other.adopt(), [], 'not as long as the page lives')
    t.strictSame(await session.adopt(), [])
    await session.close()
    t.strictSame(await left(), ['1', '2'])
    t.strictSame(items, {})
    await other.close()
    t.strictSame(await left(), ['1', '2'], 'from the database, now')
  })

  await t.test('is forgotten when the page goes on', async (t) => {
    const { storage, left } = device(t)
    const session = await storage.open('document')
    const written = session.write({ put: [entry('1')] })
    session.rescue?.([entry('1'), entry('2')])
    await written
    t.match(Object.values(items).join(), '"2"')
    await session.write({ put: [entry('3')], delete: ['2'] })
    t.strictSame(items, {})
    await session.close()
    t.strictSame(await left(), ['1', '3'])
  })

  await t.test('is deleted with the document', async (t) => {
    const { storage } = device(t)
    const session = await storage.open('document')
    session.rescue?.([entry('1')])
    await session.remove()
    t.strictSame(items, {})
  })

  await t.test('may have been taken by another page while it is read', async (t) => {
    const { storage, left } = device(t)
    const session = await storage.open('document')
    session.rescue?.([entry('1')])
    await session.close()
    t.intercept(localStorage, 'getItem', { configurable: true, value: () => null })
    t.strictSame(await left(), [])
  })

  await t.test('gets lost without harm where it cannot be kept', async (t) => {
    t.intercept(globalThis, 'localStorage', { configurable: true, get () { throw new DOMException('Not here', 'SecurityError') } })
    const { storage, left } = device(t)
    const session = await storage.open('document')
    session.rescue?.([entry('1')])
    await session.close()
    t.strictSame(await left(), [])
  })
})

t.test('without a database the client says so and goes on in memory', async (t) => {
  const ways: Record<string, unknown> = {
    'there is none': undefined,
    'it may not be used': { open () { throw new DOMException('Not here', 'SecurityError') } }
  }
  for (const [way, value] of Object.entries(ways)) {
    await t.test(way, async (t) => {
      t.intercept(globalThis, 'indexedDB', { value, configurable: true })
      const { open, run, server } = simulation()
      const client = open({ storage: indexedDbStorage() })
      client.crdt.add('a')
      await run()
      t.match(client.document.getState(), { connection: { status: 'live' }, storage: 'failed', pending: 0 })
      t.ok(server.texts.has('a'))
      await client.document.destroy()
    })
  }
})

t.test('a database that cannot be opened now is opened by the next call', async (t) => {
  const { storage } = device(t)
  const { open } = indexedDB
  let failures = 2
  t.intercept(indexedDB, 'open', {
    configurable: true,
    value: (...args: Parameters<typeof open>) => {
      if (failures-- > 0) throw new DOMException('Not now', 'UnknownError')
      return open.apply(indexedDB, args)
    }
  })
  await t.rejects(storage.open('document'), { name: 'UnknownError' })
  await (await storage.open('document')).close()
})

t.test('Web Locks', async (t) => {
  /** As a browser has them. `held` are those of all tabs, each with its end. */
  const locks = (t: Test, held: Map<string, Promise<void>>, request?: () => Promise<void>) => {
    t.intercept(globalThis, 'navigator', {
      configurable: true,
      value: {
        locks: {
          query: async () => ({ held: [...held.keys()].map((name) => ({ name })) }),
          request: request ?? (async (name: string, callback: () => Promise<void>) => {
            await held.get(name)
            const ended = callback()
            held.set(name, ended)
            await ended
            held.delete(name)
          })
        }
      }
    })
  }
  /** What another tab has written. */
  const fromAnotherTab = async (name: string, session: string) => {
    const database = await openDB(name)
    await database.put('outbox', { ...entry('1'), documentId: 'document', session })
    database.close()
  }

  await t.test('another tab keeps its entries as long as it lives, and its end is noticed', async (t) => {
    const held = new Map<string, Promise<void>>()
    locks(t, held)
    const { name, storage } = device(t)
    let onLeft = () => {}
    const isLeft = new Promise<void>((resolve) => { onLeft = resolve })
    const session = await storage.open('document', onLeft)
    const [mine = ''] = held.keys()
    const another = mine.replace(/[^ ]+$/, 'another')
    let end = () => {}
    held.set('of the application', Promise.resolve())
    held.set(another, new Promise((resolve) => { end = resolve }))
    await fromAnotherTab(name, 'another')
    t.strictSame(await session.adopt(), [])
    t.strictSame(await session.adopt(), [])
    end()
    await isLeft
    held.delete(another)
    t.strictSame(await session.adopt(), [entry('1')])
    await session.close()
    await new Promise(setImmediate)
    t.notOk(held.has(mine), 'the lock is released')
  })

  await t.test('without them, what others left is taken over in any case', async (t) => {
    locks(t, new Map(), async () => { throw new DOMException('Not here', 'SecurityError') })
    const { name, storage } = device(t)
    const session = await storage.open('document')
    await fromAnotherTab(name, 'another')
    t.strictSame(await session.adopt(), [entry('1')])
    await session.close()
  })
})
