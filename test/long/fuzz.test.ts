import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import * as secsync from 'secsync'
import t from 'tap'
import * as Y from 'yjs'
import type { Snapshot, Update } from '../../lib/index.ts'
import { Follower } from '../fixtures/follower.ts'
import { mutateObject, mutateText, Random } from '../fixtures/mutate.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author, key, RawClient, sodium } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20261123)
const count = Number(process.env.FUZZ_COUNT ?? 30_000)
/** After so many it is looked what became of them. */
const batch = 100

// An update that changes nothing.
const changes = secsync.serializeUint8ArrayUpdates([Y.encodeStateAsUpdate(new Y.Doc())], sodium)

t.setTimeout(600_000)

t.test(`${count} mutated messages, seed ${seed}: the server and two good clients survive, and nothing invalid is stored or relayed`, async (t) => {
  const random = new Random(seed)
  const documentId = 'fuzzed'
  const { connectionString } = await createDatabase(t)
  const child = fork(fileURLToPath(new URL('../fixtures/fuzz-server.js', import.meta.url)), {
    execArgv: ['--expose-gc'], env: { PATH: process.env.PATH, DATABASE_URL: connectionString }
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    if (child.connected) child.disconnect()
    await exited
  })
  const [{ port }] = await once(child, 'message') as [{ port: number }]
  const endpoint = `ws://127.0.0.1:${port}/documents`
  const connect = () => new RawClient(`${endpoint}/${documentId}?sessionKey=key`)
  const heap = async () => {
    child.send('measure')
    const [{ heap }] = await once(child, 'message') as [{ heap: number }]
    return heap
  }

  // Good ones: two real clients, and one that looks at everything with the functions of the published client.
  const alice = new RealClient(t, endpoint, documentId)
  const bob = new RealClient(t, endpoint, documentId)
  let typed = 0
  const type = () => {
    random.of([alice, bob]).type('a')
    typed++
  }
  type()
  await agree(alice, bob)
  const follower = new Follower(documentId)
  const yDoc = new Y.Doc()
  follower.onSnapshot = (content) => Y.applyUpdate(yDoc, content)
  follower.onUpdate = (content) => {
    for (const update of secsync.deserializeUint8ArrayUpdates(sodium.to_string(content), sodium)) Y.applyUpdate(yDoc, update)
  }
  const witness = connect()

  const mallory = new Author()
  const hostile = connect()
  const answers: Record<string, number> = {}
  const other = mallory.snapshot('another document')

  /** Until both have got a message that was sent after all others. */
  const synchronize = async () => {
    const { signature } = sendEphemeralMessage(hostile)
    for (let heard = ''; heard !== signature;) {
      const message = await witness.nextOfAny()
      follower.follow(message)
      if (message.type === 'ephemeral-message') heard = message.signature
    }
    for (const { type } of hostile.received.splice(0)) answers[type] = (answers[type] ?? 0) + 1
  }
  const sendEphemeralMessage = (client: RawClient) => {
    const message = mallory.ephemeralMessage(documentId)
    client.send(message)
    return message
  }

  const state = () => Y.encodeStateAsUpdate(yDoc)
  /** Good messages for the moment: the hostile author knows the key. */
  const goodMessages = () => {
    const { snapshotId } = follower.snapshot!.publicData
    const clock = (follower.clocks[mallory.publicKey] ?? -1) + 1
    return [
      mallory.update(documentId, snapshotId, clock, changes),
      mallory.update(documentId, snapshotId, clock + 1, changes),
      mallory.snapshot(documentId, { parent: follower.snapshot, clocks: follower.clocks, content: state() }),
      mallory.ephemeralMessage(documentId)
    ]
  }
  /** With a good signature, whatever is signed. */
  const sign = (message: ReturnType<typeof goodMessages>[number], lenders: object[]): object => {
    const publicData = mutateObject(random, message.publicData, lenders) as Update['publicData'] & Snapshot['publicData']
    const { keyPair } = mallory
    try {
      if ('snapshotId' in message.publicData) {
        const { ciphertext, publicData: { parentSnapshotProof } } = random.is(0.9) ? follower.snapshot! : other
        return secsync.createSnapshot(state(), publicData, key, keyPair, secsync.hash(ciphertext, sodium), parentSnapshotProof, sodium)
      }
      if ('clock' in message.publicData) return secsync.createUpdate(changes, publicData, key, keyPair, publicData.clock, sodium)
      return secsync.createEphemeralMessage(sodium.randombytes_buf(10), 'message', publicData, key, keyPair, secsync.generateId(sodium), 1, sodium)
    } catch {
      // What canonical JSON cannot express cannot be signed.
      return { ...message, publicData }
    }
  }
  const mutated = (good: ReturnType<typeof goodMessages>, lenders: object[]): string | Buffer => {
    const message = random.of(good)
    if (random.is(0.01)) return JSON.stringify(message)
    if (random.is(0.2)) return JSON.stringify(sign(message, lenders))
    if (random.is(0.5)) return JSON.stringify(mutateObject(random, message, lenders))
    const text = mutateText(random, JSON.stringify(message))
    return random.is(0.05) ? Buffer.from(text) : text
  }

  follower.follow(await witness.next('document'))
  await hostile.next('document')
  let before = 0
  for (let sent = 0; sent < count; sent += batch) {
    const good = goodMessages()
    const lenders = [...good, other, follower.snapshot!]
    for (let i = 0; i < batch; i++) hostile.send(mutated(good, lenders))
    if (random.is(0.2)) type()
    await synchronize()
    if (sent === Math.floor(count / 5 / batch) * batch) {
      await agree(alice, bob)
      before = await heap()
    }
  }
  await agree(alice, bob)
  await synchronize()
  const growth = await heap() - before
  t.comment(`answers: ${JSON.stringify(answers)}; the heap grew by ${(growth / 1024).toFixed()} KB, from ${(before / 1024).toFixed()}`)
  t.ok(growth < before / 10, 'the heap does not grow')
  t.strictSame([child.exitCode, hostile.closeCode, witness.closeCode], [null, undefined, undefined])
  t.strictSame([alice.status, bob.status], ['connected', 'connected'])
  for (const type of ['update-saved', 'snapshot-saved', 'update-save-failed', 'snapshot-save-failed']) t.ok(answers[type], type)

  // All that is stored, from the beginning.
  const pool = new pg.Pool({ connectionString })
  t.teardown(async () => { await pool.end() })
  const rows = async <T>(sql: string) => (await pool.query<{ data: string }>(sql)).rows.map(({ data }) => JSON.parse(data) as T)
  const stored = new Follower(documentId)
  for (const snapshot of await rows<Snapshot>('SELECT data FROM secsync_snapshot ORDER BY version')) {
    stored.followSnapshot(snapshot)
    const { snapshotId } = snapshot.publicData
    for (const update of await rows<Update>(`SELECT data FROM secsync_update WHERE snapshot_id = '${snapshotId}' ORDER BY version`)) stored.followUpdate(update)
  }
  t.strictSame(stored.snapshot, follower.snapshot)
  t.strictSame(stored.clocks, follower.clocks)
  const late = new RealClient(t, endpoint, documentId)
  t.equal((await agree(alice, bob, late)).length, typed)
})
