// What people write with the client is never lost: lines that are cut or die, at any point of a snapshot, and nodes that are killed.
//
//   RUNS=100 npx tap run --disable-coverage --timeout=3600 test/long/client.test.ts
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import * as Y from 'yjs'
import { memoryStorage, type SecsyncDocument } from '../../lib/client/index.ts'
import { yjs } from '../../lib/client/yjs.ts'
import { openDocumentWith, untilState } from '../fixtures/client.ts'
import type { Lifetime } from '../fixtures/postgres.ts'
import { startProxy, type Proxy } from '../fixtures/proxy.ts'
import { startServer } from '../fixtures/server.ts'

const runs = Number(process.env.RUNS ?? 3)
t.setTimeout(600_000 + runs * 60_000)

/** Somebody who writes words, each of them once, on a line that others disturb. */
class Person {
  readonly yDoc = new Y.Doc()
  readonly text = this.yDoc.getText('text')
  readonly document: SecsyncDocument
  readonly proxy: Proxy
  readonly words: string[] = []

  constructor (t: Lifetime, proxy: Proxy, documentId: string) {
    this.proxy = proxy
    this.document = openDocumentWith(t, proxy.endpoint, documentId, { crdt: yjs(this.yDoc), updatesPerSnapshot: 10, storage: memoryStorage() })
  }

  write (word: string): void {
    this.words.push(word)
    this.text.insert(Math.floor(Math.random() * this.text.length / 8) * 8, word.padEnd(8))
  }
}

async function people (t: Lifetime, endpoint: string, documentId: string, count: number): Promise<Person[]> {
  return await Promise.all(Array.from({ length: count }, async () => new Person(t, await startProxy(t, endpoint), documentId)))
}

/** The words that somebody has written and somebody has not got, when nobody has anything pending. */
async function missing (people: readonly Person[]): Promise<string[]> {
  for (let isSame = false; !isSame;) {
    await Promise.all(people.map(({ document }) => document.whenSaved()))
    await Promise.all(people.map(({ document }) => untilState(document, ({ connection, pending }) => connection.status === 'live' && pending === 0)))
    const states = people.map(({ yDoc }) => JSON.stringify([...Y.decodeStateVector(Y.encodeStateVector(yDoc))].sort(([a], [b]) => a - b)))
    isSame = states.every((state) => state === states[0])
    if (!isSame) await Promise.race([setTimeout(1000), ...people.map(({ yDoc }) => new Promise((resolve) => yDoc.once('update', resolve)))])
  }
  const written = people.flatMap(({ words }) => words)
  return written.filter((word) => people.some(({ text }) => !text.toString().includes(word.padEnd(8))))
}

t.test('four people write while their lines are cut: nobody lacks a word', async (t) => {
  const { endpoint } = await startServer(t)
  for (let run = 0; run < runs; run++) {
    const four = await people(t, endpoint, `run-${run}`, 4)
    await Promise.all(four.map(async (person, index) => {
      for (let i = 0; i < 60; i++) {
        person.write(`${index}-${i}`)
        await setTimeout(Math.random() * 60)
        if (Math.random() < 0.1) person.proxy.cut()
        else if (Math.random() < 0.1) person.proxy.delay = Math.random() * 80
      }
    }))
    for (const { proxy } of four) proxy.delay = 0
    t.strictSame(await missing(four), [], `run ${run}`)
    await Promise.all(four.map(({ document }) => document.destroy()))
  }
})

t.test('a line is cut at every point of a snapshot: nobody lacks a word', async (t) => {
  const { endpoint } = await startServer(t)
  const points: Array<[name: string, at: (proxy: Proxy, snapshot: () => Promise<void>) => Promise<unknown>]> = [
    ['before it is sent', async (proxy, snapshot) => { proxy.cut(); void snapshot() }],
    ['while it is made', async (proxy, snapshot) => { void snapshot(); await Promise.resolve(); proxy.cut() }],
    ['on its way', async (proxy, snapshot) => { proxy.toServer.hold(); void snapshot(); await setTimeout(150); proxy.toServer.drop() }],
    ['after it is saved', async (proxy, snapshot) => { proxy.toClient.hold(); void snapshot(); await setTimeout(300); proxy.toClient.drop() }],
    ['after it is acknowledged', async (proxy, snapshot) => { await Promise.all([proxy.toClient.holdAfter('snapshot-saved'), snapshot()]); proxy.toClient.drop() }]
  ]
  for (const [name, at] of points) {
    const [writer, other] = await people(t, endpoint, name.replaceAll(' ', '-'), 2) as [Person, Person]
    writer.write('first')
    await missing([writer, other])
    const snapshot = () => writer.document.createSnapshot().catch(() => {})
    await at(writer.proxy, async () => {
      writer.write('before')
      const made = snapshot()
      writer.write('behind')
      await made
    })
    other.write('other')
    writer.proxy.cut()
    t.strictSame(await missing([writer, other]), [], name)
    await Promise.all([writer.document.destroy(), other.document.destroy()])
  }
})
