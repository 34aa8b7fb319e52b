// Sessions of the example app: stored as hashes, ended by age and by hand, on all nodes.
import pg from 'pg'
import t from 'tap'
import type { Test } from 'tap'
import { buildApp } from '../../example-app/server/app.ts'
import { defaultLimits } from '../../example-app/server/limits.ts'
import { endSessions } from '../../example-app/server/session-end.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { RawClient } from '../fixtures/raw-client.ts'

const { connectionString } = await createDatabase(t, { migrated: false })
const database = new pg.Client({ connectionString })
await database.connect()
t.teardown(() => database.end())

async function startNode (t: Test) {
  const app = await buildApp({ connectionString, busUrl: connectionString, logLevel: 'silent', limits: { ...defaultLimits, SESSION_IDLE_DAYS: 10, SESSION_MAX_DAYS: 30 } })
  t.teardown(() => app.close())
  const url = await app.listen({ port: 0 })
  const request = async <Body>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, sessionKey: string, body?: object) => {
    const response = await app.inject({ method, url: path, headers: { authorization: `Bearer ${sessionKey}` }, ...body && { body } })
    return { status: response.statusCode, body: (response.body === '' ? undefined : response.json()) as Body }
  }
  return {
    app,
    request,
    start: async (name: string) => (await app.inject({ method: 'POST', url: '/api/sessions', body: { name } })).json<{ sessionKey: string }>().sessionKey,
    another: async (sessionKey: string) => (await request<{ sessionKey: string }>('POST', '/api/sessions/another', sessionKey)).body.sessionKey,
    list: async (sessionKey: string) => (await request<{ sessions: Array<{ id: string, isCurrent: boolean, expiresAt: string }> }>('GET', '/api/sessions', sessionKey)).body.sessions,
    idOf: async (sessionKey: string) => (await request<{ sessionId: string }>('GET', '/api/session', sessionKey)).body.sessionId,
    connect: (documentId: string, sessionKey: string) => {
      const client = new RawClient(`${url.replace('http', 'ws')}/documents/${documentId}?sessionKey=${sessionKey}`)
      t.teardown(() => client.socket.terminate())
      return client
    }
  }
}

t.test('no session key is in the database, and those of an earlier version are hashed at the start', async (t) => {
  const { start, request } = await startNode(t)
  const sessionKey = await start('Ada')
  const { rows: tables } = await database.query<{ name: string }>("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
  for (const { name } of tables) {
    const { rows } = await database.query<{ text: string }>(`SELECT t::text AS text FROM ${name} t`)
    t.notOk(rows.some(({ text }) => text.includes(sessionKey)), name)
  }
  const { body: { memberId } } = await request<{ memberId: string }>('GET', '/api/session', sessionKey)
  await database.query("INSERT INTO app_plain_session (session_key, member_id) VALUES ('key-of-before', $1)", [memberId])
  t.match(await request('GET', '/api/session', 'key-of-before'), { status: 401 })
  const later = await startNode(t)
  t.match(await later.request('GET', '/api/session', 'key-of-before'), { status: 200, body: { memberId, name: 'Ada' } })
  t.same((await database.query('SELECT FROM app_plain_session')).rowCount, 0)
})

t.test('a session can be ended from another one of the same person, and by nobody else', async (t) => {
  const [node, otherNode] = [await startNode(t), await startNode(t)]
  const [laptop, stranger] = [await node.start('Ada'), await node.start('Eve')]
  const phone = await node.another(laptop)
  t.strictSame((await node.list(laptop)).map(({ isCurrent }) => isCurrent).sort(), [false, true])
  t.match(await node.list(stranger), [{ isCurrent: true }])

  const onPhone = otherNode.connect('shared', phone)
  const onLaptop = node.connect('mine', laptop)
  for (const client of [onPhone, onLaptop]) await client.next('document')
  const id = await node.idOf(phone)
  t.match(await node.request('DELETE', `/api/sessions/${id}`, stranger), { status: 404, body: { code: 'APP_NO_SUCH_SESSION' } })
  t.match(await node.request('DELETE', `/api/sessions/${id}`, laptop), { status: 204 })
  await onPhone.next('unauthorized')
  t.equal(await onPhone.closed(), 4401, 'on the other node, too')
  t.match(await otherNode.request('GET', '/api/session', phone), { status: 401 })
  t.match(await node.request('DELETE', `/api/sessions/${id}`, laptop), { status: 404 })
  t.equal(onLaptop.socket.readyState, 1)

  const [second, third] = [await node.another(laptop), await node.another(laptop)]
  t.match(await node.request('DELETE', '/api/sessions', third), { status: 204 })
  await onLaptop.next('unauthorized')
  for (const key of [laptop, second]) t.match(await node.request('GET', '/api/session', key), { status: 401 })
  t.match(await node.request('GET', '/api/session', third), { status: 200, body: { name: 'Ada' } })
})

t.test('a person has at most 20 sessions', async (t) => {
  const node = await startNode(t)
  const first = await node.start('Ada')
  for (let made = 1; made < 20; made++) await node.another(first)
  t.match(await node.request('POST', '/api/sessions/another', first), { status: 409, body: { code: 'APP_TOO_MANY_SESSIONS' } })
})

t.test('a session ends when it was not used for long, and after some time in any case, with its connections', async (t) => {
  const node = await startNode(t)
  const ending = endSessions(node.app, () => node.app.sockets.sessions)
  t.teardown(() => ending.stop())
  const age = async (sessionKey: string, column: 'created_at' | 'used_at', days: number) => {
    await database.query(`UPDATE app_session SET ${column} = now() - interval '${days} days' WHERE id = $1`, [await node.idOf(sessionKey)])
  }
  const [idle, old, away, reading] = [await node.start('Idle'), await node.start('Old'), await node.start('Away'), await node.start('Reading')]
  const [ofOld, ofReading] = [node.connect('old', old), node.connect('reading', reading)]
  for (const client of [ofOld, ofReading]) await client.next('document')
  await age(idle, 'used_at', 11)
  await age(old, 'created_at', 31)
  await age(away, 'used_at', 9)
  await age(reading, 'used_at', 9)
  t.match(await node.request('GET', '/api/session', idle), { status: 401 })
  t.match(await node.request('GET', '/api/session', old), { status: 401 })
  t.match(await node.request('GET', '/api/session', away), { status: 200 })
  const [{ expiresAt } = { expiresAt: '' }] = await node.list(away)
  t.ok(Date.parse(expiresAt) > Date.now() + 9 * 24 * 3600 * 1000, 'a request is a use')

  await ending.run()
  await ofOld.next('unauthorized')
  t.equal(await ofOld.closed(), 4401)
  t.equal(ofReading.socket.readyState, 1)
  t.equal((await database.query("SELECT FROM app_session JOIN app_member ON app_member.id = member_id WHERE name IN ('Idle', 'Old')")).rowCount, 0)
  const { rows: [used] } = await database.query<{ recent: boolean }>(
    "SELECT used_at > now() - interval '1 day' AS recent FROM app_session JOIN app_member ON app_member.id = member_id WHERE name = 'Reading'")
  t.ok(used?.recent, 'an open connection is a use')
})
