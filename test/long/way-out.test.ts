import t from 'tap'
import { ControlledAdapter } from '../fixtures/controlled-adapter.ts'
import { createDatabase, type Lifetime } from '../fixtures/postgres.ts'
import { startProxy } from '../fixtures/proxy.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'

// A client that gets out without a reload is in one of these all the time; `failed` and `noAccess` are for good.
const alive = ['connecting', 'connected', 'disconnected']

type Test = Lifetime & { fail (message: string): unknown }

/** A client that fails its test as soon as it is in a state that only a reload ends. */
function startClient (t: Test, ...args: [endpoint: string, documentId: string, options?: object]): RealClient {
  const client = new RealClient(t, ...args)
  void client.until(({ status }) => !alive.includes(status)).then(() => t.fail(`a client is in the state ${client.status}`))
  return client
}

let documents = 0
const { endpoint } = await startServer(t)

/** A document with a snapshot, and two clients: one behind a proxy, one not. Neither makes another snapshot by itself. */
async function twoClients (t: Test, options: { snapshotEvery?: number } = {}) {
  const documentId = `document ${documents++}`
  const proxy = await startProxy(t, endpoint)
  const b = startClient(t, endpoint, documentId, { snapshotEvery: Infinity, ...options })
  b.type('.')
  await agree(b)
  const a = startClient(t, proxy.endpoint, documentId, { snapshotEvery: Infinity })
  await agree(a, b)
  return { a, b, proxy, documentId }
}

/** Ends the line of a client, and resolves when that has noticed. */
async function cut (client: RealClient, proxy: { cut (): void }): Promise<void> {
  proxy.cut()
  await client.until(({ status }) => status !== 'connected')
}

t.test('an acknowledgement is lost, and the client sends the same change again', async (t) => {
  const { a, b, proxy } = await twoClients(t)
  proxy.toClient.hold()
  a.type('saved,')
  await b.until(({ text }) => text.toString() === '.saved,')
  a.type('typed later,')
  await cut(a, proxy)
  a.type('typed offline.')
  t.equal(await agree(a, b), '.saved,typed later,typed offline.')
})

t.test('a client that comes back begins at clock 0 again, re-encrypted, while it goes on typing', async (t) => {
  const { a, b, proxy } = await twoClients(t)
  a.type('a')
  await agree(a, b)
  await cut(a, proxy)
  a.type('b')
  await a.until(({ state }) => state.context._updatesInFlight.length > 0)
  // Behind clock 0, which is taken, clock 1 is the next in order; but the client takes both back when 0 is refused.
  a.type('c')
  await a.until(({ state }) => state.context._updatesInFlight.length > 1)
  a.type('d')
  t.equal(await agree(a, b), '.abcd')
})

/** Two clients: an update of the first is on its way, and the snapshot that it is on has been replaced by the second. */
async function withReplacedSnapshot (t: Test) {
  const clients = await twoClients(t, { snapshotEvery: 0 })
  const { a, b, proxy } = clients
  proxy.toServer.hold()
  a.type('a')
  await a.until(({ state }) => state.context._updatesInFlight.length === 1)
  b.type('b')
  await a.until(({ state }) => state.context._snapshotInfosWithUpdateClocks.length === 2)
  return clients
}

t.test('an update on a replaced snapshot', async (t) => {
  const { a, b, proxy } = await withReplacedSnapshot(t)
  proxy.toServer.release()
  t.same([...await agree(a, b)].sort(), ['.', 'a', 'b'])
})

t.test('an update on a replaced snapshot, and the next one is sent before that is known', async (t) => {
  const { a, b, proxy } = await withReplacedSnapshot(t)
  a.type('c')
  await a.until(({ state }) => state.context._updatesInFlight.length !== 1)
  const failed = proxy.toClient.holdAfter('update-save-failed')
  proxy.toServer.release()
  // It takes both back and sends them as one, under the clock that `c` had. An acknowledgement of `c` would be taken for that of both.
  await failed
  await a.until(({ state }) => state.context._updatesInFlight.length === 1)
  proxy.toClient.release()
  t.same([...await agree(a, b)].sort(), ['.', 'a', 'b', 'c'])
})

