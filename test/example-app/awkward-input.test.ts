import t from 'tap'
import { startExampleApp } from '../fixtures/example-app.ts'
import { createDatabase } from '../fixtures/postgres.ts'

const { connectionString: DATABASE_URL } = await createDatabase(t, { migrated: false })
const app = await startExampleApp(t, { DATABASE_URL })

t.test('whatever a text field of whatever route has in it, the answer is no 5xx, and in nobody else’s words', async (t) => {
  const owner = await app.session('Olga')
  await app.request('PUT', '/api/documents/awkward', owner)
  const awkward = ['\0', 'a\0b', '\ud800', '\u202e', '%', '%00', '..', '\'', '"', '\\', '\n', ' ', 'ß'.repeat(2000), '{}', '-1', 'null', '\ufeff']
  const bytes32 = 'a'.repeat(43)
  const encoded = (text: string) => text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80'
  // Each takes one text for each of its text fields.
  const routes: Array<(text: string) => [method: string, path: string, body?: object]> = [
    (text) => ['POST', '/api/sessions', { name: text }],
    (text) => ['PUT', `/api/documents/${encoded(text)}`],
    (text) => ['GET', `/api/documents/${encoded(text)}`],
    (text) => ['GET', `/api/documents/${encoded(text)}/stored`],
    (text) => ['PUT', `/api/documents/${encoded(text)}/authors/${'a'.repeat(43)}`],
    (text) => ['PUT', `/api/documents/awkward/authors/${encoded(text)}`],
    (text) => ['POST', `/api/documents/${encoded(text)}/invitations`, { role: 'editor' }],
    (text) => ['POST', '/api/documents/awkward/invitations', { role: text }],
    (text) => ['POST', `/api/invitations/${encoded(text)}`],
    (text) => ['PATCH', `/api/documents/${encoded(text)}/members/x`, { role: 'editor' }],
    (text) => ['PATCH', `/api/documents/awkward/members/${encoded(text)}`, { role: 'editor' }],
    (text) => ['DELETE', `/api/documents/${encoded(text)}/members/x`],
    (text) => ['DELETE', `/api/documents/awkward/members/${encoded(text)}`],
    (text) => ['GET', `/api/documents/${encoded(text)}/keys`],
    (text) => ['PUT', `/api/documents/${encoded(text)}/keys/device`, { publicKey: bytes32, voucher: bytes32 }],
    (text) => ['PUT', '/api/documents/awkward/keys/device', { publicKey: text, voucher: bytes32 }],
    (text) => ['PUT', '/api/documents/awkward/keys/device', { publicKey: bytes32, voucher: text }],
    (text) => ['POST', '/api/documents/awkward/keys', { keyId: text, boxes: [] }],
    (text) => ['POST', '/api/documents/awkward/keys', { keyId: 'a', boxes: [{ memberId: text, box: 'a' }] }],
    (text) => ['POST', '/api/documents/awkward/keys', { keyId: 'a', boxes: [{ memberId: 'a', box: text }] }],
    (text) => ['GET', `/api/documents/${encoded(text)}/usage`],
    (text) => ['DELETE', `/api/documents/${encoded(text)}`],
    (text) => ['DELETE', `/api/documents/${encoded(text)}/membership`],
    (text) => ['GET', `/documents/${encoded(text)}/snapshots?sessionKey=${owner}`],
    (text) => ['GET', `/documents/awkward/snapshots/${encoded(text)}?sessionKey=${owner}`],
    (text) => ['GET', `/documents/awkward/snapshots?sessionKey=${owner}&before=${encoded(text)}`],
    (text) => ['GET', `/documents/${encoded(text)}?sessionKey=${owner}`],
    (text) => ['GET', `/documents/awkward?sessionKey=${encoded(text)}`],
    (text) => ['GET', `/documents/awkward?sessionKey=${encoded(text)}&sessionKey=${encoded(text)}`],
    (text) => ['GET', `/${encoded(text)}`]
  ]
  for (const route of routes) {
    for (const text of awkward) {
      const [method, path, body] = route(text)
      const { status, body: answer } = await app.request(method, path, owner, body)
      const said = JSON.stringify(answer)
      if (status >= 500 || /invalid byte sequence|syntax|SELECT|postgres/i.test(said)) t.fail(`${method} ${path.slice(0, 80)}: ${status} ${said.slice(0, 200)}`)
    }
  }
  for (const text of ['\0', 'a\0b', ' ', '']) t.match(await app.request('POST', '/api/sessions', undefined, { name: text }), { status: 400 })
  t.match(await app.request('GET', '/documents/awkward?sessionKey=%00'), { status: 401 })
  t.match(await app.request('GET', '/health'), { status: 200 })
})
