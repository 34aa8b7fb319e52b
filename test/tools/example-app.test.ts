import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { Test } from 'tap'
import { freePort } from '../../lib/embedded/cluster.ts'
import { dataDirectory, startExampleApp, type ExampleApp } from '../fixtures/example-app.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author, RawClient } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'

const { connectionString: DATABASE_URL } = await createDatabase(t, { migrated: false })
const app = await startExampleApp(t, { DATABASE_URL, LOG_LEVEL: 'trace' })

/** A document of an owner, with an editor and a viewer who have accepted an invitation. */
async function invitedDocument (id: string) {
  const [owner, editor, viewer] = await Promise.all(['Olga', 'Emil', 'Vera'].map(async (name) => await app.session(name))) as [string, string, string]
  await app.request('PUT', `/api/documents/${id}`, owner)
  for (const [role, sessionKey] of [['editor', editor], ['viewer', viewer]] as const) {
    const { body: { token } } = await app.request<{ token: string }>('POST', `/api/documents/${id}/invitations`, owner, { role })
    await app.request('POST', `/api/invitations/${token}`, sessionKey)
  }
  return { owner, editor, viewer }
}

function connect (t: Test, documentId: string, sessionKey: string, to: ExampleApp = app): RawClient {
  const client = new RawClient(`${to.endpoint}/${documentId}?sessionKey=${sessionKey}`)
  t.teardown(() => client.socket.terminate())
  return client
}

async function memberId (sessionKey: string): Promise<string> {
  return (await app.request<{ memberId: string }>('GET', '/api/session', sessionKey)).body.memberId
}

t.test('it is healthy, and its pages may load nothing from elsewhere', async (t) => {
  const ask = async () => await app.request<{ status: string }>('GET', '/health')
  let health = await ask()
  // On a busy machine the database may take a second to answer.
  while (health.body.status !== 'ok') health = await ask()
  t.match(health, { status: 200, body: { status: 'ok', ready: true, database: 'ok', bus: 'connected' } })
  const response = await fetch(app.url)
  t.equal(response.status, 200)
  const policy = response.headers.get('content-security-policy') ?? ''
  t.match(policy, "script-src 'self';")
  t.match(policy, "default-src 'none';")
})

t.test('two of them on one PostgreSQL relay to each other with nothing else, and are counted', async (t) => {
  const other = await startExampleApp(t, { DATABASE_URL, METRICS_PORT: '0', LOG_LEVEL: 'info' })
  const { owner, viewer } = await invitedDocument('nodes')
  const [writer, reader] = [connect(t, 'nodes', owner), connect(t, 'nodes', viewer, other)]
  for (const client of [writer, reader]) await client.next('document')
  const author = new Author()
  const snapshot = author.snapshot('nodes')
  writer.send(snapshot)
  await writer.next('snapshot-saved')
  await reader.next('snapshot')
  writer.send(author.update('nodes', snapshot.publicData.snapshotId, 0))
  await reader.next('update')

  const { metrics } = JSON.parse(/^.*"msg":"Ready".*$/m.exec(other.output())![0]) as { metrics: string }
  const text = await (await fetch(metrics)).text()
  t.match(text, /^secsync_connections 1$/m)
  t.match(text, /^process_cpu_seconds_total /m)
  t.equal((await fetch(`${other.url}/metrics`)).status, 404)
})

t.test('a session is known by its key, and an unknown key is answered in HTTP', async (t) => {
  const sessionKey = await app.session('Ada')
  t.match(await app.request('GET', '/api/session', sessionKey), { status: 200, body: { name: 'Ada', memberId: /^[\w-]{36}$/ } })
  t.match(await app.request('GET', '/api/session', 'unknown'), { status: 401 })
  t.match(await app.request('GET', '/api/session'), { status: 401 })
  t.match(await app.request('PUT', '/api/documents/a'), { status: 401 })
  t.match(await app.request('POST', '/api/sessions', undefined, { name: ' ' }), { status: 400 })

  const client = connect(t, 'a', 'unknown')
  const [, response] = await new Promise<[unknown, { statusCode: number }]>((resolve) => {
    client.socket.on('unexpected-response', (...args) => resolve(args as never))
  })
  t.equal(response.statusCode, 401)

  const withoutKey = new RawClient(`${app.endpoint}/a`)
  await withoutKey.next('document-error')
  t.equal(await withoutKey.closed(), 4500)
})

