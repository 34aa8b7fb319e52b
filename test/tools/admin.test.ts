// `npm run admin`, next to a running example app.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { startExampleApp } from '../fixtures/example-app.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author, RawClient } from '../fixtures/raw-client.ts'

const admin = fileURLToPath(new URL('../../example-app/dist/server/admin.js', import.meta.url))
const { connectionString } = await createDatabase(t, { migrated: false })
const app = await startExampleApp(t, { DATABASE_URL: connectionString })

interface Output { code: number, stdout: string, stderr: string }

async function call (...args: string[]): Promise<Output> {
  try {
    return { code: 0, ...await promisify(execFile)(process.execPath, [admin, ...args], { env: { PATH: process.env.PATH, DATABASE_URL: connectionString } }) }
  } catch (error) {
    return error as Output
  }
}

async function printed (...args: string[]): Promise<unknown[]> {
  return (await call(...args)).stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown)
}

const sessionKey = await app.session('Ada')
const author = new Author()
await app.request('PUT', '/api/documents/diary', sessionKey)
const client = new RawClient(`${app.endpoint}/diary?sessionKey=${sessionKey}`)
t.teardown(() => client.socket.terminate())
await client.next('document')
client.send(author.snapshot('diary'))
await client.next('snapshot-saved')

const file = `${app.url}/api/documents/diary/files/${'f'.repeat(43)}/chunks/0`
const headers = { authorization: `Bearer ${sessionKey}`, 'content-type': 'application/octet-stream' }
t.equal((await fetch(file, { method: 'PUT', headers, body: new Uint8Array(100_000) })).status, 204)

t.test('says what there is, for people and for programs', async (t) => {
  const names = ['status', 'documents', 'people']
  const [forPrograms, forPeople] = await Promise.all([
    Promise.all(names.map(async (name) => await call(name, '--json'))),
    Promise.all(names.map(async (name) => await call(name)))
  ])
  const [status, documents, people] = forPrograms.map(({ stdout }) => JSON.parse(stdout) as unknown)
  t.match(status, { documents: 1, deleted: 0, people: 1, sessions: 1, invitations: 0, files: 1, fileBytes: 100_000, bytes: Number, databaseBytes: Number })
  t.match(documents, { id: 'diary', owner: 'Ada', members: 1, updates: 0, bytes: Number })
  t.match(people, { name: 'Ada', sessions: 1, documents: 1, bytes: Number })
  for (const facts of [documents, people]) t.ok((facts as { bytes: number }).bytes > 100_000, 'files are counted')
  for (const output of forPeople) t.match(output, { code: 0, stdout: /│.*kB/ })
  t.notOk(JSON.stringify([forPrograms, forPeople]).includes(sessionKey))
})

t.test('says what is wrong', async (t) => {
  const outputs = await Promise.all([['delete', 'none'], ['end-sessions', 'none'], ['documents', '--limit', 'many'], ['everything']].map(async (args) => await call(...args)))
  t.match(outputs, [
    { code: 1, stderr: 'There is no document "none"\n' },
    { code: 1, stderr: 'There is no session of a person "none"\n' },
    { code: 1, stderr: '--limit must be a number from 1 to 1000000\n' },
    { code: 1, stderr: /unknown command/ }
  ])
})

t.test('deletes a document, and whoever writes it is told', async (t) => {
  t.match(await printed('delete', 'diary'), [{ documentId: 'diary', snapshots: 1 }])
  client.send(author.update('diary', 'none', 0))
  t.ok([4401, 4404].includes(await client.closed()), 'nobody is a member any more, and there is no document')
  t.match(await app.request('GET', '/api/documents/diary', sessionKey), { status: 404 })
  t.match(await printed('status', '--json'), [{ documents: 0, deleted: 1 }])
})

t.test('ends the sessions of a person', async (t) => {
  const [{ id }] = await printed('people', '--json') as [{ id: string }]
  t.match(await printed('end-sessions', id), [{ ended: 1 }])
  t.match(await app.request('GET', '/api/session', sessionKey), { status: 401 })
})
