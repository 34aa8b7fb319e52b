import { setTimeout as sleep } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import t from 'tap'
import type { Test } from 'tap'
import { startExampleApp } from '../fixtures/example-app.ts'
import { nothingLost, verify, WrittenDocument } from '../fixtures/pipelining-writer.ts'
import * as postgres from '../fixtures/postgres.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer, type TestServer } from '../fixtures/server.ts'

t.setTimeout(590_000)

function writtenDocuments (t: Test): WrittenDocument[] {
  const documents = ['first', 'second', 'third'].map((id) => new WrittenDocument(id, 2))
  t.teardown(() => documents.forEach(({ writers }) => writers.forEach((writer) => writer.stop())))
  return documents
}

/** A server, its PostgreSQL, and three documents that two writers each are writing. */
interface Load {
  database: postgres.Server
  connectionString: string
  server: TestServer
  documents: WrittenDocument[]
}

async function all (documents: WrittenDocument[], condition: (writer: WrittenDocument['writers'][number]) => boolean): Promise<void> {
  await Promise.all(documents.map((document) => document.until(({ writers }) => writers.every(condition))))
}

t.test('SIGTERM under load: what is in flight is answered or not stored, the sockets close with 1001, and it ends with status 0', async (t) => {
  const server = await postgres.startServer(t)
  const { connectionString } = await server.createDatabase({ migrated: false })
  const app = await startExampleApp(t, { DATABASE_URL: connectionString })
  const sessionKey = await app.session('Ada')
  const documents = writtenDocuments(t)
  const writers = documents.flatMap(({ writers }) => writers)
  for (const document of documents) document.writers.forEach((writer) => writer.connect(app.endpoint, sessionKey))
  await Promise.all(documents.map((document) => document.goesOn(100)))

  t.ok(writers.some(({ inFlight }) => inFlight > 0), 'it comes while messages are in flight')
  const start = performance.now()
  t.equal(await app.end('SIGTERM'), 0)
  const took = performance.now() - start
  await all(documents, ({ closeCode }) => closeCode !== undefined)
  t.strictSame(new Set(writers.map(({ closeCode }) => closeCode)), new Set([1001]))
  t.ok(took < 10_000, 'in less than ten seconds')
  for (const document of documents) {
    t.strictSame(await verify(connectionString, document), { ...nothingLost, unacknowledged: 0 })
  }
  const acknowledged = documents.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
  t.comment(`SIGTERM: ${took.toFixed()} ms, ${acknowledged} messages acknowledged, all of them and no others stored`)
})

async function underLoad (t: Test, limits = {}): Promise<Load> {
  const database = await postgres.startServer(t)
  const { connectionString } = await database.createDatabase()
  const server = await startServer(t, { adapter: new PrismaPg({ connectionString }), limits })
  const documents = writtenDocuments(t)
  for (const { writers } of documents) {
    for (const writer of writers) {
      writer.comesBack = true
      writer.connect(server.endpoint, 'key')
    }
  }
  await Promise.all(documents.map((document) => document.goesOn(100)))
  return { database, connectionString, server, documents }
}

/** Resolves when of every document a writer has been told so many times that a message was not saved. Another may wait for its snapshot. */
async function haveFailed (documents: WrittenDocument[], times: number): Promise<void> {
  await Promise.all(documents.map(async (document) => {
    const before = document.writers.map(({ failed }) => failed)
    await document.until(({ writers }) => writers.some(({ failed }, index) => failed >= before[index]! + times))
  }))
}

async function endWell (t: Test, name: string, { connectionString, server, documents }: Load): Promise<void> {
  for (const { writers } of documents) for (const writer of writers) writer.comesBack = false
  await server.app.close()
  await all(documents, ({ closeCode }) => closeCode !== undefined)
  let [acknowledged, failed, stored] = [0, 0, 0]
  for (const document of documents) {
    const { unacknowledged, ...verdict } = await verify(connectionString, document)
    t.strictSame(verdict, nothingLost, `${document.id}: nothing is lost`)
    acknowledged += document.acknowledged.size
    failed += document.writers.reduce((sum, { failed }) => sum + failed, 0)
    stored += unacknowledged
  }
  t.comment(`${name}: ${acknowledged} messages acknowledged, ${failed} failures told, ${stored} stored that were not acknowledged, 0 lost`)
}

t.test('PostgreSQL is restarted under load: the writers are told, go on by themselves, and nothing acknowledged is lost', async (t) => {
  const load = await underLoad(t)
  const { database, documents } = load
  for (let restart = 0; restart < 3; restart++) {
    const failed = haveFailed(documents, 1)
    await database.stop()
    await failed
    await database.start()
    await Promise.all(documents.map((document) => document.goesOn(50)))
  }
  await endWell(t, '3 restarts', load)
})

t.test('PostgreSQL crashes under load: the writers are told, go on by themselves, and nothing acknowledged is lost', async (t) => {
  const load = await underLoad(t)
  const { database, documents } = load
  const failed = haveFailed(documents, 1)
  await database.crash()
  await failed
  await database.start()
  await Promise.all(documents.map((document) => document.goesOn(50)))
  await endWell(t, 'a crash', load)
})

interface Outage {
  limits?: object
  begin (database: postgres.Server): Promise<void>
  /** Resolves when it may end. */
  lasts (documents: WrittenDocument[]): Promise<unknown>
  end (database: postgres.Server): Promise<void> | void
}

const outages: Record<string, Outage> = {
  'PostgreSQL is stopped for 20 seconds': {
    begin: (database) => database.stop(),
    lasts: () => sleep(20_000),
    end: (database) => database.start()
  },
  // The outage outlasts the limit, and that of the tries that follow, too: it is over in about three seconds.
  'PostgreSQL stops answering for longer than callbackTimeout': {
    limits: { callbackTimeout: 1000 },
    begin: (database) => database.pause(),
    lasts: (documents) => haveFailed(documents, 3),
    end: (database) => database.resume()
  }
}

for (const [name, { limits, begin, lasts, end }] of Object.entries(outages)) {
  t.test(`${name}: all go on by themselves, also who comes meanwhile`, async (t) => {
    const load = await underLoad(t, limits)
    const { database, server, documents } = load
    const typist = new RealClient(t, server.endpoint, 'typed')
    typist.type('before ')
    await agree(typist)

    const lasted = lasts(documents)
    const start = performance.now()
    await begin(database)
    typist.type('during ')
    const newcomer = new RealClient(t, server.endpoint, 'typed')
    const turnedAway = server.connect('typed')
    t.equal(await turnedAway.closed(), 1011, 'who comes during the outage is to come back')
    await lasted
    t.comment(`the outage: ${(performance.now() - start).toFixed()} ms`)
    await end(database)

    typist.type('after')
    await Promise.all(documents.map((document) => document.goesOn(50)))
    t.equal(await agree(typist, newcomer), 'before during after')
    t.strictSame([typist.status, newcomer.status], ['connected', 'connected'])
    await endWell(t, 'an outage', load)
  })
}