t.test('two published clients write a document together, and a third one reads it', async (t) => {
  const [ada, ben, eve] = await Promise.all(['Ada', 'Ben', 'Eve'].map(async (name) => {
    return new RealClient(t, app.endpoint, 'together', { websocketSessionKey: await app.session(name), snapshotEvery: 20 })
  })) as [RealClient, RealClient, RealClient]
  for (let i = 0; i < 50; i++) {
    ada.type('a')
    ben.type('b', 0)
  }
  const text = await agree(ada, ben, eve)
  t.equal([...text].sort().join(''), 'a'.repeat(50) + 'b'.repeat(50))
})

t.test('whoever knows the id of a document becomes its owner or an editor, unless it was made for invited people', async (t) => {
  const [first, second] = await Promise.all([app.session('First'), app.session('Second')])
  await connect(t, 'linked', first).next('document')
  await connect(t, 'linked', second).next('document')
  t.match(await app.request('GET', '/api/documents/linked', second), {
    status: 200,
    body: { role: 'editor', access: 'link', members: [{ name: 'First', role: 'owner' }, { name: 'Second', role: 'editor' }] }
  })

  t.match(await app.request('PUT', '/api/documents/private', first), { status: 200, body: { role: 'owner' } })
  t.match(await app.request('PUT', '/api/documents/private', second), { status: 404 })
  t.match(await app.request('GET', '/api/documents/private', second), { status: 404 })
  const client = connect(t, 'private', second)
  await client.next('unauthorized')
  t.equal(await client.closed(), 4401)
})

t.test('an editor writes, a viewer reads and shows their cursor', async (t) => {
  const { owner, editor, viewer } = await invitedDocument('roles')
  t.match(await app.request('POST', '/api/documents/roles/invitations', editor, { role: 'editor' }), { status: 403 })
  const clients = [owner, editor, viewer].map((sessionKey) => connect(t, 'roles', sessionKey)) as [RawClient, RawClient, RawClient]
  for (const client of clients) await client.next('document')
  const [byOwner, byEditor, byViewer] = clients

  const author = new Author()
  const snapshot = author.snapshot('roles')
  byOwner.send(snapshot)
  await byOwner.next('snapshot-saved')
  byEditor.send(author.update('roles', snapshot.publicData.snapshotId, 0))
  await byEditor.next('snapshot')
  await byEditor.next('update-saved')
  await byViewer.next('snapshot')
  await byViewer.next('update')
  byViewer.send(author.ephemeralMessage('roles'))
  await byEditor.next('ephemeral-message')
  byViewer.send(author.update('roles', snapshot.publicData.snapshotId, 1))
  await byViewer.next('unauthorized')
  t.equal(await byViewer.closed(), 4401)

  await app.request('PATCH', `/api/documents/roles/members/${await memberId(viewer)}`, owner, { role: 'editor' })
  const promoted = connect(t, 'roles', viewer)
  await promoted.next('document')
  promoted.send(author.update('roles', snapshot.publicData.snapshotId, 1))
  await promoted.next('update-saved')
  t.match(await app.request('PATCH', `/api/documents/roles/members/${await memberId(owner)}`, owner, { role: 'viewer' }), { status: 404 })
})

