import t from 'tap'
import type { Contents } from '../../lib/client/crdt.ts'
import { SetCrdt } from '../fixtures/set-crdt.ts'
import { simulation } from '../fixtures/simulation/client.ts'

t.test('updates of somebody who is refused are counted, and everything else is read', async (t) => {
  const { open, run } = simulation()
  const [alice, mallory] = [open(), open()]
  alice.crdt.add('a')
  await run()
  mallory.crdt.add('m')
  await run()
  alice.crdt.add('b')
  await run()
  const isValidClient = async (publicKey: string) => publicKey !== mallory.document.publicKey
  const bob = open({ isValidClient })
  await run()
  t.strictSame(bob.crdt.sorted, ['a', 'b'])
  t.match(bob.document.getState(), { connection: { status: 'live' }, refused: { invalidClient: 1, broken: 0, last: { publicKey: mallory.document.publicKey } } })
  bob.crdt.add('c')
  await run()
  t.equal(bob.document.getState().pending, 0, 'and it writes behind them')
})

t.test('a snapshot of somebody who is refused is named, until it is allowed', async (t) => {
  const { open, run } = simulation()
  const mallory = open()
  mallory.crdt.add('m')
  await run()
  let isAllowed = false
  const bob = open({ isValidClient: () => isAllowed })
  await run()
  t.match(bob.connection, { status: 'trouble', error: { code: 'SECSYNC_INVALID_CLIENT' } })
  isAllowed = true
  bob.document.retry()
  await run()
  t.strictSame(bob.crdt.sorted, ['m'])
})

t.test('additional public data that nobody expects is refused, and taken by whoever does', async (t) => {
  const { open, run, key } = simulation()
  const alice = open({ getNewSnapshotData: () => ({ key, publicData: { keyId: '1' }, additionalServerData: 'for the server' }) })
  alice.crdt.add('a')
  await run()
  const stranger = open()
  const seen: unknown[] = []
  const expecting = open({ isValidPublicData: (kind, additional) => kind === 'snapshot' && additional.keyId === '1', getKey: (info) => { seen.push(info?.additionalPublicData); return key } })
  await run()
  t.match(stranger.connection, { status: 'trouble', error: { code: 'SECSYNC_INVALID_MESSAGE' } })
  t.strictSame(expecting.crdt.sorted, ['a'])
  t.strictSame(seen, [{ keyId: '1' }])
})

t.test('the server wants a snapshot before it takes updates', async (t) => {
  const { open, run, server } = simulation()
  const alice = open()
  alice.crdt.add('a')
  await run()
  server.requiresSnapshot = true
  alice.crdt.add('b')
  await run()
  t.equal(server.snapshots.length, 2)
  t.equal(alice.document.getState().pending, 0)
})

t.test('a server that refuses for ever is named, and nothing is lost when it no longer does', async (t) => {
  const { open, run, server } = simulation()
  const alice = open()
  alice.crdt.add('a')
  await run()
  server.moods = Array.from({ length: 1000 }, () => 'refuse' as const)
  alice.crdt.add('b')
  const codes = new Set<string>()
  alice.document.subscribe(() => { if (alice.connection.status === 'trouble') codes.add(alice.connection.error.code) })
  for (let i = 0; i < 100; i++) await run(3000)
  t.ok(codes.has('SECSYNC_REFUSED'))
  server.moods = []
  for (let i = 0; i < 30; i++) await run(3000)
  t.match(alice.document.getState(), { connection: { status: 'live' }, pending: 0 })
  t.ok(server.texts.has('b'))
})

/** Cannot apply some texts. */
class Picky extends SetCrdt {
  override apply (contents: Contents): void {
    const texts = contents.changes.map((change) => new TextDecoder().decode(change))
    if (texts.some((text) => text.startsWith('broken'))) throw new Error('Cannot be applied')
    super.apply(contents)
  }
}

t.test('what cannot be applied is counted, and named by its author if only one has written', async (t) => {
  const { open, run } = simulation()
  const [alice, bob] = [open(), open()]
  alice.crdt.add('a')
  await run()
  alice.crdt.add('broken')
  alice.crdt.add('b')
  await run()
  const ofOne = open({ crdt: new Picky() })
  await run()
  t.match(ofOne.document.getState(), { connection: { status: 'live' }, refused: { broken: 1, last: { publicKey: alice.document.publicKey, reason: 'broken' } } })
  bob.crdt.add('c')
  await run()
  const ofTwo = open({ crdt: new Picky() })
  await run()
  t.match(ofTwo.document.getState(), { connection: { status: 'live' }, refused: { broken: 1, last: { publicKey: '', reason: 'broken' } } })
  for (const { crdt } of [ofOne, ofTwo]) t.strictSame(crdt.sorted, ['a', 'b', 'c'])
})
