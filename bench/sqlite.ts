// The product on a file of SQLite and on PostgreSQL, on one disk, in turn: `npm run bench:sqlite`.
import { Environment, type Server } from './environment.ts'
import { Client, closeClients } from './load/client.ts'
import { Author } from './load/messages.ts'
import { write, writeSnapshot } from './load/write.ts'

const rounds = 3

/** Figures of all rounds, by name. */
const figures = new Map<string, number[]>()

function median (values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

interface Run {
  documents: number
  /** Updates of a writer that may be unanswered. */
  window: number
  /** Updates of each document. */
  count: number
}

let runs = 0

/** One writer for each document. */
async function run (name: string, server: Server, { documents, window, count }: Run): Promise<void> {
  const prepared = await Promise.all(Array.from({ length: documents }, async (_, index) => {
    const docId = `document-${runs}-${index}`
    const author = new Author()
    const snapshot = author.snapshot(docId)
    const client = await Client.open(server.url, docId)
    await writeSnapshot(client, snapshot.text)
    return { client, updates: author.updates(docId, snapshot.id, count) }
  }))
  runs++
  const { cpu } = await server.ask('usage')
  const startedAt = performance.now()
  await Promise.all(prepared.map(async ({ client, updates }) => {
    await write({ client, updates, window, sentAt: new Float64Array(count), deadline: Infinity, onConfirmed () {} })
  }))
  const total = count * documents
  const perSecond = total / (performance.now() - startedAt) * 1000
  figures.set(`${name}: updates/s`, [...figures.get(`${name}: updates/s`) ?? [], perSecond])
  const cpuPerUpdate = ((await server.ask('usage')).cpu - cpu) / total
  figures.set(`${name}: CPU of the node, µs per update`, [...figures.get(`${name}: CPU of the node, µs per update`) ?? [], cpuPerUpdate])
  await closeClients(prepared.map(({ client }) => client))
}

const environment = await Environment.start(['product', 'sqlite'])
try {
  if (!await environment.isDurable()) console.log('Commits go to memory: set TMPDIR to a directory on a disk')
  const servers: Array<[string, Server]> = [['PostgreSQL', environment.server('product')], ['SQLite', environment.server('sqlite')]]
  for (const [, server] of servers) await run('warm', server, { documents: 2, window: 64, count: 500 })
  figures.clear()
  for (let round = 0; round < rounds; round++) {
    // In another order each round: the first one pays for what the machine does.
    for (const [name, server] of round % 2 === 0 ? servers : [...servers].reverse()) {
      await run(`one writer waits, ${name}`, server, { documents: 1, window: 1, count: 100 })
      await run(`one writer pipelines 64, ${name}`, server, { documents: 1, window: 64, count: 1000 })
      await run(`20 documents, each writer waits, ${name}`, server, { documents: 20, window: 1, count: 15 })
    }
  }
  for (const [name, values] of figures) {
    console.log(`${name}: ${median(values).toPrecision(3)} (${Math.min(...values).toPrecision(3)}-${Math.max(...values).toPrecision(3)})`)
  }
  console.log('SQLite as a multiple of PostgreSQL, median of the rounds:')
  for (const [name, values] of figures) {
    const postgres = figures.get(name.replace(', SQLite:', ', PostgreSQL:'))
    if (name.includes(', SQLite:') && postgres !== undefined) console.log(`${name}: ${median(values.map((value, round) => value / postgres[round]!)).toFixed(2)}`)
  }
} finally {
  await environment.stop()
}
