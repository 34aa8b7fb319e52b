// npm run bench [-- --quick] [--only name,name] [--cpu-prof] [--write]
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chart } from './chart.ts'
import { Environment, root } from './environment.ts'
import { Results } from './measure.ts'
import { summary } from './profile.ts'
import { scenarios } from './scenarios.ts'
import { Size } from './scenarios/scenario.ts'
import { table } from './table.ts'

const { values: options } = parseArgs({
  options: {
    // Under a minute: one round of everything, with less of it. Its figures say little; that it runs says more.
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    // Where the CPU time of the product goes, of the last round.
    'cpu-prof': { type: 'boolean', default: false },
    // The table and the chart of docs/performance.md.
    write: { type: 'boolean', default: false }
  }
})
const rounds = options.quick ? 1 : 5
/** The peer takes as long as all others together, and is far away from what it is compared with. */
const roundsOfPeer = 3
/** No round is begun after so many seconds. */
const timeForRounds = 450

const all = scenarios(options.quick ? new Size(1, 0.1) : new Size(2.5, 1))
const selected = all.filter(({ name }) => options.only === undefined || options.only.split(',').includes(name))
if (selected.length === 0) throw new Error(`No such scenario. There are ${all.map(({ name }) => name).join(', ')}`)

const environment = await Environment.start(['product', 'peer', 'limit', 'idle'])
try {
  // V8 goes on compiling what an update takes for tens of thousands of them, on the cores that are measured. A server runs for weeks.
  const warmUp = scenarios(options.quick ? new Size(1, 0.05) : new Size(10, 5)).find(({ name }) => name === 'writer-8')!
  for (const name of warmUp.servers) await warmUp.run(environment, environment.server(name), -1)
  for (const scenario of selected) await scenario.setUp?.(environment)

  const results = new Results()
  for (let round = 0; round < rounds && performance.now() < timeForRounds * 1000; round++) {
    if (options['cpu-prof'] && round === rounds - 1) environment.profiles = new Map()
    for (const scenario of selected) {
      report(`${round + 1} of ${rounds}: ${scenario.title}`)
      // Whoever comes first has it colder.
      const inTurn = scenario.servers.map((_, index) => scenario.servers[(index + round) % scenario.servers.length]!)
      const servers = inTurn.filter((name) => name !== 'peer' || round < roundsOfPeer)
      for (const name of servers) results.add(scenario.name, name, await scenario.run(environment, environment.server(name), round))
    }
  }
  report('')

  const text = table(selected, results)
  console.log(text)
  console.log(`\nThe product's figures by those of the limit and of the peer, on ${availableParallelism()} cores with Node.js ${process.version}. ` +
    'What they mean: docs/performance.md')
  if (!await environment.isDurable()) console.log('NOT DURABLE: the temporary directory is in memory. Set TMPDIR to one on a disk.')

  const directory = join(root, 'bench/results')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'latest.json'), JSON.stringify(results, null, 2))
  for (const [name, profile] of environment.profiles ?? []) {
    console.log(`\n${name}\n${summary(profile)}`)
    await writeFile(join(directory, `${name}.cpuprofile`), JSON.stringify(profile))
  }
  if (options.write) await writeDocs(text, chart(selected, results))
} finally {
  await environment.stop()
}

async function writeDocs (table: string, svg: string): Promise<void> {
  await mkdir(join(root, 'docs/images'), { recursive: true })
  await writeFile(join(root, 'docs/images/performance.svg'), svg)
  const path = join(root, 'docs/performance.md')
  const page = await readFile(path, 'utf8')
  await writeFile(path, page.replace(/(<!-- npm run bench -- --write -->\n).*?\n\n/s, `$1${table}\n\n`))
}

/** Where the run is, for whoever looks. */
function report (text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
