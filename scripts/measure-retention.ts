// Measures the first run of `retention` on a large database: how long it takes, and what the writers of other documents notice of it.
// `npm run measure:retention -- 10000000` fills a PostgreSQL of its own with 10,000,000 updates: 1,000 on each of five snapshots of each document.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { Cluster } from '../lib/embedded/cluster.ts'
import { updateChange } from '../lib/protocol/changes.ts'
import { AdapterClient } from '../lib/stores/adapter.ts'
import { migrate } from '../lib/stores/migrate.ts'
import { PrismaStore } from '../lib/stores/prisma.ts'
import { prune, type Pruned } from '../lib/stores/prune.ts'

const [updates = 10_000_000] = process.argv.slice(2).map(Number)
const [perSnapshot, snapshots] = [1000, 5]
const documents = Math.ceil(updates / perSnapshot / snapshots)
const author = 'A'.repeat(43)
const updateBytes = 400
const snapshotBytes = 20_000
let nextClock = perSnapshot

const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'fastify-secsync-measure-')), { max_wal_size: '4GB', shared_buffers: '512MB' })
await cluster.create()
await cluster.start()
try {
  const { connectionString } = cluster
  const adapter = () => new PrismaPg({ connectionString })
  await migrate({ adapter: adapter() })
  await fill(connectionString)
  const writer = new AdapterClient(adapter())
  const pruner = new AdapterClient(adapter())
  try {
    const store = new PrismaStore(writer)
    const alone = await writeWhile(store, sleep(20_000))
    print('writer alone', alone)

    const brief = AbortSignal.timeout(60_000)
    let removed = 0
    const started = performance.now()
    const slow = prune(pruner, { snapshots: 1 }, { signal: brief, onPruned: (pruned) => { removed += pruned.updates } }).catch((error: unknown) => {
      if (!brief.aborted) throw error
    })
    print('writer during a run with share 0.2', await writeWhile(store, slow))
    const seconds = (performance.now() - started) / 1000
    process.stdout.write(`share 0.2: ${removed} updates in ${seconds.toFixed(0)} s, ${Math.round(removed / seconds)} per second\n`)

    const fastStarted = performance.now()
    let rest: Pruned = { snapshots: 0, updates: 0 }
    const fast = prune(pruner, { snapshots: 1 }, { share: 1 }).then((pruned) => { rest = pruned })
    print('writer during a run with share 1', await writeWhile(store, fast))
    const fastSeconds = (performance.now() - fastStarted) / 1000
    process.stdout.write(`share 1: ${rest.updates} updates and ${rest.snapshots} texts in ${fastSeconds.toFixed(0)} s, ${Math.round(rest.updates / fastSeconds)} updates per second\n`)

    const again = performance.now()
    const nothing = await prune(pruner, { snapshots: 1 }, { share: 1 })
    process.stdout.write(`again: ${nothing.updates} updates in ${Math.round(performance.now() - again)} ms\n`)
  } finally {
    await writer.close()
    await pruner.close()
  }
} finally {
  await cluster.stop('immediate')
  await rm(cluster.directory, { recursive: true, force: true })
}

/** Nothing here verifies messages, so that they need not be signed. */
async function fill (connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    const started = performance.now()
    await client.query(`INSERT INTO secsync_document (id, active_snapshot_id, clocks, version, counted_version, snapshot_count, update_count, kept_bytes)
      SELECT 'document-' || d, 'snapshot-${snapshots}', jsonb_build_object('${author}', ${perSnapshot - 1}), v, v, ${snapshots}, ${snapshots * perSnapshot},
        ${snapshots * (snapshotBytes + perSnapshot * updateBytes)}
      FROM generate_series(1, ${documents}) d, (SELECT ${snapshots * (perSnapshot + 1)} AS v) versions`)
    await client.query(`INSERT INTO secsync_snapshot (document_id, id, version, parent_snapshot_proof, ciphertext_hash, data, signature, author, bytes)
      SELECT 'document-' || d, 'snapshot-' || s, (s - 1) * ${perSnapshot + 1} + 1, '', '', repeat(md5(d::text), ${snapshotBytes / 32}), 'signature', '${author}', ${snapshotBytes}
      FROM generate_series(1, ${documents}) d, generate_series(1, ${snapshots}) s`)
    for (let s = 1; s <= snapshots; s++) {
      await client.query(`INSERT INTO secsync_update (document_id, snapshot_id, author, clock, version, data)
        SELECT 'document-' || d, 'snapshot-${s}', '${author}', c, ${(s - 1) * (perSnapshot + 1) + 2} + c, rpad(md5((d * 31 + c)::text), ${updateBytes}, 'x')
        FROM generate_series(1, ${documents}) d, generate_series(0, ${perSnapshot - 1}) c`)
    }
    await client.query('VACUUM ANALYZE')
    const { rows: [{ size }] } = await client.query<{ size: string }>('SELECT pg_size_pretty(pg_database_size(current_database())) AS size')
    process.stdout.write(`${documents} documents, ${documents * snapshots * perSnapshot} updates, ${size}, filled in ${Math.round((performance.now() - started) / 1000)} s\n`)
  } finally {
    await client.end()
  }
}

/** Saves an update every 20 ms until then. Milliseconds of each. */
async function writeWhile (store: PrismaStore, task: Promise<unknown>): Promise<number[]> {
  const latencies: number[] = []
  const progress = { isDone: false }
  const done = task.finally(() => { progress.isDone = true })
  while (!progress.isDone) {
    const startedAt = performance.now()
    await store.saveUpdates('document-1', [updateChange({
      ciphertext: 'A'.repeat(200),
      nonce: 'A'.repeat(32),
      signature: 'A'.repeat(86),
      publicData: { docId: 'document-1', pubKey: author, refSnapshotId: `snapshot-${snapshots}`, clock: nextClock++ }
    })])
    latencies.push(performance.now() - startedAt)
    await sleep(20)
  }
  await done
  return latencies
}

function print (title: string, latencies: number[]): void {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1)
  process.stdout.write(`${title}: ${latencies.length} updates, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms\n`)
}
