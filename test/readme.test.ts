import { once } from 'node:events'
import t from 'tap'
import ts from 'typescript'
import { WebSocket } from 'ws'
import { startChild } from './fixtures/child.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { usageOfReadme } from './fixtures/readme.ts'

t.test('the usage in the README runs as it stands there, on an empty database', async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const { outputText } = ts.transpileModule(await usageOfReadme(), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  })
  // Inside the repository, where `fastify-secsync` is the package that was built.
  const directory = t.testdir({ 'usage.mjs': outputText })
  const url = await startChild(t, 'usage.mjs', /http:\/\/127\.0\.0\.1:\d+/, { directory, env: { DATABASE_URL: connectionString, PORT: '0' } })

  const client = new RawClient(`${url.replace('http', 'ws')}/documents/welcome?sessionKey=a-session-key`)
  t.teardown(() => client.socket.terminate())
  await client.next('document')
  client.send(new Author().snapshot('welcome'))
  await client.next('snapshot-saved')

  const stranger = new WebSocket(`${url.replace('http', 'ws')}/documents/welcome?sessionKey=none`)
  const [, response] = await once(stranger, 'unexpected-response')
  t.equal(response.statusCode, 401)
  const elsewhere = new RawClient(`${url.replace('http', 'ws')}/documents/secret?sessionKey=a-session-key`)
  t.equal(await elsewhere.closed(), 4401)
})
