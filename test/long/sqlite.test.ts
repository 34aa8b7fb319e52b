// The process that has a file of SQLite is killed again and again while it is written.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import t, { type Test } from 'tap'
import { nothingLost, verdictOf, WrittenDocument, type StoredRow } from '../fixtures/pipelining-writer.ts'

t.setTimeout(590_000)

const rounds = 10
const server = fileURLToPath(new URL('../fixtures/sqlite-server.js', import.meta.url))

interface Started {
  child: ChildProcess
  endpoint: string
}

async function start (t: Test, file: string): Promise<Started> {
  const child = spawn(process.execPath, [server], { env: { ...process.env, DATABASE_FILE: file }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  for await (const line of createInterface(child.stdout)) {
    const [, port] = /^ready on (\d+)$/.exec(line) ?? []
    if (port !== undefined) return { child, endpoint: `ws://127.0.0.1:${port}/documents` }
  }
  throw new Error('The server has ended')
}

/** All that the file has of a document, in its order. */
async function rowsOf (file: string, documentId: string): Promise<StoredRow[]> {
  const connection = await new PrismaLibSql({ url: `file:${file}` }).connect()
  const { rows } = await connection.queryRaw({
    sql: `SELECT data, version FROM secsync_snapshot WHERE document_id = ?1
      UNION ALL SELECT data, version FROM secsync_update WHERE document_id = ?1 ORDER BY version`,
    args: [documentId],
    argTypes: [{ scalarType: 'string', arity: 'scalar' }]
  })
  await connection.dispose()
  return rows.map(([data, version]) => ({ data: String(data), version: Number(version) }))
}

t.test(`what was acknowledged before a SIGKILL is in the file afterwards, byte for byte, in ${rounds} rounds`, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'fastify-secsync-test-sqlite-'))
  t.teardown(async () => await rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'documents.db')
  const documents = ['first', 'second'].map((id) => new WrittenDocument(id, 2))
  t.teardown(() => documents.forEach(({ writers }) => writers.forEach((writer) => writer.stop())))
  let inFlight = 0
  for (let round = 1; round <= rounds; round++) {
    const { child, endpoint } = await start(t, file)
    const exited = once(child, 'exit')
    for (const { writers } of documents) for (const writer of writers) writer.connect(endpoint, 'key')
    // Each time at another moment of the writing.
    await Promise.all(documents.map((document) => document.goesOn(5 + 3 * round)))
    child.kill('SIGKILL')
    const lastInFlight = documents.flatMap(({ writers }) => writers).reduce((sum, writer) => sum + writer.inFlight, 0)
    t.not(lastInFlight, 0, `kill ${round} comes while messages are in flight`)
    inFlight += lastInFlight
    await exited
    for (const document of documents) {
      await document.until(({ writers }) => writers.every(({ closeCode }) => closeCode !== undefined))
      const { unacknowledged: _, ...verdict } = verdictOf(await rowsOf(file, document.id), document)
      t.strictSame(verdict, nothingLost, `kill ${round}: of the ${document.acknowledged.size} messages of ${document.id} nothing is lost`)
    }
  }
  const acknowledged = documents.reduce((sum, document) => sum + document.acknowledged.size, 0)
  t.comment(`${rounds} kills with ${inFlight} messages in flight, ${acknowledged} messages acknowledged, none lost`)
})
