// Random interleavings of all that can happen between clients, lines, nodes, the broker and the store.
//   RUNS=5000 SEED=1 FEATURES=hasTabs,isDisturbed npx tap run --disable-coverage test/model.test.ts
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { flush, mockTimers, World } from './fixtures/world.ts'
import { runs, steps, worldOptions, type Run } from './fixtures/world-steps.ts'

const { RUNS = 100, SEED } = process.env

t.test('whatever happens when, everybody gets everything once and in order, and nothing that was acknowledged is lost', async (t) => {
  mockTimers(t)
  let forgotten = 0
  await fc.assert(fc.asyncProperty(runs(), async (run) => {
    const world = new World(worldOptions(run))
    world.clients[0]!.type()
    await world.drain()
    world.store.isFlaky = run.isFlaky
    for (const [name, n] of run.steps) {
      if (await steps[name](world, n) !== false) await flush()
    }
    await world.drain()
    // What other processes have saved comes to all with the next who joins.
    if (!world.hasOthers) assertKept(world, run)
    const newcomer = world.add('newcomer')
    await world.drain()
    newcomer.type()
    await world.drain()
    assert.equal(newcomer.ended, undefined, 'every document can be opened')
    assertKept(world, run)
    for (const client of world.clients) {
      forgotten += [...client.forgotten].filter((change) => !world.stored.has(change)).length
      client.disconnect()
    }
    world.sharedClock.end()
    await flush()
    world.store.serve()
    await flush()
    assert.equal(world.size, 0)
  }), { numRuns: Number(RUNS), ...SEED && { seed: Number(SEED) } })
  t.comment(`${forgotten} changes were forgotten by their clients: in a snapshot in flight when its line ended`)
})

/** All that is promised, when nothing happens any more. */
function assertKept (world: World, { countsVersions, isMixed, ...run }: Run): void {
  const { store, clients, stored, erased } = world
  const isCalm = !run.isDisturbed && !run.isFlaky && !run.hangs && !run.hasNodes && store.erased.length === 0
  assert.deepEqual(store.gaps, [], 'a gap in the store')
  assert.deepEqual(world.lies, [], 'acknowledged and not stored')
  const order = store.history.map(({ message }) => message.signature)
  for (const { name, faults, ended, isSettled, known, typed, acknowledged, forgotten, content, closeCodes, followed } of clients) {
    assert.deepEqual(faults, [], name)
    assert.deepEqual([...acknowledged].filter((change) => !stored.has(change) && !erased.has(change)), [], `${name}: acknowledged and lost`)
    if (ended !== undefined) {
      // One clear end for who has what is no longer there.
      assert.notEqual(store.erased.length, 0, `${name} has ended: ${ended}`)
      continue
    }
    assert.ok(isSettled, `${name} is not settled`)
    assert.deepEqual(known ?? { snapshotId: '', clocks: {} }, store.position, name)
    assert.deepEqual(typed.filter((change) => !stored.has(change) && !forgotten.has(change) && !erased.has(change)), [], `${name}: lost`)
    assert.deepEqual([...stored].filter((change) => !content.has(change)), [], `${name}: not received`)
    assert.deepEqual([...content].filter((change) => !stored.has(change) && !forgotten.has(change) && !erased.has(change)), [], `${name}: received and lost`)
    // Where the store counts, they are in one order; else those of each author are, and no client could tell.
    if (store.erased.length === 0 && ((countsVersions && !isMixed) || isCalm)) {
      const places = followed.map((signature) => order.indexOf(signature))
      assert.deepEqual(places, [...places].sort((a, b) => a - b), `${name}: the order`)
    }
    if (isCalm && !run.hasTabs) assert.deepEqual(closeCodes, [], name)
  }
}
