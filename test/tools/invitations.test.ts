// Invitations of the example app: who came by which, how many, how long.
import pg from 'pg'
import t from 'tap'
import { startExampleApp } from '../fixtures/example-app.ts'
import { createDatabase } from '../fixtures/postgres.ts'

const { connectionString: DATABASE_URL } = await createDatabase(t, { migrated: false })
const app = await startExampleApp(t, { DATABASE_URL, MAX_INVITATIONS: '3' })
const database = new pg.Client({ connectionString: DATABASE_URL })
await database.connect()
t.teardown(() => database.end())

interface Invitation { id: string, maxUses: number | null, members: Array<{ memberId: string, name: string }>, expiresAt: string }

async function setUp (id: string) {
  const owner = await app.session('Olga')
  const path = `/api/documents/${id}`
  await app.request('PUT', path, owner)
  return {
    owner,
    path,
    invite: async (body: object = {}) => (await app.request<{ id: string, token: string }>('POST', `${path}/invitations`, owner, { role: 'editor', ...body })).body,
    list: async () => (await app.request<{ invitations: Invitation[] }>('GET', `${path}/invitations`, owner)).body.invitations,
    accept: async (sessionKey: string, token: string) => await app.request('POST', `/api/invitations/${token}`, sessionKey),
    memberId: async (sessionKey: string) => (await app.request<{ memberId: string }>('GET', '/api/session', sessionKey)).body.memberId
  }
}

t.test('the owner sees who came by which, and nobody else does', async (t) => {
  const { owner, path, invite, list, accept } = await setUp('who')
  const [mia, ben] = [await app.session('Mia'), await app.session('Ben')]
  const [first, second] = [await invite(), await invite({ role: 'viewer' })]
  await accept(mia, first.token)
  await accept(ben, second.token)
  t.match(await list(), [
    { id: second.id, role: 'viewer', maxUses: null, members: [{ name: 'Ben' }] },
    { id: first.id, role: 'editor', maxUses: null, members: [{ name: 'Mia' }] }
  ])
  t.match(await app.request('GET', `${path}/invitations`, mia), { status: 403 })
  t.match(await app.request('DELETE', `${path}/invitations/${first.id}`, mia), { status: 403 })
  const { rows } = await database.query<{ text: string }>('SELECT t::text AS text FROM app_invitation t')
  t.notOk(rows.some(({ text }) => text.includes(first.token)), 'the token is not in the database')

  t.match(await app.request('DELETE', `${path}/invitations/${first.id}`, owner), { status: 204 })
  t.match(await app.request('DELETE', `${path}/invitations/${first.id}`, owner), { status: 404 })
  t.match(await accept(await app.session('Late'), first.token), { status: 404, body: { code: 'APP_INVITATION_ENDED' } })
  t.match(await app.request('GET', path, mia), { status: 200 }, 'who came by it stays')
})

t.test('it lets in as many as it was made for, for as long as it was made for', async (t) => {
  const { invite, list, accept } = await setUp('limited')
  const people = await Promise.all(['A', 'B', 'C', 'D'].map(async (name) => await app.session(name)))
  const { token } = await invite({ maxUses: 2 })
  const answers = await Promise.all(people.map(async (sessionKey) => (await accept(sessionKey, token)).status))
  t.strictSame(answers.sort(), [200, 200, 404, 404], 'also at the same moment')
  t.strictSame(await list(), [], 'it has done its work')

  const { id, token: old } = await invite({ days: 1 })
  const [{ expiresAt } = { expiresAt: '' }] = await list()
  t.ok(Math.abs(Date.parse(expiresAt) - Date.now() - 24 * 3600 * 1000) < 60_000)
  await database.query('UPDATE app_invitation SET expires_at = now() WHERE id = $1', [id])
  t.match(await accept(people[0]!, old), { status: 404 })
  t.strictSame(await list(), [])
})

t.test('a removal ends all invitations of the document, and the owner can let somebody back in', async (t) => {
  const { owner, path, invite, list, accept, memberId } = await setUp('removal')
  const mallory = await app.session('Mallory')
  const [his, other] = [await invite(), await invite({ role: 'viewer' })]
  await accept(mallory, his.token)
  const malloryId = await memberId(mallory)
  await app.request('PUT', `${path}/keys/device`, mallory, { publicKey: 'a'.repeat(43), voucher: 'a'.repeat(43) })
  await app.request('PUT', `${path}/authors/${'b'.repeat(43)}`, mallory)
  t.match(await app.request('DELETE', `${path}/members/${malloryId}`, owner), { status: 204 })
  t.strictSame(await list(), [])
  const again = await app.session('Not Mallory')
  for (const { token } of [his, other]) t.match(await accept(again, token), { status: 404 })

  const { token } = await invite()
  t.match(await accept(mallory, token), { status: 404 })
  t.match(await app.request('GET', `${path}/removed`, mallory), { status: 404 })
  t.match(await app.request('GET', `${path}/removed`, owner), { body: { removed: [{ memberId: malloryId, name: 'Mallory' }] } })
  t.match(await app.request('DELETE', `${path}/removed/${malloryId}`, owner), { status: 204 })
  t.match(await app.request('DELETE', `${path}/removed/${malloryId}`, owner), { status: 404 })
  t.match(await app.request('DELETE', `${path}/removed/${await memberId(owner)}`, owner), { status: 404 }, 'nobody else is touched')
  t.match(await accept(mallory, token), { status: 200, body: { role: 'editor' } })
})

t.test('a person has so many open invitations, in all documents, and ending one makes room', async (t) => {
  const { owner, path, invite } = await setUp('many')
  await app.request('PUT', '/api/documents/more', owner)
  const [first] = [await invite(), await invite(), await app.request('POST', '/api/documents/more/invitations', owner, { role: 'viewer' })]
  t.match(await app.request('POST', `${path}/invitations`, owner, { role: 'editor' }), { status: 409, body: { code: 'APP_TOO_MANY_INVITATIONS' } })
  await app.request('DELETE', `${path}/invitations/${first.id}`, owner)
  t.match(await app.request('POST', `${path}/invitations`, owner, { role: 'editor' }), { status: 200 })
})
