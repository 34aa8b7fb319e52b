// The code of docs/integrations/ runs as it stands there.
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { WebSocket } from 'ws'
import { startChild } from '../fixtures/child.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { RawClient } from '../fixtures/raw-client.ts'
import { blocksOf } from '../fixtures/readme.ts'

async function run (t: Test, files: Record<string, string>, main: string, env: Record<string, string>): Promise<string> {
  const directory = t.testdir({})
  for (const [name, program] of Object.entries(files)) {
    const { outputText } = ts.transpileModule(program, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), outputText)
  }
  return await startChild(t, main, /http:\/\/127\.0\.0\.1:\d+|passed/, { directory, env: { PORT: '0', ...env } })
}

/** The server of a page, on a database of its own. */
async function serverOf (t: Test, page: string, env: Record<string, string> = {}, change = (program: string) => program): Promise<string> {
  const { connectionString } = await createDatabase(t)
  const [program = ''] = await blocksOf(`docs/integrations/${page}.md`)
  return await run(t, { 'server.mjs': change(program) }, 'server.mjs', { DATABASE_URL: connectionString, ...env })
}

function open (url: string, path: string, headers: Record<string, string> = {}): WebSocket {
  return new WebSocket(url.replace('http', 'ws') + path, { headers })
}

async function opens (socket: WebSocket): Promise<void> {
  const [message] = await once(socket, 'message')
  if (String(message) !== '{"type":"document"}') throw new Error(String(message))
  socket.terminate()
}

async function refusal (socket: WebSocket): Promise<number | undefined> {
  const [, response] = await once(socket, 'unexpected-response') as [unknown, { statusCode?: number }]
  return response.statusCode
}

t.test('@fastify/jwt', async (t) => {
  const url = await serverOf(t, 'jwt', { JWT_SECRET: 'secret' })
  const { token } = await (await fetch(`${url}/token`, { method: 'POST' })).json() as { token: string }
  await opens(open(url, `/documents/welcome?sessionKey=${token}`))
  t.equal(await refusal(open(url, '/documents/welcome?sessionKey=none')), 401)
  t.equal(await new RawClient(`${url.replace('http', 'ws')}/documents/other?sessionKey=${token}`).closed(), 4401)
})

t.test('@fastify/session, without a session key in the URL', async (t) => {
  const url = await serverOf(t, 'session', { SESSION_SECRET: 'x'.repeat(32) })
  const login = await fetch(`${url}/login`, { method: 'POST' })
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
  await opens(open(url, '/documents/welcome', { cookie }))
  await opens(open(url, '/documents/welcome?sessionKey=anything&mode=complete', { cookie }))
  t.equal(await refusal(open(url, '/documents/welcome')), 401)
  t.equal(await refusal(open(url, '/documents/welcome', { cookie, origin: 'https://elsewhere.example' })), 403)
})

t.test('@fastify/rate-limit', async (t) => {
  const url = await serverOf(t, 'rate-limit')
  for (let i = 0; i < 20; i++) await opens(open(url, '/documents/welcome?sessionKey=a'))
  t.equal(await refusal(open(url, '/documents/welcome?sessionKey=a')), 429)
})

t.test('@fastify/under-pressure', async (t) => {
  await opens(open(await serverOf(t, 'under-pressure'), '/documents/welcome?sessionKey=a'))
  const busy = await serverOf(t, 'under-pressure', { MAX_RSS_BYTES: '1' })
  // It measures once a second.
  while ((await fetch(`${busy}/status`)).ok) await sleep(50)
  t.equal(await refusal(open(busy, '/documents/welcome?sessionKey=a')), 503)
})

t.test('@fastify/autoload', async (t) => {
  const { connectionString } = await createDatabase(t)
  const blocks = await blocksOf('docs/integrations/autoload.md')
  const files = Object.fromEntries(blocks.map((block) => [/^\/\/ (\S+)\.js/.exec(block)?.[1] + '.mjs', block.replaceAll('import.meta.dirname', '__dirname')
    .replace(/^/, "import { fileURLToPath } from 'node:url'\nconst __dirname = fileURLToPath(new URL('.', import.meta.url))\n")]))
  // As fastify-cli does.
  const main = "import Fastify from 'fastify'\nimport app from './app.mjs'\nconst fastify = Fastify()\nawait fastify.register(app, { port: 3000 })\nconsole.log(await fastify.listen({ port: 0, host: '127.0.0.1' }))"
  const url = await run(t, { ...files, 'main.mjs': main }, 'main.mjs', { DATABASE_URL: connectionString })
  await opens(open(url, '/documents/welcome?sessionKey=a'))
  t.strictSame(Object.keys(await (await fetch(`${url}/stats`)).json() as object).slice(0, 2), ['documents', 'connections'])
})

t.test('@fastify/http-proxy', async (t) => {
  const documents = await serverOf(t, 'rate-limit')
  const url = await serverOf(t, 'http-proxy', { DOCUMENTS_URL: documents })
  await opens(open(url, '/documents/welcome?sessionKey=a'))
})

t.test('a front on the same origin', async (t) => {
  const front = createServer((request, response) => { response.end(`page ${request.url}`) }).listen(0, '127.0.0.1')
  t.teardown(() => front.close())
  await once(front, 'listening')
  const url = await serverOf(t, 'nextjs', { FRONT_URL: `http://127.0.0.1:${(front.address() as AddressInfo).port}` })
  await opens(open(url, '/documents/welcome?sessionKey=a'))
  t.equal(await (await fetch(`${url}/a/page`)).text(), 'page /a/page')
})

t.test('injectWS', async (t) => {
  for (const program of await blocksOf('docs/integrations/testing.md')) {
    t.equal(await run(t, { 'test.mjs': `${program}\nconsole.log('passed')` }, 'test.mjs', {}), 'passed')
  }
})

t.test('your own Prisma schema', async (t) => {
  const url = await serverOf(t, 'prisma', {}, (program) => program.replace('./generated/prisma/client.js', 'fastify-secsync/prisma-client'))
  await opens(open(url, '/documents/welcome?sessionKey=a'))
  t.strictSame(await (await fetch(`${url}/count`)).json(), { documents: 0 })
})
