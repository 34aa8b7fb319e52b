import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Author, RawClient } from '../fixtures/raw-client.ts'

t.setTimeout(600_000)

interface Measured {
  stats: { documents: number, connections: number }
  /** By kind: timers, sockets, … */
  resources: Record<string, number>
  /** Of the server and the process, by event. */
  listeners: Array<Record<string, number>>
  heap: number
}

const documentsPerBatch = 125
const warmUp = 4
const batches = 40

const author = new Author()
let documents = 0
let connections = 0
const ends: Record<string, number> = {}

const file = fileURLToPath(new URL('../fixtures/leaks-server.js', import.meta.url))
const child = fork(file, { execArgv: ['--expose-gc'], env: { PATH: process.env.PATH }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
const exited = once(child, 'exit')
t.teardown(async () => {
  child.kill()
  await exited
})
const [{ port }] = await once(child, 'message') as [{ port: number }]

async function ask (question: 'forget' | 'measure'): Promise<Measured> {
  const answered = once(child, 'message')
  child.send(question)
  const [answer] = await answered as [Measured]
  return answer
}

function connect (documentId: string, sessionKey = 'key'): RawClient {
  connections++
  return new RawClient(`ws://127.0.0.1:${port}/documents/${documentId}?sessionKey=${sessionKey}`)
}

async function ended (client: RawClient): Promise<void> {
  const code = await client.closed()
  ends[code] = (ends[code] ?? 0) + 1
}

async function cut (client: RawClient): Promise<void> {
  client.socket.terminate()
  await ended(client)
}

/** A document with four connections, of which one writes; how each of them ends depends on the number. */
async function use (number: number, isFirst: boolean): Promise<void> {
  const id = number % 25 === 3 ? `failing-${number}` : number % 25 === 4 ? `missing-${number}` : `document-${number}`
  const canOpen = id.startsWith('document')
  const writer = connect(id)
  const reader = connect(id)
  const leaver = connect(id)
  // Whose access is not known is closed after a while: some are enough.
  const sessionKey = number % 5 === 0 ? 'denied' : isFirst && number % 25 === 1 ? 'unknown' : 'key'
  const visitor = connect(id, sessionKey)

  // One goes before its document is sent, the other right after.
  const leaving = once(leaver.socket, 'open').then(async () => await cut(leaver))
  const visiting = (async () => {
    if (canOpen && sessionKey === 'key') {
      await visitor.next('document')
      await visitor.close()
    }
    await ended(visitor)
  })()
  if (!canOpen) {
    await Promise.all([leaving, visiting, ended(writer), ended(reader)])
    return
  }
  await Promise.all([writer.next('document'), reader.next('document')])
  const snapshot = author.snapshot(id)
  writer.send(snapshot)
  await writer.next('snapshot-saved')
  await reader.next('snapshot')
  writer.send(author.update(id, snapshot.publicData.snapshotId, 0))
  if (number % 3 === 0) {
    // Handed to the kernel, so that the server gets it; its answer meets a socket that is gone.
    reader.send(author.ephemeralMessage(id))
    await new Promise((resolve) => writer.socket.ping(undefined, undefined, resolve))
    await cut(writer)
  } else {
    await writer.next('update-saved')
    await reader.next('update')
    await writer.close()
    await ended(writer)
  }
  if (number % 7 === 0) {
    await cut(reader)
  } else {
    await reader.close()
    await ended(reader)
  }
  await Promise.all([leaving, visiting])
}

async function run (count: number): Promise<Measured> {
  for (let batch = 0; batch < count; batch++) {
    const first = documents
    documents += documentsPerBatch
    await Promise.all(Array.from({ length: documentsPerBatch }, async (_, index) => await use(first + index, batch === 0)))
    await ask('forget')
  }
  return await ask('measure')
}

t.test('after 20,000 connections and 5,000 documents nothing is left of them', async (t) => {
  const before = await run(warmUp)
  const { documents: documentsBefore, connections: connectionsBefore } = { documents, connections }
  const after = await run(batches)
  documents -= documentsBefore
  connections -= connectionsBefore

  const growth = after.heap / before.heap - 1
  t.comment(`${connections} connections, ${documents} documents; ends: ${JSON.stringify(ends)}`)
  t.comment(`heap: ${mebibytes(before.heap)} after ${connectionsBefore} connections, ${mebibytes(after.heap)} in the end (${(growth * 100).toFixed(1)} %)`)
  t.comment(`resources: ${JSON.stringify(after.resources)}; listeners of the server: ${JSON.stringify(after.listeners[0])}`)
  t.strictSame({ connections, documents }, { connections: 20_000, documents: 5000 })
  t.strictSame(after.stats, { documents: 0, connections: 0 })
  t.strictSame(after.resources, before.resources)
  t.strictSame(after.listeners, before.listeners)
  t.ok(growth < 0.1, 'the heap is within 10 % of what it was')

  child.send('close')
  t.strictSame(await exited, [0, null], 'nothing holds the process up')
})

function mebibytes (bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`
}
