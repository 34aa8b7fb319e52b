// One node, two nodes with a Redis between them, and two nodes with `postgresBus()`: `npm run bench:nodes`. What it measures: how much later
// a reader on another node has an update, and what it costs to tell.
import { startRedis } from '../test/fixtures/redis.ts'
import { Environment, type Server } from './environment.ts'
import { Client, closeClients } from './load/client.ts'
import { Author } from './load/messages.ts'
import { write, writeSnapshot } from './load/write.ts'

const rounds = 3

/** Figures of all rounds, by name. */
const figures = new Map<string, number[]>()

function add (name: string, value: number): void {
  figures.set(name, [...figures.get(name) ?? [], value])
}

function quantile (values: Iterable<number>, share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * share)]!
}

interface Run {
  writers: Server[]
  readers: Server[]
  window: number
  count: number
}

let documents = 0

/** Writes one document with a writer on each of `writers`, until each of the readers has got everything. */
async function run (name: string, { writers, readers, window, count }: Run): Promise<void> {
  const docId = `document-${documents++}`
  const authors = writers.map(() => new Author())
  const snapshot = authors[0]!.snapshot(docId)
  const first = await Client.open(writers[0]!.url, docId)
  await writeSnapshot(first, snapshot.text)
  const clients = [first, ...await Promise.all(writers.slice(1).map(({ url }) => Client.open(url, docId)))]
  const updates = authors.map((author) => author.updates(docId, snapshot.id, count))
  const sentAt = new Map(authors.map(({ publicKey }) => [publicKey, new Float64Array(count)]))
  const all = [...new Set([...writers, ...readers])]

  const readerClients = await Promise.all(readers.map(({ url }) => Client.open(url, docId)))
  const cpuBefore = await Promise.all(all.map((server) => server.ask('usage')))
  const databaseBefore = await environment.databaseCpu()
  const startedAt = performance.now()
  const read = Promise.all(readerClients.map((client, index) => new Promise<void>((resolve) => {
    const took: number[] = []
    client.onMessage = (data) => {
      const { publicData: { pubKey, clock } } = JSON.parse(data.toString()) as { publicData: { pubKey: string, clock: number } }
      took.push(performance.now() - sentAt.get(pubKey)![clock]!)
      if (took.length < count * writers.length) return
      add(`${name}: reader ${index + 1} has it, p50 ms`, quantile(took, 0.5))
      add(`${name}: reader ${index + 1} has it, p99 ms`, quantile(took, 0.99))
      resolve()
    }
  })))
  await Promise.all(clients.map(async (client, index) => {
    const { publicKey } = authors[index]!
    await write({ client, updates: updates[index]!, window, sentAt: sentAt.get(publicKey)!, deadline: Infinity, onConfirmed () {} })
  }))
  await read
  add(`${name}: updates/s`, count * writers.length / (performance.now() - startedAt) * 1000)
  const cpuAfter = await Promise.all(all.map((server) => server.ask('usage')))
  all.forEach((_server, index) => add(`${name}: CPU of node ${index + 1}, µs per update`, (cpuAfter[index]!.cpu - cpuBefore[index]!.cpu) / count / writers.length))
  add(`${name}: CPU of the database, µs per update`, (await environment.databaseCpu() - databaseBefore) / count / writers.length)
  await closeClients([...clients, ...readerClients])
}

const ends: Array<() => unknown> = []
const redis = await startRedis({ teardown: (end) => ends.push(end) })
process.env.REDIS_URL = redis.url
const environment = await Environment.start(['product', 'redis', 'redis', 'postgres', 'postgres'])
try {
  const [alone, ...nodes] = environment.servers as [Server, ...Server[]]
  const settings: Array<[name: string, here: Server, there: Server]> =
    [['alone', alone, alone], ['Redis', nodes[0]!, nodes[1]!], ['PostgreSQL', nodes[2]!, nodes[3]!]]
  const both = (here: Server, there: Server): Server[] => [...new Set([here, there])]
  // Not cold: V8 compiles what runs often, for thousands of updates.
  for (const [, here, there] of settings) await run('warm', { writers: [here, there], readers: both(here, there), window: 64, count: 4000 })
  figures.clear()
  for (let round = 0; round < rounds; round++) {
    // In another order each round: the first one pays for what the machine does.
    const order = [...settings.slice(round % settings.length), ...settings.slice(0, round % settings.length)]
    for (const [name, here, there] of order) {
      const readers = both(here, there)
      await run(`one writer waits, ${name}`, { writers: [here], readers, window: 1, count: 300 })
      await run(`pipelining 64, ${name}`, { writers: [here], readers, window: 64, count: 3000 })
      await run(`two writers with 8, ${name}`, { writers: [here, there], readers, window: 8, count: 1500 })
    }
  }
  for (const [name, values] of figures) console.log(`${name}: ${quantile(values, 0.5).toPrecision(3)} (${Math.min(...values).toPrecision(3)}-${Math.max(...values).toPrecision(3)})`)
  console.log('PostgreSQL as a share of Redis, median of the rounds:')
  for (const [name, values] of figures) {
    const redis = figures.get(name.replace(', PostgreSQL:', ', Redis:'))
    if (name.includes(', PostgreSQL:') && redis !== undefined) console.log(`${name}: ${quantile(values.map((value, round) => value / redis[round]!), 0.5).toFixed(2)}`)
  }
} finally {
  await environment.stop()
  for (const end of ends.reverse()) await end()
}
