// Published clients, each in a thread of its own, type while their connections are cut. No text may be lost that its author takes for saved.
//   RUNS=100 SCENARIO=gateway npx tap run --disable-coverage --timeout=3600 test/long/text-loss.test.ts
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import t, { type Test } from 'tap'
import type { SecsyncOptions } from '../../lib/index.ts'
import { startBalancer } from '../fixtures/balancer.ts'
import { block } from '../fixtures/block.ts'
import { memoryStore as correctMemoryStore } from '../../lib/testing/memory-store.ts'
import { failingAdapter, failingCallbacks } from '../fixtures/failing-store.ts'
import { startGateway, startHttpProxy } from '../fixtures/gateway.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { startProxy, type Proxy } from '../fixtures/proxy.ts'
import { key } from '../fixtures/raw-client.ts'
import { RealClient } from '../fixtures/real-client.ts'
import { noRedis, startRedis } from '../fixtures/redis.ts'
import { startServer } from '../fixtures/server.ts'
import { Writer, type Written } from '../fixtures/writer.ts'

const { RUNS = 4, SCENARIO } = process.env

const letters = 60

interface Scenario {
  name: string
  nodes?: number
  isFailing?: boolean
  hasGateway?: boolean
  isStarved?: boolean
}

const scenarios: Scenario[] = [
  { name: 'direct' },
  { name: 'gateway', hasGateway: true },
  { name: 'failing store', isFailing: true },
  { name: 'starved processor', isStarved: true },
  { name: 'all three', isFailing: true, hasGateway: true, isStarved: true },
  { name: 'two nodes', nodes: 2 },
  { name: 'two nodes and all three', nodes: 2, isFailing: true, hasGateway: true, isStarved: true }
]

/** Each with the line of each writer, which may be cut. */
interface Setup {
  /** Without what is in between. */
  endpoint: string
  lines: Proxy[]
}

/** Of the four setups of a scenario, two have a database and two have one of the gateways. Several nodes need a database. */
async function setUp (t: Test, { nodes = 1, isFailing = false, hasGateway = false }: Scenario, variant: number): Promise<Setup> {
  const options: Array<Partial<SecsyncOptions>> = []
  if (nodes === 1 && variant % 2 === 0) {
    options.push(isFailing ? failingCallbacks() : correctMemoryStore())
  } else {
    const { connectionString } = await createDatabase(t)
    const redis = nodes > 1 ? await startRedis(t) : undefined
    for (let node = 0; node < nodes; node++) {
      const adapter = isFailing ? failingAdapter(connectionString) : new PrismaPg({ connectionString })
      options.push({ adapter, ...redis && { redis: redis.client() } })
    }
  }
  const servers = await Promise.all(options.map((options) => startServer(t, options)))
  const { host } = await startBalancer(t, servers.map(({ endpoint }) => ({ url: endpoint })))
  const endpoint = `ws://${host}/documents`
  const start = variant < 2 ? startHttpProxy : startGateway
  const gateway = hasGateway ? await start(t, endpoint) : endpoint
  const lines = await Promise.all(Array.from({ length: 3 }, () => startProxy(t, gateway)))
  for (const line of lines) line.delay = 10
  return { endpoint, lines }
}

interface Result {
  lost: number
  forgotten: number
  stuck: string[]
}

/** Three write one document, and the line of one of them is cut. */
async function run (t: Test, writers: Writer[], { endpoint, lines }: Setup, documentId: string, isStarved: boolean, cut: number): Promise<Result> {
  const writing = Promise.all(writers.map((writer, index) => writer.write({
    // What one of them lost would be in its own next snapshot.
    endpoint: lines[index]!.endpoint, documentId, key, letters, isStarved, snapshotEvery: index === 0 ? 30 : Infinity
  })))
  await sleep(randomInt(200, 800))
  lines[cut % lines.length]!.cut()
  const all = await writing

  const reader = new RealClient(t, endpoint, documentId)
  await reader.until(({ isSettled }) => isSettled)
  const stored = reader.characters
  reader.stop()
  // What a client that is stuck has typed, it does not take for saved.
  const missing = ({ characters, end }: Written): string[] => end === 'settled' ? characters.filter((character) => !stored.has(character)) : []
  const lost = all.reduce((sum, written) => sum + missing(written).filter((character) => !written.forgotten.includes(character)).length, 0)
  const forgotten = all.reduce((sum, written) => sum + missing(written).filter((character) => written.forgotten.includes(character)).length, 0)
  const hasAll = await Promise.all(writers.map((writer) => writer.reads(stored)))
  return {
    lost,
    forgotten,
    stuck: [
      ...all.filter(({ end }) => end !== 'settled').map(({ end }) => end),
      ...hasAll.filter((hasAll) => !hasAll).map(() => 'does not get what is stored')
    ]
  }
}

const writers = Array.from({ length: 3 }, () => new Writer(t))

for (const scenario of scenarios.filter(({ name }) => SCENARIO === undefined || name === SCENARIO)) {
  const { name, nodes = 1, isStarved = false } = scenario
  t.test(`${name}: what its author takes for saved is stored, and no client gets stuck`, { skip: nodes > 1 && noRedis, timeout: 3_600_000 }, async (t) => {
    const setups = await Promise.all([0, 1, 2, 3].map((variant) => setUp(t, scenario, variant)))
    const starving = isStarved ? setInterval(() => block(randomInt(60)), 150) : undefined
    t.teardown(() => clearInterval(starving))
    const begin = Date.now()
    let [lost, stuck, forgotten] = [0, 0, 0]
    for (let index = 0; index < Number(RUNS); index++) {
      const result = await run(t, writers, setups[index % setups.length]!, `run-${index}`, isStarved, index)
      forgotten += result.forgotten
      lost += Number(result.lost > 0)
      stuck += Number(result.stuck.length > 0)
      if (result.lost + result.stuck.length > 0) t.comment(`run ${index}: ${JSON.stringify(result)}`)
    }
    t.strictSame({ lost, stuck }, { lost: 0, stuck: 0 }, 'runs')
    t.comment(`${RUNS} runs in ${Date.now() - begin} ms; ${forgotten} characters were forgotten by the clients themselves`)
  })
}
