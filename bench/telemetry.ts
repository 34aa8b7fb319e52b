// What metrics and traces cost: CPU of the same server with and without them, in turn: `npm run bench:telemetry`.
import { Environment, type ServerName } from './environment.ts'
import { Results } from './measure.ts'
import { scenarios } from './scenarios.ts'
import { Size } from './scenarios/scenario.ts'

const rounds = 7
const servers: ServerName[] = ['product', 'prometheus', 'opentelemetry']
const environment = await Environment.start(servers)
try {
  const all = scenarios(new Size(2, 0.2)).filter(({ name }) => ['writer-64', 'updates-200', 'ephemeral-200'].includes(name))
  const results = new Results()
  for (let round = 0; round < rounds; round++) {
    for (const scenario of all) {
      // In another order each round: the first one pays for what the machine does.
      const order = [...servers.slice(round % servers.length), ...servers.slice(0, round % servers.length)]
      for (const name of order) results.add(scenario.name, name, await scenario.run(environment, environment.server(name), round))
    }
  }
  for (const { name } of all) {
    const cpu = (server: ServerName) => results.figure(name, server, 'cpu').toFixed(1)
    const ratio = (server: ServerName) => (1 / results.ratio(name, server, 'cpu')).toFixed(2)
    console.log(`${name}: CPU ${cpu('product')} µs without, ${cpu('prometheus')} µs with prom-client (${ratio('prometheus')} ×), ` +
      `${cpu('opentelemetry')} µs with meter and tracer of OpenTelemetry (${ratio('opentelemetry')} ×)`)
  }
} finally {
  await environment.stop()
}
