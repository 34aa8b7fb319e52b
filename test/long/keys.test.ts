// Published clients that wait for their keys join a document in which somebody types.
//   JOINERS=200 npx tap run --disable-coverage --timeout=600 test/long/keys.test.ts
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { serializeUint8ArrayUpdates, type Snapshot, type SyncMachineConfig } from 'secsync'
import t, { type Test } from 'tap'
import * as Y from 'yjs'
import { Author, key, sodium, type RawClient } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'

const { JOINERS = 30 } = process.env

/** Milliseconds. */
const maxKeyTime = 2000
const joinEvery = 150
const typeEvery = 10
const limit = 60_000

/** Types at its speed, also on a busy machine, where a published client would send fewer messages. */
class Typist {
  length = 0
  readonly #client: RawClient
  readonly #author = new Author()
  readonly #document = new Y.Doc()
  readonly #snapshotEvery: number
  #snapshot: Snapshot | undefined
  #updates = 0

  constructor (client: RawClient, snapshotEvery: number) {
    this.#client = client
    this.#snapshotEvery = snapshotEvery
    this.#document.on('update', (update: Uint8Array) => {
      if (this.#snapshot === undefined) return
      const { publicData: { snapshotId } } = this.#snapshot
      client.send(this.#author.update('document', snapshotId, this.#updates++, serializeUint8ArrayUpdates([update], sodium)))
    })
  }

  async begin (): Promise<void> {
    await this.#client.next('document')
    await this.#sendSnapshot()
  }

  async typeUntil (isDone: () => boolean): Promise<void> {
    for (const begin = Date.now(); !isDone();) {
      await sleep(Math.max(0, begin + this.length * typeEvery - Date.now()))
      this.#document.getText('text').insert(this.length++, 'x')
      if (this.#updates === this.#snapshotEvery) await this.#sendSnapshot()
    }
    await this.#untilSaved()
  }

  async #untilSaved (): Promise<void> {
    for (let saved = 0; saved < this.#updates;) {
      const { type } = await this.#client.nextOfAny()
      if (type === 'update-saved') saved++
      else if (type !== 'ephemeral-message') throw new Error(`The typist got ${type}`)
    }
  }

  async #sendSnapshot (): Promise<void> {
    await this.#untilSaved()
    const clocks = this.#snapshot && { [this.#author.publicKey]: this.#updates - 1 }
    this.#snapshot = this.#author.snapshot('document', { parent: this.#snapshot, clocks: clocks ?? {}, content: Y.encodeStateAsUpdate(this.#document) })
    this.#updates = 0
    this.#client.send(this.#snapshot)
    while ((await this.#client.nextOfAny()).type !== 'snapshot-saved');
  }
}

/** As an application does that asks a server for the key of each snapshot, once. */
function slowKeys (time: number): NonNullable<SyncMachineConfig['getSnapshotKey']> {
  const keys = new Map<string, Promise<Uint8Array>>()
  return (snapshot) => {
    const snapshotId = snapshot?.snapshotId ?? ''
    let promise = keys.get(snapshotId)
    if (promise === undefined) {
      promise = sleep(time, key)
      keys.set(snapshotId, promise)
    }
    return promise
  }
}

/** Joins, gets some of what is typed then, and leaves. Returns what went wrong. */
async function join (t: Test, endpoint: string, time: number): Promise<string | undefined> {
  const joiner = new RealClient(t, endpoint, 'document', { snapshotEvery: Infinity, getSnapshotKey: slowKeys(time) })
  let lengthWhenLoaded: number | undefined
  const hasFollowed = (): boolean => {
    if (joiner.isSettled) lengthWhenLoaded ??= joiner.text.length
    return lengthWhenLoaded !== undefined && joiner.text.length >= lengthWhenLoaded + 20
  }
  await Promise.race([joiner.until((joiner) => hasFollowed() || joiner.status === 'failed'), sleep(limit, undefined, { ref: false })])
  const { status, errors } = joiner
  joiner.stop()
  return hasFollowed() && errors === '' ? undefined : `key after ${time} ms: ${status} ${errors}`
}

for (const [what, snapshotEvery] of [['updates', Infinity], ['updates and snapshots', 150]] as const) {
  t.test(`clients that wait for their keys join a document with 100 messages a second, ${what}`, { timeout: 600_000 }, async (t) => {
    const { endpoint, connect } = await startServer(t)
    const typist = new Typist(connect('document'), snapshotEvery)
    await typist.begin()
    const begin = Date.now()
    let isDone = false
    const typing = typist.typeUntil(() => isDone)
    const joining: Array<Promise<string | undefined>> = []
    for (let i = 0; i < Number(JOINERS); i++) {
      joining.push(join(t, endpoint, i % 5 === 0 ? randomInt(50) : randomInt(maxKeyTime)))
      await sleep(joinEvery)
    }
    const faults = (await Promise.all(joining)).filter((fault) => fault !== undefined)
    isDone = true
    await typing
    t.comment(`${JOINERS} joined, ${Math.round(typist.length / (Date.now() - begin) * 1000)} messages a second`)
    t.strictSame(faults, [])
    t.equal((await agree(new RealClient(t, endpoint, 'document'))).length, typist.length)
  })
}
