// The examples of the documentation run as they stand there, with the published client.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { z } from 'zod'
import { startChild } from './fixtures/child.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { key, RawClient } from './fixtures/raw-client.ts'
import { examplesOf } from './fixtures/readme.ts'
import { agree, RealClient } from './fixtures/real-client.ts'

/** Runs a program inside the repository, where `fastify-secsync` is the package that was built; resolves with where its documents are. */
async function run (t: Test, program: string, env: Record<string, string> = {}): Promise<string> {
  const { outputText } = ts.transpileModule(program, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
  const directory = t.testdir({ 'program.mjs': outputText })
  const url = await startChild(t, 'program.mjs', /http:\/\/127\.0\.0\.1:\d+/, { directory, env: { PORT: '0', ...env } })
  return `${url.replace('http', 'ws')}/documents`
}

t.test('the usage in the README, on an empty database', async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const [server, client = ''] = await examplesOf('README.md', 'Usage')
  // Two documents: each kind of client has a key of its own.
  const endpoint = await run(t, server.replace("['welcome']", "['welcome', 'of-our-client']"), { DATABASE_URL: connectionString })
  const clients = [1, 2].map(() => new RealClient(t, endpoint, 'welcome', { websocketSessionKey: 'a-session-key' }))
  for (const client of clients) client.type('text')
  t.equal(await agree(...clients), 'texttext')

  const stranger = new WebSocket(`${endpoint}/welcome?sessionKey=none`)
  const [, response] = await once(stranger, 'unexpected-response')
  t.equal(response.statusCode, 401)
  const elsewhere = new RawClient(`${endpoint}/secret?sessionKey=a-session-key`)
  t.equal(await elsewhere.closed(), 4401)

  await t.test('a page, and a second tab with its link', async (t) => {
    // What a page has and Node.js 20 has not.
    const program = `import { WebSocket } from 'ws'
      globalThis.WebSocket = WebSocket
      let hash = process.env.LINK ?? ''
      globalThis.location = { get hash () { return hash }, set hash (text) { hash = '#' + text } }
      ${client.replace('ws://localhost:3000/documents', endpoint).replace('welcome', 'of-our-client')}
      console.log(document.getState().connection.status, yDoc.getText('text').toString(), location.hash)`
    const { outputText } = ts.transpileModule(program, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
    const directory = t.testdir({ 'client.mjs': outputText })
    const [, link = ''] = (await startChild(t, 'client.mjs', /live Hello #.*/, { directory, env: {} })).split('live Hello ')
    t.equal(link.split('-').length, 32)
    await startChild(t, 'client.mjs', /live HelloHello #/, { directory, env: { LINK: link } })
  })
})

t.test('the store that the documentation of the callbacks makes', async (t) => {
  const [program] = await examplesOf('docs/stores.md', 'A complete store, in memory')
  const endpoint = await run(t, program)
  const [a, b] = [1, 2].map(() => new RealClient(t, endpoint, 'document', { snapshotEvery: 7 })) as [RealClient, RealClient]
  for (let i = 0; i < 40; i++) {
    a.type('a', 0)
    b.type('b')
    if (i % 10 === 0) await new Promise(setImmediate)
  }
  t.equal((await agree(a, b)).length, 80)

  // It comes back with a snapshot that others have followed: the proof chain leads from it to the active one.
  a.disconnect()
  const before = b.state.context._snapshotInfosWithUpdateClocks.at(-1)?.snapshotId
  for (let i = 0; i < 30; i++) {
    b.type('b')
    await agree(b)
  }
  t.not(b.state.context._snapshotInfosWithUpdateClocks.at(-1)?.snapshotId, before)
  a.type('a')
  a.connect()
  t.equal((await agree(a, b, new RealClient(t, endpoint, 'document'))).length, 111)
})

const preamble = `
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import { Type } from '@sinclair/typebox'
const app = Fastify({ logger: true })
const hasAccess = () => true
const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL })
`
const listen = "await app.listen({ port: 0, host: '127.0.0.1' })"

t.test('a callback that wraps the default', async (t) => {
  const { connectionString } = await createDatabase(t)
  const [wrap] = await examplesOf('docs/callbacks.md', 'Extend the Prisma store')
  const program = `${preamble}const notifyMembers = async (id) => { app.log.info({ notified: id }) }
    ${wrap.replace('adapter,\n', "adapter,\n  prefix: '/documents',\n")}${listen}`
  const endpoint = await run(t, program, { DATABASE_URL: connectionString })
  const clients = [1, 2].map(() => new RealClient(t, endpoint, 'document', { snapshotEvery: 3 }))
  for (const client of clients) for (let i = 0; i < 10; i++) client.type('x')
  t.equal((await agree(...clients)).length, 20)
})

t.test('a hook that asks for a new snapshot', async (t) => {
  const { connectionString } = await createDatabase(t)
  const [hook] = await examplesOf('docs/hooks.md', 'Hooks')
  const program = `${preamble}import secsync from 'fastify-secsync'
    let updates = 0
    const keyIsOld = async () => ++updates % 5 === 0
    await app.register(secsync, { prefix: '/documents', adapter, hasAccess })
    ${hook}${listen}`
  const endpoint = await run(t, program, { DATABASE_URL: connectionString })
  const clients = [1, 2].map(() => new RealClient(t, endpoint, 'document'))
  for (const client of clients) for (let i = 0; i < 10; i++) client.type('x')
  t.equal((await agree(...clients)).length, 20)
})

t.test('additional public data', async (t) => {
  const { connectionString } = await createDatabase(t)
  const [, schemas] = /`(\{ snapshot: Type\.Object\([^`]+)`/.exec(await readFile('docs/options.md', 'utf8')) ?? []
  t.ok(schemas)
  const endpoint = await run(t, `${preamble}import secsync from 'fastify-secsync'
    await app.register(secsync, { prefix: '/documents', adapter, hasAccess, additionalAuthenticationDataValidations: ${schemas} })
    ${listen}`, { DATABASE_URL: connectionString })
  const clients = [1, 2].map(() => {
    const client: RealClient = new RealClient(t, endpoint, 'document', {
      snapshotEvery: 3,
      getNewSnapshotData: async () => ({ data: Y.encodeStateAsUpdate(client.yDoc), key, publicData: { keyId: 'first' } }),
      additionalAuthenticationDataValidations: { snapshot: z.object({ keyId: z.string() }) as never }
    })
    return client
  })
  for (const client of clients) for (let i = 0; i < 10; i++) client.type('x')
  t.equal((await agree(...clients)).length, 20)
})

t.test('the types page: additional public data and hooks', async (t) => {
  const { connectionString } = await createDatabase(t)
  const [options] = await examplesOf('docs/types.md', 'Additional public data')
  const [hooks] = await examplesOf('docs/types.md', 'Hooks')
  const endpoint = await run(t, `${preamble.replace(/import \{ Type.*\n/, '')}import { createPrismaStore } from 'fastify-secsync'
    const store = createPrismaStore({ adapter })
    ${options}${hooks}${listen}`, { DATABASE_URL: connectionString })
  const client: RealClient = new RealClient(t, endpoint, 'document', {
    snapshotEvery: 3,
    getNewSnapshotData: async () => ({ data: Y.encodeStateAsUpdate(client.yDoc), key, publicData: { keyId: 'first' } }),
    additionalAuthenticationDataValidations: { snapshot: z.object({ keyId: z.string() }) as never }
  })
  for (let i = 0; i < 10; i++) client.type('x')
  t.equal((await agree(client)).length, 10)
})