t.test('a snapshot that missed a relayed update', async (t) => {
  const { b: observer, proxy, documentId } = await twoClients(t)
  const a = startClient(t, proxy.endpoint, documentId, { snapshotEvery: 0 })
  await agree(a, observer)
  proxy.toServer.hold()
  a.type('a')
  await a.until(({ state }) => state.context._snapshotInFlight !== null)
  observer.type('b')
  await a.until(({ text }) => text.length === 3)
  proxy.toServer.release()
  t.same([...await agree(a, observer)].sort(), ['.', 'a', 'b'])
})

t.test('a snapshot that was saved is in flight when the connection is cut', async (t) => {
  const { b, proxy, documentId } = await twoClients(t)
  const a = startClient(t, proxy.endpoint, documentId, { snapshotEvery: 0 })
  await agree(a, b)
  proxy.toClient.hold()
  a.type('a')
  await b.until(({ text }) => text.length === 2)
  await cut(a, proxy)
  b.type('b')
  t.equal(await agree(a, b), '.ab')
})

// The client does not send again by itself what was in its snapshot: it is in the next one.
t.test('a snapshot that was not saved is in flight when the connection is cut', async (t) => {
  const { b, proxy, documentId } = await twoClients(t)
  const a = startClient(t, proxy.endpoint, documentId, { snapshotEvery: 0 })
  await agree(a, b)
  proxy.toServer.hold()
  a.type('a')
  await a.until(({ state }) => state.context._snapshotInFlight !== null)
  await cut(a, proxy)
  a.type('b')
  t.equal(await agree(a, b), '.ab')
})

t.test('several tabs type fast while another makes snapshots', async (t) => {
  const proxy = await startProxy(t, endpoint)
  proxy.delay = 5
  const maker = startClient(t, proxy.endpoint, 'tabs', { snapshotEvery: 5 })
  maker.type('.')
  await agree(maker)
  const typists = [1, 2, 3].map(() => startClient(t, proxy.endpoint, 'tabs', { snapshotEvery: Infinity }))
  const all = [maker, ...typists]
  await agree(...all)
  for (let round = 1; round <= 20; round++) {
    for (const client of all) client.type('x')
    // As fast as the slowest takes it in.
    await maker.until(({ text }) => text.length > round * 3)
  }
  t.equal((await agree(...all)).length, 81)
})

for (const [what, snapshotEvery] of [['updates', Infinity], ['snapshots', 0]] as const) {
  t.test(`a database that fails to save ${what} five times and recovers, while the user goes on typing`, async (t) => {
    const adapter = new ControlledAdapter((await createDatabase(t)).connectionString)
    const { endpoint } = await startServer(t, { adapter })
    const b = startClient(t, endpoint, 'document', { snapshotEvery: Infinity })
    b.type('.')
    await agree(b)
    const a = startClient(t, endpoint, 'document', { snapshotEvery })
    await agree(a, b)
    let failures = 0
    let typed = '.'
    adapter.fails = (kind) => {
      if (kind === 'read' || failures === 5) return false
      failures++
      a.type('a')
      typed += 'a'
      return true
    }
    a.type('a')
    typed += 'a'
    await b.until(({ text }) => text.length > 1)
    a.type('!')
    t.equal(await agree(a, b), `${typed}!`)
    t.equal(failures, 5)
  })
}

t.test('a database that is away until a client has given up five snapshots, come back and been sent away again', async (t) => {
  const adapter = new ControlledAdapter((await createDatabase(t)).connectionString)
  const { app, endpoint } = await startServer(t, { adapter })
  const b = startClient(t, endpoint, 'document', { snapshotEvery: Infinity })
  b.type('.')
  await agree(b)
  const a = startClient(t, endpoint, 'document', { snapshotEvery: 0 })
  await agree(a, b)
  adapter.fails = () => true
  const sentAway = new Promise<number | undefined>((resolve) => app.secsync.addHook('onClose', ({ code }) => { if (code === 1011) resolve(code) }))
  a.type('a')
  t.equal(await sentAway, 1011)
  a.type('b')
  adapter.fails = () => false
  a.type('c')
  t.equal(await agree(a, b), '.abc')
})
