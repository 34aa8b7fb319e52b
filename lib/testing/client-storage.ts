import { deepEqual, equal } from 'node:assert/strict'
import type { ClientStorage, OutboxEntry, StoredDocument } from '../client/storage/storage.ts'
import type { DefineTest } from './test.ts'

/**
 * The tests that each storage of the client must pass.
 *
 * ```ts
 * clientStorageSuite((name, run) => test(name, run), () => myStorage())
 * ```
 *
 * @param newStorage Gives a storage on a device of its own, on which nothing is stored.
 */
export function clientStorageSuite (test: DefineTest, newStorage: () => ClientStorage): void {
  const define = (name: string, run: (open: (documentId?: string) => Promise<StoredDocument>) => Promise<void>) => {
    test(name, async () => {
      const storage = newStorage()
      const sessions: StoredDocument[] = []
      await run(async (documentId = 'document') => {
        const session = await storage.open(documentId)
        sessions.push(session)
        return session
      })
      for (const session of sessions) await session.close()
    })
  }

  define('a new device has nothing', async (open) => {
    const session = await open()
    equal(await session.readState(), undefined)
    deepEqual(await session.adopt(), [])
    await session.write({})
    await session.write({ delete: ['1'] })
    deepEqual(await session.adopt(), [])
  })

  define('the next session adopts what an ended one left behind, in the order of the ids', async (open) => {
    const first = await open()
    await first.write({ put: [entry('2'), entry('3', 'update')] })
    await first.write({ put: [entry('1')] })
    await first.close()
    const second = await open()
    deepEqual(await second.adopt(), [entry('1'), entry('2'), entry('3', 'update')])
    deepEqual(await second.adopt(), [])
  })

  define('what was adopted is left behind again', async (open) => {
    const first = await open()
    await first.write({ put: [entry('1'), entry('2')] })
    await first.close()
    const second = await open()
    await second.adopt()
    await second.write({ delete: ['1'], put: [entry('3')] })
    await second.close()
    deepEqual(await (await open()).adopt(), [entry('2'), entry('3')])
  })

  define('a session keeps its entries as long as it runs', async (open) => {
    const first = await open()
    await first.write({ put: [entry('1')] })
    deepEqual(await first.adopt(), [])
    const second = await open()
    deepEqual(await second.adopt(), [])
    await first.close()
    deepEqual(await second.adopt(), [entry('1')])
  })

  define('an entry is adopted by one session', async (open) => {
    const first = await open()
    await first.write({ put: [entry('1'), entry('2')] })
    await first.close()
    const others = [await open(), await open(), await open()]
    const adopted = await Promise.all(others.map((session) => session.adopt()))
    deepEqual(adopted.flat(), [entry('1'), entry('2')])
  })

  define('an entry takes the place of others', async (open) => {
    const first = await open()
    const changed = { ...entry('3', 'update'), text: 'changed' }
    await first.write({ put: [entry('1'), entry('2')] })
    await first.write({ put: [entry('3', 'update')], delete: ['1', '2', 'unknown'] })
    await first.write({ put: [changed] })
    await first.close()
    deepEqual(await (await open()).adopt(), [changed])
  })

  define('sessions share the state', async (open) => {
    const [first, second] = [await open(), await open()]
    await first.write({ snapshot: { replaces: undefined, snapshotId: 's1', text: 'snapshot 1' }, updates: { snapshotId: 's1', updates: [update('a', 0)] } })
    deepEqual(await second.readState(), { snapshotId: 's1', snapshot: 'snapshot 1', updates: [update('a', 0)] })
  })

  define('a snapshot is taken in the place of the one that it replaces', async (open) => {
    const session = await open()
    const take = async (replaces: string | undefined, snapshotId: string) => {
      await session.write({ snapshot: { replaces, snapshotId, text: `text of ${snapshotId}` } })
      return await session.readState()
    }
    equal(await take('s0', 's1'), undefined)
    deepEqual(await take(undefined, 's1'), { snapshotId: 's1', snapshot: 'text of s1', updates: [] })
    await session.write({ updates: { snapshotId: 's1', updates: [update('a', 0)] } })
    deepEqual((await take(undefined, 's2'))?.updates, [update('a', 0)])
    deepEqual((await take('s0', 's2'))?.updates, [update('a', 0)])
    deepEqual(await take('s1', 's2'), { snapshotId: 's2', snapshot: 'text of s2', updates: [] })
  })

  define('an update is stored once, with those of its snapshot only', async (open) => {
    const session = await open()
    const ofB = Array.from({ length: 12 }, (_, clock) => update('b', clock))
    await session.write({ updates: { snapshotId: 's1', updates: [update('a', 0)] } })
    equal(await session.readState(), undefined)
    await session.write({ snapshot: { replaces: undefined, snapshotId: 's1', text: 'snapshot' } })
    await session.write({ updates: { snapshotId: 's1', updates: [update('a', 0), update('b', 0), update('a', 1)] } })
    await session.write({ updates: { snapshotId: 's1', updates: [update('a', 1), update('a', 2), ...ofB] } })
    await session.write({ updates: { snapshotId: 's2', updates: [update('a', 3)] } })
    const state = await session.readState()
    deepEqual(state?.updates.filter(({ author }) => author === 'a'), [update('a', 0), update('a', 1), update('a', 2)])
    deepEqual(state?.updates.filter(({ author }) => author === 'b'), ofB)
  })

  define('documents have nothing to do with each other', async (open) => {
    const ids = ['', 'a', 'ab', 'a b', 'a/b', 'ä', '\u0000', '😀']
    for (const id of ids) {
      const session = await open(id)
      await session.write({
        put: [entry(`of ${id}`)],
        snapshot: { replaces: undefined, snapshotId: 's', text: id },
        updates: { snapshotId: 's', updates: [{ ...update('a', 0), text: id }] }
      })
      await session.close()
    }
    await (await open('a')).remove()
    for (const id of ids) {
      const isRemoved = id === 'a'
      const session = await open(id)
      deepEqual(await session.readState(), isRemoved ? undefined : { snapshotId: 's', snapshot: id, updates: [{ ...update('a', 0), text: id }] })
      deepEqual(await session.adopt(), isRemoved ? [] : [entry(`of ${id}`)])
    }
  })

  define('all of a document is deleted, and it can be kept again', async (open) => {
    const [first, second] = [await open(), await open()]
    await first.write({ put: [entry('1')] })
    await second.write({ put: [entry('2')] })
    await first.write({ snapshot: { replaces: undefined, snapshotId: 's1', text: 'snapshot' }, updates: { snapshotId: 's1', updates: [update('a', 0)] } })
    await first.remove()
    equal(await second.readState(), undefined)
    await second.close()
    deepEqual(await first.adopt(), [])
    await first.write({ put: [entry('3')], snapshot: { replaces: undefined, snapshotId: 's2', text: 'another' } })
    await first.close()
    const third = await open()
    deepEqual(await third.adopt(), [entry('3')])
    deepEqual(await third.readState(), { snapshotId: 's2', snapshot: 'another', updates: [] })
  })
}

function entry (id: string, kind: OutboxEntry['kind'] = 'change'): OutboxEntry {
  return { id, kind, text: `text of ${id}`, snapshotInfo: 'null' }
}

function update (author: string, clock: number) {
  return { author, clock, text: `update ${clock} of ${author}` }
}
