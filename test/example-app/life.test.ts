import t from 'tap'
import { openClient, untilEqual, untilState } from '../fixtures/client.ts'
import { startExampleApp } from '../fixtures/example-app.ts'
import { createDatabase } from '../fixtures/postgres.ts'

const { connectionString: DATABASE_URL } = await createDatabase(t, { migrated: false })
const app = await startExampleApp(t, { DATABASE_URL })

t.test('a member leaves and can be asked back; the owner deletes, for everybody and for good', async (t) => {
  const [owner, member, stranger] = [await app.session('Olga'), await app.session('Mia'), await app.session('Sam')]
  const path = '/api/documents/minutes'
  await app.request('PUT', path, owner)
  const { body: { token } } = await app.request<{ token: string }>('POST', `${path}/invitations`, owner, { role: 'editor' })
  await app.request('POST', `/api/invitations/${token}`, member)
  const [hers, theirs] = [owner, member].map((sessionKey) => openClient(t, app.endpoint, 'minutes', { sessionKey }))
  hers!.crdt.add('first')
  await untilEqual(hers!, theirs!)

  // As their page does: what the server has of a member goes with them.
  t.match(await app.request('PUT', `${path}/keys/device`, member, { publicKey: 'a'.repeat(43), voucher: 'a'.repeat(43) }), { status: 204 })
  t.match(await app.request('PUT', `${path}/authors/${'a'.repeat(43)}`, member), { status: 204 })

  t.match(await app.request('GET', `${path}/usage`, stranger), { status: 404 })
  const usage = await app.request<{ keptBytes: number }>('GET', `${path}/usage`, member)
  t.equal(usage.status, 200)
  t.ok(usage.body.keptBytes > 100)
  const { snapshots } = await theirs!.document.history.list()
  t.equal(new TextDecoder().decode((await theirs!.document.history.open(snapshots.at(-1)!.snapshotId)).content), '["first"]')
  t.match(await app.request('GET', `/documents/minutes/snapshots?sessionKey=${stranger}`), { status: 403 })
  t.match(await app.request('GET', '/documents/minutes/snapshots'), { status: 401 })

  t.match(await app.request('DELETE', path, member), { status: 403, body: { code: 'APP_NOT_THE_OWNER' } })
  t.match(await app.request('DELETE', path, stranger), { status: 404 })
  t.match(await app.request('DELETE', `${path}/membership`, owner), { status: 409, body: { code: 'APP_OWNERS_STAY' } })
  t.match(await app.request('DELETE', `${path}/membership`, member), { status: 204 })
  await untilState(theirs!.document, ({ connection }) => connection.status === 'noAccess')
  t.match(await app.request('DELETE', `${path}/membership`, member), { status: 404 })
  await t.rejects(theirs!.document.history.list(), { code: 'SECSYNC_NO_ACCESS' })
  t.match(await app.request('POST', `/api/invitations/${token}`, member), { status: 200, body: { role: 'editor' } })
  theirs!.document.retry()
  await untilState(theirs!.document, ({ connection }) => connection.status === 'live')

  t.match(await app.request('DELETE', path, owner), { status: 204 })
  for (const { document } of [hers!, theirs!]) await untilState(document, ({ connection }) => connection.status === 'noAccess')
  for (const session of [owner, member]) {
    t.match(await app.request('GET', path, session), { status: 404 })
    t.match(await app.request('PUT', path, session), { status: 404 })
    t.match(await app.request('GET', `/documents/minutes/snapshots?sessionKey=${session}`), { status: 403 })
  }
  t.match(await app.request('POST', `/api/invitations/${token}`, stranger), { status: 404 })
})

t.test('a document that nobody has written yet can be deleted, too', async (t) => {
  const owner = await app.session('Olga')
  await app.request('PUT', '/api/documents/empty', owner)
  t.match(await app.request('GET', '/api/documents/empty/usage', owner), { status: 200, body: { keptBytes: 0 } })
  t.match(await app.request('DELETE', '/api/documents/empty', owner), { status: 204 })
  t.match(await app.request('PUT', '/api/documents/empty', owner), { status: 404 })
})
