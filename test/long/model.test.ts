// What test/model.test.ts tries a hundred times.
//   RUNS=50000 SEED=1 FEATURES=hasTabs,isDisturbed npx tap run --disable-coverage --timeout=3600 test/long/model.test.ts
import t from 'tap'
import { tryRuns } from '../fixtures/world-property.ts'

t.test('in hundreds of runs, everybody gets everything once and in order, and nothing that was acknowledged is lost', { timeout: 3_600_000 }, async (t) => {
  await tryRuns(t, 400)
})
