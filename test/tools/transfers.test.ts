// How another device of a person gets what it needs: ciphertext on the server, for some minutes, taken once.
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { buildApp } from '../../example-app/server/app.ts'
import { defaultLimits } from '../../example-app/server/limits.ts'
import { maxSealed } from '../../example-app/server/transfers.ts'
import { createDatabase } from '../fixtures/postgres.ts'

const { connectionString } = await createDatabase(t, { migrated: false })
const limits = { ...defaultLimits, CREATIONS_PER_HOUR: 40 }
const app = await buildApp({ connectionString, logLevel: 'silent', limits })
t.teardown(() => app.close())
const database = new pg.Client({ connectionString })
await database.connect()
t.teardown(() => database.end())

const newId = () => randomBytes(32).toString('base64url')

async function send<Body> (sessionKey: string, method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) {
  const response = await app.inject({ method, url: `/api/${path}`, ...sessionKey !== '' && { headers: { authorization: `Bearer ${sessionKey}` } }, ...body && { body } })
  return { status: response.statusCode, body: (response.body === '' ? undefined : response.json()) as Body }
}

const start = async (name: string) => (await app.inject({ method: 'POST', url: '/api/sessions', body: { name } })).json<{ sessionKey: string }>().sessionKey
const leave = (sessionKey: string, id: string, sealed = 'c2VhbGVk') => send<{ expiresIn: number }>(sessionKey, 'POST', 'transfers', { id, sealed })
const take = (id: string) => send<{ sealed: string, sessionKey: string }>('', 'POST', `transfers/${id}`)
const rows = async () => (await database.query<{ t: string }>('SELECT t::text AS t FROM app_transfer t')).rows
const ended = { status: 404, body: { code: 'APP_TRANSFER_ENDED' } }

t.test('whoever has the id takes it once, and is the same person with a session of their own', async (t) => {
  const ana = await start('Ana')
  const id = newId()
  t.match(await leave(ana, id), { status: 200, body: { expiresIn: 600 } })
  const { rows: [left] } = await database.query<{ seconds: number }>('SELECT extract(epoch FROM expires_at - now())::float8 AS seconds FROM app_transfer')
  t.ok(left !== undefined && left.seconds > 570 && left.seconds <= 600, 'within ten minutes')
  t.notMatch((await rows())[0]?.t, id, 'the database has a hash')
  t.match(await take(newId()), ended)
  const taken = await take(id)
  t.match(taken, { status: 200, body: { sealed: 'c2VhbGVk', sessionKey: /^[\w-]{43}$/ } })
  t.not(taken.body.sessionKey, ana)
  t.strictSame((await send(taken.body.sessionKey, 'GET', 'session')).body, {
    ...(await send<object>(ana, 'GET', 'session')).body, sessionId: (await send<{ sessionId: string }>(taken.body.sessionKey, 'GET', 'session')).body.sessionId
  })
  t.match(await take(id), ended)
  t.strictSame(await rows(), [])
})

t.test('of many who take it at the same moment one gets it', async (t) => {
  const ana = await start('Ana')
  const id = newId()
  await leave(ana, id)
  const answers = await Promise.all(Array.from({ length: 8 }, () => take(id)))
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  t.equal(answers.filter(({ status }) => status === 404).length, 7)
  t.equal((await send<{ sessions: unknown[] }>(ana, 'GET', 'sessions')).body.sessions.length, 2)
})

t.test('its time ends, and it is removed then', async (t) => {
  const ana = await start('Ana')
  const id = newId()
  await leave(ana, id)
  t.equal(await app.transfers.removeExpired(), 0)
  await database.query("UPDATE app_transfer SET expires_at = now() - interval '1 second'")
  t.match(await take(id), ended)
  t.equal((await rows()).length, 1)
  t.equal(await app.transfers.removeExpired(), 1)
  t.strictSame(await rows(), [])
})

t.test('a person has one, and ends it; nobody else does', async (t) => {
  const [ana, eve] = [await start('Ana'), await start('Eve')]
  const [first, second] = [newId(), newId()]
  await leave(ana, first)
  await leave(ana, second)
  t.match(await take(first), ended)
  t.match(await leave(eve, second), { status: 409, body: { code: 'APP_TRANSFER_EXISTS' } })
  t.match(await send(eve, 'DELETE', `transfers/${second}`), { status: 204 })
  t.match(await send('', 'DELETE', `transfers/${second}`), { status: 401 })
  t.equal((await rows()).length, 1, 'that of somebody else stays')
  t.match(await send(ana, 'DELETE', `transfers/${first}`), { status: 204 })
  t.equal((await rows()).length, 1)
  t.match(await send(ana, 'DELETE', `transfers/${second}`), { status: 204 })
  t.match(await take(second), ended)
})

t.test('who ends a session ends what it has left for another device', async (t) => {
  const ana = await start('Ana')
  const thief = (await send<{ sessionKey: string }>(ana, 'POST', 'sessions/another')).body.sessionKey
  const id = newId()
  await leave(thief, id)
  t.match(await send(ana, 'DELETE', 'sessions'), { status: 204 })
  t.match(await take(id), ended)
})

t.test('who has too many sessions can take it when one of them has ended', async (t) => {
  const ana = await start('Ana')
  let other = ''
  for (let made = 1; made < 20; made++) other = (await send<{ sessionKey: string }>(ana, 'POST', 'sessions/another')).body.sessionKey
  const id = newId()
  await leave(ana, id)
  t.match(await take(id), { status: 409, body: { code: 'APP_TOO_MANY_SESSIONS' } })
  // Ended in the database: the route would end the transfer with it.
  await database.query('DELETE FROM app_session WHERE id = $1', [(await send<{ sessionId: string }>(other, 'GET', 'session')).body.sessionId])
  t.match(await take(id), { status: 200 })
})

t.test('what is left and taken is bounded', async (t) => {
  const ana = await start('Ana')
  t.match(await send('', 'POST', 'transfers', { id: newId(), sealed: 'a' }), { status: 401 })
  t.match(await leave(ana, newId(), 'a'.repeat(maxSealed)), { status: 200 })
  t.match(await leave(ana, newId(), 'a'.repeat(maxSealed + 1)), { status: 400 })
  t.match(await leave(ana, newId(), 'a'.repeat(16 * 1024)), { status: 413 })
  for (const [id, sealed] of [[newId(), ''], [newId(), 'not base64!'], ['short', 'a'], [`${newId()}a`, 'a']] as const) t.match(await leave(ana, id, sealed), { status: 400 })
  for (const id of ['short', '%00', `${newId()}a`]) t.match(await take(id), { status: 400 })
  let made = 0
  while ((await leave(ana, newId())).status === 200) made++
  t.ok(made < limits.CREATIONS_PER_HOUR)
  t.match(await leave(ana, newId()), { status: 429, body: { code: 'APP_TOO_MANY_CREATIONS' } })
  t.equal((await rows()).length, 1)
  const answers = new Set<number>()
  for (let asked = 0; asked <= limits.SESSIONS_PER_HOUR; asked++) answers.add((await take(newId())).status)
  t.strictSame([...answers], [404, 429], 'one address cannot try for long')
})
