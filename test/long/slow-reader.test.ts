import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { Follower } from '../fixtures/follower.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author, RawClient } from '../fixtures/raw-client.ts'

const documentId = 'document'
const MB = 1024 * 1024
const author = new Author()

/** A server of its own, with default limits but for the size of what is written on one snapshot, and the question how many bytes of memory it uses. */
async function startMeasuredServer (t: Test) {
  const { connectionString } = await createDatabase(t)
  const file = fileURLToPath(new URL('../fixtures/limits-server.js', import.meta.url))
  const child = fork(file, { execArgv: ['--expose-gc'], env: { PATH: process.env.PATH, DATABASE_URL: connectionString } })
  t.teardown(async () => {
    child.disconnect()
    await once(child, 'exit')
  })
  const answer = async (): Promise<unknown> => (await once(child, 'message') as unknown[])[0]
  const { port } = await answer() as { port: number }
  return {
    connect (query: Record<string, string> = {}): RawClient {
      const client = new RawClient(`ws://127.0.0.1:${port}/documents/${documentId}?${new URLSearchParams({ sessionKey: 'key', ...query })}`)
      t.teardown(() => client.socket.terminate())
      return client
    },
    async memory (): Promise<number> {
      const answered = answer()
      child.send('memory')
      return (await answered as { bytes: number }).bytes
    }
  }
}

t.test('a reader that stops reading costs a bounded memory and nobody’s time, and comes back for the rest', async (t) => {
  const { connect, memory } = await startMeasuredServer(t)
  const [writer, reader, slow] = [connect(), connect(), connect()]
  for (const client of [writer, reader, slow]) await client.next('document')
  const snapshot = author.snapshot(documentId)
  const { snapshotId } = snapshot.publicData
  const follower = new Follower(documentId)
  writer.send(snapshot)
  await writer.next('snapshot-saved')
  await reader.next('snapshot')
  follower.follow(await slow.next('snapshot'))

  const content = 'x'.repeat(MB / 4)
  let clock = 0
  let latencies: number[] = []
  const write = async (): Promise<void> => {
    const update = author.update(documentId, snapshotId, clock++, content)
    const begin = performance.now()
    writer.send(update)
    await reader.next('update')
    latencies.push(performance.now() - begin)
    await writer.next('update-saved')
  }
  for (let i = 0; i < 10; i++) {
    await write()
    follower.follow(await slow.next('update'))
  }
  const before = await memory()
  const medianBefore = medianOf(latencies)
  latencies = []

  slow.socket.pause()
  let most = 0
  // 50 MB: each is a third bigger in base64.
  for (let i = 0; i < 150; i++) {
    await write()
    if (i % 25 === 24) most = Math.max(most, await memory() - before)
  }
  t.comment(`at most ${(most / MB).toFixed(1)} MB more`)
  t.comment(`latency of the other reader: ${medianBefore.toFixed(1)} ms before, ${medianOf(latencies).toFixed(1)} ms then (medians)`)
  // Twice maxBufferedBytes, of which each reader has one at the most, and what is being handled just now. All of it would be 67 MB.
  t.ok(most < 20 * MB)

  slow.socket.resume()
  // 1006: the server has cut the connection because its end was not answered in time.
  t.ok([1013, 1006].includes(await slow.closed()))
  for (const message of slow.received) follower.follow(message)
  t.ok(follower.clocks[author.publicKey]! < clock - 1, 'it has missed something')
  const document = await connect({
    mode: 'delta',
    knownSnapshotId: snapshotId,
    knownSnapshotUpdateClocks: JSON.stringify(follower.clocks)
  }).next('document')
  t.equal(document.snapshot, undefined)
  follower.follow(document)
  t.equal(follower.clocks[author.publicKey], clock - 1)
})

function medianOf (numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}
