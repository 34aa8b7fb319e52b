import t from 'tap'
import type { Test } from 'tap'
import type { ServerMessage } from '../../lib/index.ts'
import { Cluster } from '../../lib/embedded/cluster.ts'
import { dataDirectory, startExampleApp } from '../fixtures/example-app.ts'
import { nothingLost, verify, WrittenDocument } from '../fixtures/pipelining-writer.ts'
import { startServer, type Server } from '../fixtures/postgres.ts'
import { RawClient } from '../fixtures/raw-client.ts'

t.setTimeout(590_000)

const totals = { kills: 0, updates: 0, snapshots: 0, inFlight: 0, storedUnacknowledged: 0, lost: 0 }

/** Kills the app again and again while three documents are written by two clients each. */
async function survive (
  t: Test, kills: number, settings: Record<string, string>, connectionString: () => Promise<string>, server?: Server
): Promise<void> {
  const documents = ['first', 'second', 'third'].map((id) => new WrittenDocument(id, 2))
  t.teardown(() => documents.forEach(({ writers }) => writers.forEach((writer) => writer.stop())))

  let app = await startExampleApp(t, settings)
  const sessionKeys = await Promise.all(['Ada', 'Ben'].map(app.session))
  for (let kill = 1; kill <= kills; kill++) {
    for (const { writers } of documents) writers.forEach((writer, index) => writer.connect(app.endpoint, sessionKeys[index]!))
    // Each time at another moment of the writing.
    await Promise.all(documents.map((document) => document.goesOn(20 + 7 * kill)))
    // Every third time as in a power cut. The app alone leaves its last statements to a PostgreSQL that carries them out.
    const isPowerCut = server !== undefined && kill % 3 === 0
    if (isPowerCut) await server.crash()
    const exited = app.end('SIGKILL')
    const inFlight = documents.flatMap(({ writers }) => writers).reduce((sum, writer) => sum + writer.inFlight, 0)
    t.not(inFlight, 0, `kill ${kill} comes while messages are in flight`)
    t.equal(await exited, 'SIGKILL')
    for (const document of documents) await document.until(({ writers }) => writers.every(({ closeCode }) => closeCode !== undefined))

    if (isPowerCut) await server.start()
    app = await startExampleApp(t, settings)
    totals.kills++
    totals.inFlight += inFlight
    for (const document of documents) {
      const reader = new RawClient(`${app.endpoint}/${document.id}?sessionKey=${sessionKeys[0]}`)
      missesNothing(t, document, await reader.next('document'))
      await reader.close()
      const { unacknowledged, ...verdict } = await verify(await connectionString(), document)
      totals.lost += verdict.lost
      if (kill === kills) totals.storedUnacknowledged += unacknowledged
      t.strictSame(verdict, nothingLost, `kill ${kill}: of the ${document.acknowledged.size} messages of ${document.id} nothing is lost`)
    }
  }

  // They go on after the last kill, too.
  for (const { writers } of documents) writers.forEach((writer, index) => writer.connect(app.endpoint, sessionKeys[index]!))
  await Promise.all(documents.map((document) => document.goesOn(20)))
  for (const { acknowledged } of documents) {
    const updates = [...acknowledged.values()].filter(({ publicData }) => 'clock' in publicData).length
    totals.updates += updates
    totals.snapshots += acknowledged.size - updates
  }
  t.equal(await app.end('SIGTERM'), 0)
  t.strictSame(documents.flatMap(({ faults }) => faults), [])
}

/** What a client gets holds all acknowledged updates of the active snapshot, and that is none that an acknowledged one has replaced. */
function missesNothing (t: Test, { acknowledged, sent }: WrittenDocument, { snapshot, updates = [] }: Extract<ServerMessage, { type: 'document' }>): void {
  const got = new Map([...snapshot ? [snapshot] : [], ...updates].map((message) => [message.signature, message]))
  const wanted = [...acknowledged.values()].filter(({ publicData }) => 'clock' in publicData && publicData.refSnapshotId === snapshot?.publicData.snapshotId)
  t.strictSame(wanted.map(({ signature }) => got.get(signature)), wanted)
  t.strictSame([...got.keys()].map((signature) => sent.get(signature)), [...got.values()])
  const replaced = [...acknowledged.values()].some(({ publicData }) =>
    'parentSnapshotId' in publicData && publicData.parentSnapshotId === snapshot?.publicData.snapshotId)
  t.notOk(replaced)
}

t.test('what was acknowledged before a SIGKILL is there afterwards, byte for byte, and the clients go on', async (t) => {
  const server = await startServer(t)
  const { connectionString } = await server.createDatabase({ migrated: false })
  await survive(t, 9, { DATABASE_URL: connectionString }, async () => connectionString, server)
})

t.test('so it is with the PostgreSQL of its own, which the next start takes over', async (t) => {
  const DATA_DIR = await dataDirectory(t)
  await survive(t, 1, { DATA_DIR }, async () => {
    const cluster = new Cluster(DATA_DIR)
    await cluster.create()
    await cluster.process()
    return cluster.connectionString
  })
})

t.test('the count', async (t) => {
  const { kills, updates, snapshots, inFlight, storedUnacknowledged, lost } = totals
  t.comment(`${kills} kills with ${inFlight} messages in flight, ${updates} updates and ${snapshots} snapshots acknowledged; ` +
    `${storedUnacknowledged} stored that were not; ${lost} lost`)
  t.strictSame({ kills, lost }, { kills: 10, lost: 0 })
})
