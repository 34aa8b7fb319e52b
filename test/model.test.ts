// Random interleavings of all that can happen between clients, lines, nodes, the broker and the store.
//   RUNS=5000 SEED=1 FEATURES=hasTabs,isDisturbed npx tap run --disable-coverage test/model.test.ts
import t from 'tap'
import { tryRuns } from './fixtures/world-property.ts'

t.test('whatever happens when, everybody gets everything once and in order, and nothing that was acknowledged is lost', async (t) => {
  await tryRuns(t, 100)
})
