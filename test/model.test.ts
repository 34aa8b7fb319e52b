// Random interleavings of all that can happen between clients, lines, nodes, the broker and the store.
//   RUNS=5000 SEED=1 FEATURES=hasTabs,isDisturbed npx tap run --disable-coverage test/model.test.ts
import fc from 'fast-check'
import t from 'tap'
import { mockTimers } from './fixtures/world.ts'
import { live } from './fixtures/world-promises.ts'
import { runs } from './fixtures/world-steps.ts'

const { RUNS = 100, SEED } = process.env

t.test('whatever happens when, everybody gets everything once and in order, and nothing that was acknowledged is lost', async (t) => {
  mockTimers(t)
  let forgotten = 0
  await fc.assert(fc.asyncProperty(runs(), async (run) => { forgotten += await live(run) }), {
    numRuns: Number(RUNS), ...SEED && { seed: Number(SEED) }
  })
  t.comment(`${forgotten} changes were forgotten by their clients: in a snapshot in flight when its line ended`)
})
