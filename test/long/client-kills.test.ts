// Somebody types a text of thousands of edits while the server is killed again and again: everybody has exactly that text in the end.
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import * as Y from 'yjs'
import { yjs } from '../../lib/client/yjs.ts'
import { memoryStorage, type SecsyncDocument } from '../../lib/client/index.ts'
import { startBalancer } from '../fixtures/balancer.ts'
import { openDocumentWith } from '../fixtures/client.ts'
import { applied, editingTrace } from '../fixtures/editing.ts'
import { startExampleApp } from '../fixtures/example-app.ts'
import { startServer } from '../fixtures/postgres.ts'

const edits = Number(process.env.EDITS ?? 20_000)
const kills = Number(process.env.KILLS ?? 6)
t.setTimeout(600_000)

t.test(`${edits} edits, ${kills} kills: the exact text`, async (t) => {
  const database = await startServer(t)
  const { connectionString } = await database.createDatabase({ migrated: false })
  const start = () => startExampleApp(t, { DATABASE_URL: connectionString, LOG_LEVEL: 'info' })
  const nodes = [await start()]
  const { host } = await startBalancer(t, nodes)
  const sessionKey = await nodes[0]!.session('Ada')
  const open = (yDoc: Y.Doc): SecsyncDocument =>
    openDocumentWith(t, `ws://${host}/documents`, 'trace', { crdt: yjs(yDoc), sessionKey, storage: memoryStorage() })

  const [author, reader] = [new Y.Doc(), new Y.Doc()]
  const [writing, reading] = [open(author), open(reader)]
  const trace = await editingTrace(edits)
  const writer = { isDone: false }
  const killing = (async () => {
    for (let kill = 0; kill < kills && !writer.isDone; kill++) {
      await setTimeout(800)
      t.equal(await nodes[0]!.end('SIGKILL'), 'SIGKILL')
      nodes[0] = await start()
    }
  })()
  const text = author.getText('text')
  for (const [index, [position, deleted, inserted]] of trace.entries()) {
    author.transact(() => {
      if (deleted > 0) text.delete(position, deleted)
      if (inserted !== '') text.insert(position, inserted)
    })
    if (index % Math.ceil(edits / 1000) === 0) await setTimeout(kills * 1.5)
  }
  writer.isDone = true
  await killing
  await writing.whenSaved()
  const expected = applied(trace)
  t.equal(text.toString(), expected, 'of the author')

  const late = new Y.Doc()
  await open(late).whenLoaded()
  t.equal(late.getText('text').toString(), expected, 'of somebody who comes late')
  while (reader.getText('text').toString() !== expected) await new Promise((resolve) => reader.once('update', resolve))
  await reading.whenSaved()
})