t.test('a removed member is disconnected within a second and stays out, and the others need a new snapshot', async (t) => {
  const { owner, editor } = await invitedDocument('removal')
  const { body: { token } } = await app.request<{ token: string }>('POST', '/api/documents/removal/invitations', owner, { role: 'editor' })
  const byOwner = connect(t, 'removal', owner)
  const byEditor = connect(t, 'removal', editor)
  await byOwner.next('document')
  await byEditor.next('document')
  const author = new Author()
  const snapshot = author.snapshot('removal')
  byOwner.send(snapshot)
  await byOwner.next('snapshot-saved')
  await byEditor.next('snapshot')

  const path = `/api/documents/removal/members/${await memberId(editor)}`
  t.match(await app.request('DELETE', path, editor), { status: 403 })
  const before = performance.now()
  t.match(await app.request('DELETE', path, owner), { status: 204 })
  await byEditor.next('unauthorized')
  t.equal(await byEditor.closed(), 4401)
  t.ok(performance.now() - before < 1000)
  t.match(await app.request('DELETE', path, owner), { status: 404 })

  await connect(t, 'removal', editor).next('unauthorized')
  t.match(await app.request('POST', `/api/invitations/${token}`, editor), { status: 404 })
  t.match(await app.request('GET', '/api/documents/removal', editor), { status: 404 })

  byOwner.send(author.update('removal', snapshot.publicData.snapshotId, 0))
  t.match(await byOwner.next('update-save-failed'), { requiresNewSnapshot: true })
  const next = author.snapshot('removal', { parent: snapshot })
  byOwner.send(next)
  await byOwner.next('snapshot-saved')
  byOwner.send(author.update('removal', next.publicData.snapshotId, 0))
  await byOwner.next('update-saved')
})

t.test('an invitation ends with the member who came by it, also on a document that is open by link', async (t) => {
  const [owner, guest, other] = await Promise.all(['Owner', 'Guest', 'Other'].map(async (name) => await app.session(name))) as [string, string, string]
  await connect(t, 'open', owner).next('document')
  const { body: { token } } = await app.request<{ token: string }>('POST', '/api/documents/open/invitations', owner, { role: 'editor' })
  t.match(await app.request('POST', `/api/invitations/${token}`, guest), { status: 200, body: { documentId: 'open', role: 'editor' } })
  t.match(await app.request('POST', `/api/invitations/${token}`, guest), { status: 200, body: { role: 'editor' } })
  await app.request('DELETE', `/api/documents/open/members/${await memberId(guest)}`, owner)
  t.match(await app.request('POST', `/api/invitations/${token}`, other), { status: 404 })
  await connect(t, 'open', guest).next('unauthorized')
  await connect(t, 'open', other).next('document')
})

t.test('a member sees what the server has of a document', async (t) => {
  const sessionKey = await app.session('Curious')
  const client = connect(t, 'stored', sessionKey)
  await client.next('document')
  t.match(await app.request('GET', '/api/documents/stored/stored', sessionKey), {
    body: { snapshots: [], updates: [], totals: { bytes: 0, snapshots: 0, updates: 0 }, files: { files: 0, bytes: 0 } }
  })
  const author = new Author()
  const snapshot = author.snapshot('stored')
  const update = author.update('stored', snapshot.publicData.snapshotId, 0)
  client.send(snapshot)
  client.send(update)
  await client.next('snapshot-saved')
  await client.next('update-saved')
  t.match(await app.request('GET', '/api/documents/stored/stored', sessionKey), {
    body: {
      snapshots: [{ snapshotId: snapshot.publicData.snapshotId, publicData: snapshot.publicData, bytes: JSON.stringify(snapshot).length }],
      updates: [{ pubKey: author.publicKey, clock: 0, ciphertext: update.ciphertext }],
      totals: { snapshots: 1, updates: 1 }
    }
  })
  t.match(await app.request('GET', '/api/documents/stored/stored', await app.session('Stranger')), { status: 404 })
})

t.test('it keeps its own database, also through kill -9, and leaves no process behind', async (t) => {
  const DATA_DIR = await dataDirectory(t)
  const first = await startExampleApp(t, { DATA_DIR })
  const sessionKey = await first.session('Ada')
  const client = connect(t, 'kept', sessionKey, first)
  await client.next('document')
  const author = new Author()
  const snapshot = author.snapshot('kept')
  client.send(snapshot)
  await client.next('snapshot-saved')

  await t.rejects(startExampleApp(t, { DATA_DIR }), /Another server runs on the data in/)
  t.equal(await first.end('SIGKILL'), 'SIGKILL')
  const second = await startExampleApp(t, { DATA_DIR })
  const again = connect(t, 'kept', sessionKey, second)
  t.match((await again.next('document')).snapshot, { publicData: { snapshotId: snapshot.publicData.snapshotId } })
  const { body: { sessionKey: other } } = await second.request<{ sessionKey: string }>('POST', '/api/sessions', undefined, { name: 'Ben' })
  t.ok(other)
  t.equal(await second.end('SIGTERM'), 0)
  t.equal(await again.closed(), 1001)
  t.notOk(existsSync(join(DATA_DIR, 'postgres', 'postmaster.pid')), 'PostgreSQL has ended')
})

