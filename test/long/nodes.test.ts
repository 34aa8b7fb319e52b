import { isDeepStrictEqual } from 'node:util'
import pg from 'pg'
import t from 'tap'
import type { Test } from 'tap'
import { startBalancer } from '../fixtures/balancer.ts'
import { startExampleApp, type ExampleApp } from '../fixtures/example-app.ts'
import { Follower } from '../fixtures/follower.ts'
import { nothingLost, verify, WrittenDocument } from '../fixtures/pipelining-writer.ts'
import { startServer } from '../fixtures/postgres.ts'
import { RawClient } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { noRedis, startRedis } from '../fixtures/redis.ts'

t.setTimeout(590_000)

/** Three nodes of the example app, on a Redis and a PostgreSQL of their own. */
async function threeNodes (t: Test) {
  const database = await startServer(t)
  const redis = await startRedis(t)
  const { connectionString } = await database.createDatabase({ migrated: false })
  const start = () => startExampleApp(t, { DATABASE_URL: connectionString, REDIS_URL: redis.url, LOG_LEVEL: 'info' })
  return { connectionString, redis, start, nodes: await Promise.all([start(), start(), start()]) }
}

/** Follows a document as the published client would, at the next node whenever its connection ends. Fails at what a client could not use. */
class Reader {
  follower: Follower
  /** Snapshots that came before all updates of their parents, which no store gives any more when they have been replaced. */
  jumps = 0
  #client: RawClient | undefined
  #isStopped = false
  readonly #document: WrittenDocument

  constructor (document: WrittenDocument, nextUrl: () => string) {
    this.#document = document
    this.follower = new Follower(document.id)
    void this.#follow(nextUrl)
  }

  async #follow (nextUrl: () => string): Promise<void> {
    while (!this.#isStopped) {
      const client = new RawClient(nextUrl())
      this.#client = client
      this.follower = new Follower(this.#document.id)
      this.follower.onJump = () => { this.jumps++ }
      try {
        while (true) {
          this.follower.follow(await client.nextOfAny())
          this.#document.changed()
        }
      } catch (error) {
        if (client.closeCode === undefined) this.#document.faults.push(String(error))
        client.socket.terminate()
      }
    }
  }

  stop (): void {
    this.#isStopped = true
    this.#client?.socket.terminate()
  }
}

/** Where a document stands in the database. */
async function positionOf (connectionString: string, { id }: WrittenDocument): Promise<{ snapshotId: string, clocks: object }> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  const { rows } = await client.query<{ snapshotId: string, clocks: object }>(
    'SELECT active_snapshot_id AS "snapshotId", clocks FROM secsync_document WHERE id = $1', [id])
  await client.end()
  return rows[0]!
}

t.test('three nodes, killed one after the other, and Redis, too: nothing acknowledged is lost, and all read the same', { skip: noRedis }, async (t) => {
  const { connectionString, redis, nodes, start } = await threeNodes(t)
  const sessionKey = await nodes[0]!.session('Ada')
  const documents = ['first', 'second', 'third'].map((id) => new WrittenDocument(id, 3))
  // The n-th writer and the n-th reader of each document begin at the n-th node.
  const nodeOf = [...nodes]
  const connect = ({ writers }: WrittenDocument, index: number): void => writers[index]!.connect(nodeOf[index]!.endpoint, sessionKey)
  for (const document of documents) nodes.forEach((_node, index) => connect(document, index))
  // While Redis is away, who has written at another node before may be behind what the next snapshot takes for known.
  let comeBacks = 0
  for (const document of documents) {
    void (async () => {
      while (true) {
        const behind = ({ writers }: WrittenDocument): number => writers.findIndex(({ closeCode }) => closeCode === 1013)
        await document.until((document) => behind(document) !== -1)
        connect(document, behind(document))
        comeBacks++
      }
    })()
  }
  const readers = documents.map((document) => nodes.map((_node, index) => {
    let next = index
    return new Reader(document, () => `${nodes[next++ % nodes.length]!.endpoint}/${document.id}?sessionKey=${sessionKey}`)
  }))
  t.teardown(() => {
    for (const { writers } of documents) for (const writer of writers) writer.stop()
    for (const reader of readers.flat()) reader.stop()
  })

  const kills = 6
  let inFlight = 0
  for (let kill = 0; kill < kills; kill++) {
    await Promise.all(documents.map((document) => document.goesOn(20 + 7 * kill)))
    const dead = kill % 3
    const move = async (to: ExampleApp): Promise<void> => {
      nodeOf[dead] = to
      for (const document of documents) {
        await document.until(({ writers }) => [1005, 1006].includes(writers[dead]!.closeCode ?? 0))
        connect(document, dead)
      }
    }
    if (kill === 2) await redis.stop()
    inFlight += documents.reduce((sum, { writers }) => sum + writers[dead]!.inFlight, 0)
    t.equal(await nodes[dead]!.end('SIGKILL'), 'SIGKILL')
    await move(nodes[(kill + 1) % 3]!)
    await Promise.all(documents.map((document) => document.goesOn(20)))
    if (kill === 3) await redis.start()
    nodes[dead] = await start()
    // Back again, so that each node has somebody to lose.
    for (const { writers } of documents) writers[dead]!.stop()
    await move(nodes[dead]!)
  }
  t.not(inFlight, 0)

  let acknowledged = 0
  for (const [index, document] of documents.entries()) {
    for (const writer of document.writers) writer.isDone = true
    await document.until(({ writers }) => writers.every(({ inFlight }) => inFlight === 0))
    const position = await positionOf(connectionString, document)
    await document.until(() => readers[index]!.every(({ follower: { snapshot, clocks } }) =>
      isDeepStrictEqual({ snapshotId: snapshot?.publicData.snapshotId, clocks }, position)))
    const { unacknowledged, ...verdict } = await verify(connectionString, document)
    t.strictSame(verdict, nothingLost)
    acknowledged += document.acknowledged.size
  }
  const jumps = readers.flat().reduce((sum, reader) => sum + reader.jumps, 0)
  t.comment(`${kills} kills with ${inFlight} messages in flight, ${acknowledged} acknowledged, 0 lost; ${comeBacks} closed with 1013, ${jumps} jumps of readers`)
})

t.test('published clients behind a load balancer go on typing while a node dies', { skip: noRedis }, async (t) => {
  const { nodes, start } = await threeNodes(t)
  const { host } = await startBalancer(t, nodes)
  const clients = await Promise.all(['Ada', 'Ben', 'Eve'].map(async (name, index) =>
    new RealClient(t, `ws://${host}/documents`, 'together', { websocketSessionKey: await nodes[index]!.session(name), snapshotEvery: Infinity })))
  clients[0]!.type('.')
  await agree(...clients)
  let length = 1
  for (let kill = 0; kill < 3; kill++) {
    const typing = async (): Promise<void> => {
      for (let i = 0; i < 30; i++) {
        for (const client of clients) client.type('x')
        length += clients.length
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    const [killed] = await Promise.all([nodes[kill]!.end('SIGKILL'), typing()])
    t.equal(killed, 'SIGKILL')
    t.equal((await agree(...clients)).length, length)
    nodes[kill] = await start()
    await typing()
    t.equal((await agree(...clients)).length, length)
  }
})
