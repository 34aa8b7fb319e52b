// Fails when the product has become ten times slower than it was, measured by the limit server in the same run: `npm run bench:guard`.
// That is wide enough for a busy machine. What it is like to be three times slower shows in `npm run bench`.
import { Environment, type ServerName } from './environment.ts'
import { Results, type Metric } from './measure.ts'
import { scenarios } from './scenarios.ts'
import { Size } from './scenarios/scenario.ts'

/** The product's figure by the limit's as it is usually, for what costs it most. */
const usual: Array<[scenario: string, metric: Metric, ratio: number]> = [
  ['writer', 'cpu', 4],
  ['writer-64', 'cpu', 1.3],
  ['writer-64', 'rate', 0.6],
  ['documents-16-8', 'cpu', 1.8],
  ['updates-200', 'cpu', 0.3],
  ['ephemeral-200', 'cpu', 0.8],
  ['load-1000', 'cpu', 1.5],
  ['delta-1000', 'cpu', 3],
  ['idle', 'memory', 2.5]
]
/** Below ten, so that a loss of ten times is seen; in one of three tries, a busy machine makes less of it. */
const margin = 4
const tries = 3

const servers: ServerName[] = ['product', 'limit']
const environment = await Environment.start(servers)
try {
  const all = scenarios(new Size(1, 0.1)).filter(({ name }) => usual.some(([scenario]) => scenario === name))
  for (const scenario of all) await scenario.setUp?.(environment)

  let slow = usual
  for (let round = 0; round < tries && slow.length > 0; round++) {
    const results = new Results()
    for (const scenario of all.filter(({ name }) => slow.some(([scenario]) => scenario === name))) {
      for (const name of servers) results.add(scenario.name, name, await scenario.run(environment, environment.server(name), round))
    }
    slow = slow.filter(([scenario, metric, ratio]) => {
      const measured = results.ratio(scenario, 'limit', metric)
      const loss = metric === 'rate' ? ratio / measured : measured / ratio
      console.log(`${scenario}: ${metric} is ${measured.toPrecision(2)} of the limit's, usually ${ratio}`)
      return !(loss < margin)
    })
  }
  for (const [scenario, metric] of slow) console.error(`TOO SLOW: ${metric} of ${scenario}, in each of ${tries} tries`)
  if (slow.length > 0) process.exitCode = 1
} finally {
  await environment.stop()
}
