import pg from 'pg'
import t from 'tap'
import { startExampleApp } from '../fixtures/example-app.ts'
import { createDatabase } from '../fixtures/postgres.ts'

t.test('more people than the database can serve join at once: some are told to try again, and get in then', async (t) => {
  const { connectionString: DATABASE_URL } = await createDatabase(t, { migrated: false })
  const app = await startExampleApp(t, { DATABASE_URL })
  const ada = await app.session('Ada')
  await app.request('PUT', '/api/documents/popular', ada)
  const { body: { token } } = await app.request<{ token: string }>('POST', '/api/documents/popular/invitations', ada, { role: 'editor' })
  const others = await Promise.all(Array.from({ length: 30 }, (_, index) => app.session(`Person ${index}`)))

  const blocking = new pg.Client({ connectionString: DATABASE_URL })
  await blocking.connect()
  t.teardown(() => blocking.end())
  await blocking.query('BEGIN')
  await blocking.query("SELECT 1 FROM app_document WHERE id = 'popular' FOR UPDATE")
  const answers = others.map((session) => app.request<{ code?: string }>('POST', `/api/invitations/${token}`, session))
  const { status, body } = await Promise.any(answers)
  t.equal(status, 503)
  t.match(body, { statusCode: 503, code: 'APP_BUSY', message: /Try again/ })
  t.equal((await app.request('GET', '/api/documents/popular', ada)).status, 503, 'nobody has a connection')
  await blocking.query('COMMIT')
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  t.same([...new Set(statuses)].sort(), [200, 503])
  for (const [index, session] of others.entries()) {
    if (statuses[index] === 503) t.equal((await app.request('POST', `/api/invitations/${token}`, session)).status, 200)
  }
  t.match(app.output(), /The database is busy/)
  t.notMatch(app.output(), /A request has failed/)
})