t.test('under a supervisor: npm ends after the app, and the next start waits for the last one', async (t) => {
  const DATA_DIR = await dataDirectory(t)
  const PORT = `${await freePort()}`
  const ready = /"msg":"Ready"/
  const start = () => {
    // The pages and the server are built already.
    const npm = spawn('npm', ['start', '--ignore-scripts'], { env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR, PORT }, stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(npm, 'exit')
    const lines = createInterface(npm.stdout)
    const isReady = (async () => { for await (const line of lines) if (ready.test(line)) return true })()
    t.teardown(async () => {
      npm.kill()
      await exited
    })
    return { npm, exited, isReady }
  }
  const first = start()
  t.ok(await first.isReady)
  first.npm.kill('SIGTERM')
  t.strictSame(await first.exited, [0, null])
  t.notOk(existsSync(join(DATA_DIR, 'postgres', 'postmaster.pid')), 'PostgreSQL has ended')

  const second = start()
  t.ok(await second.isReady)
  second.npm.kill('SIGKILL')
  const third = start()
  t.ok(await third.isReady, 'while the app is still there')
  third.npm.kill('SIGTERM')
  t.strictSame(await third.exited, [0, null])
})

t.test('what it cannot use it names, in a line', async (t) => {
  const start = async (settings: Record<string, string>) => await startExampleApp(t, settings)
  await t.rejects(start({ PORT: 'x' }), { message: 'The app ended with 1: PORT must be a port number; 0 for any that is free\n' })
  await t.rejects(start({ DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/notes' }), {
    message: 'The app ended with 1: The database of DATABASE_URL (127.0.0.1:1/notes) cannot be used: connect ECONNREFUSED 127.0.0.1:1\n'
  })
  await t.rejects(start({ DATABASE_URL, REDIS_URL: 'localhost' }), {
    message: 'The app ended with 1: REDIS_URL must be a Redis, as redis://host:6379, where several of these serve one DATABASE_URL\n'
  })
  await t.rejects(start({ REDIS_URL: 'redis://127.0.0.1' }), {
    message: 'The app ended with 1: REDIS_URL needs a DATABASE_URL: it connects processes that serve one database\n'
  })
  await t.rejects(start({ DIRECT_URL: DATABASE_URL }), {
    message: 'The app ended with 1: DIRECT_URL needs a DATABASE_URL: it is the same database, without a pooler\n'
  })
  await t.rejects(start({ DATABASE_URL, METRICS_PORT: 'x' }), { message: 'The app ended with 1: METRICS_PORT must be a port number; 0 for any that is free\n' })
  await t.rejects(start({ DATABASE_URL, METRICS_PORT: new URL(app.url).port }), /ended with 1: [^\n]*Port \d+ is taken/)
  await t.rejects(start({ DATABASE_URL, PORT: new URL(app.url).port }), /ended with 1: [^\n]*Port \d+ is taken/)
})

t.test('no session key and no invitation is in what it prints, at any level', async (t) => {
  const { owner } = await invitedDocument('secret')
  const { body: { token } } = await app.request<{ token: string }>('POST', '/api/documents/secret/invitations', owner, { role: 'editor' })
  await app.request('POST', `/api/invitations/${token}`, owner)
  await connect(t, 'secret', owner).next('document')
  await fetch(`${app.url}/document/wrong?sessionKey=${owner}`)
  await app.request('GET', '/health')
  const output = app.output()
  t.ok(output.includes('/document/wrong') && output.includes('"level":20'), 'it prints a lot')
  for (const secret of [owner, token, 'sessionKey', 'Bearer']) t.notOk(output.includes(secret))
})
