// Measures `verify`: how many messages it checks per second, and whether its memory grows. `npm run measure:verify -- 200000 1` checks 200,000 messages
// in a PostgreSQL of its own, once in the main thread and once with one worker.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { Cluster } from '../lib/embedded/cluster.ts'
import { AdapterClient } from '../lib/stores/adapter.ts'
import { migrate } from '../lib/stores/migrate.ts'
import { readDocuments } from '../lib/stores/rows.ts'
import { createChecker } from '../lib/verify/checker.ts'
import { verify } from '../lib/verify/verify.ts'
import { fill } from '../test/fixtures/fill.ts'

const [messages = 200_000, workers = 1] = process.argv.slice(2).map(Number)
const perDocument = 1000

const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'fastify-secsync-measure-')), { fsync: 'off' })
await cluster.create()
await cluster.start()
try {
  const adapter = () => new PrismaPg({ connectionString: cluster.connectionString })
  await migrate({ adapter: adapter() })
  // One document is large, so that memory for one document would show.
  const large = Math.floor(messages / 4)
  await fill(cluster.connectionString, { documents: 1, snapshots: 1, updates: large, prefix: 'a-large' })
  await fill(cluster.connectionString, { documents: Math.ceil((messages - large) / perDocument), snapshots: 2, updates: perDocument / 2 - 1 })
  for (const threads of [0, workers]) {
    const client = new AdapterClient(adapter())
    const checker = createChecker(threads)
    const samples: Array<NodeJS.MemoryUsage & { read: number }> = []
    let read = 0
    const sample = () => { samples.push({ ...process.memoryUsage(), read }) }
    const timer = setInterval(sample, 100)
    const [started, cpu] = [performance.now(), process.cpuUsage()]
    let problems = 0
    for await (const { problemCount } of verify(readDocuments(client), checker, (count) => { read += count })) problems += problemCount
    const seconds = (performance.now() - started) / 1000
    const { user, system } = process.cpuUsage(cpu)
    clearInterval(timer)
    await checker.close()
    await client.close()
    const megabytes = (bytes: number) => Math.round(bytes / 1024 / 1024)
    const quarters = [0, 1, 2, 3].map((quarter) => {
      const part = samples.filter((sample) => Math.min(3, Math.floor(4 * sample.read / read)) === quarter)
      return `${megabytes(Math.max(0, ...part.map(({ heapUsed }) => heapUsed)))}/${megabytes(Math.max(0, ...part.map(({ rss }) => rss)))}`
    })
    const cpuPerMessage = (user + system) / read
    process.stdout.write(`${threads} workers: ${read} messages, ${problems} problems, ${seconds.toFixed(1)} s, ${Math.round(read / seconds)} per second; ` +
      `${cpuPerMessage.toFixed(0)} µs of CPU per message, ${Math.round(1e6 / cpuPerMessage)} per second of one core; ` +
      `highest heap/RSS in MB by quarter: ${quarters.join(', ')}\n`)
  }
} finally {
  await cluster.stop('immediate')
  await rm(cluster.directory, { recursive: true, force: true })
}
