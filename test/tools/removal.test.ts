// The example app: whatever other members have sent, an owner can remove them. The page's own code, with the real server.
import 'fake-indexeddb/auto'
import pg from 'pg'
import t from 'tap'
import type { Membership } from '../../example-app/web/api.ts'
import { documentPath, request } from '../../example-app/web/api.ts'
import { createBoxKeyPair } from '../../example-app/web/crypto/box.ts'
import { randomText, toBase64 } from '../../example-app/web/crypto/base64.ts'
import { deviceKeys, voucher } from '../../example-app/web/crypto/device.ts'
import { KeyExchange } from '../../example-app/web/crypto/key-exchange.ts'
import { Keyring } from '../../example-app/web/crypto/keyring.ts'
import { readDocument, rememberDocument } from '../../example-app/web/device/documents.ts'
import { changeKey, removeMember } from '../../example-app/web/share/removeMember.ts'
import { startSession, type Session } from '../../example-app/web/session.ts'
import { startExampleApp } from '../fixtures/example-app.ts'
import { createDatabase } from '../fixtures/postgres.ts'

const { connectionString: DATABASE_URL } = await createDatabase(t, { migrated: false })
const app = await startExampleApp(t, { DATABASE_URL })
const client = new pg.Client({ connectionString: DATABASE_URL })
await client.connect()
t.teardown(() => client.end())

// A page's paths are relative to its own address.
const { fetch } = globalThis
globalThis.fetch = (path, init) => fetch(new URL(path as string, app.url), init)

/** A document of the owner, as a page has it, and others who have accepted an invitation. */
async function invited (others: string[]) {
  const id = randomText(9)
  const key = randomText(32)
  const owner = await startSession('Olga')
  await request('PUT', documentPath(id), owner.sessionKey)
  await rememberDocument(id, key, 'owner')
  const record = (await readDocument(id))!
  record.owner = owner.memberId
  const members: Session[] = []
  for (const name of others) {
    const { body: { sessionKey } } = await app.request<{ sessionKey: string }>('POST', '/api/sessions', undefined, { name })
    const { token } = await request<{ token: string }>('POST', documentPath(id, 'invitations'), owner.sessionKey, { role: 'editor' })
    await app.request('POST', `/api/invitations/${token}`, sessionKey)
    const { memberId } = await request<{ memberId: string }>('GET', '/api/session', sessionKey)
    members.push({ sessionKey, memberId, name })
  }
  const keyring = new Keyring(record)
  const open = { id, keyring, keyExchange: new KeyExchange(record, keyring, await deviceKeys()) }
  const membership = async () => await request<Membership>('GET', documentPath(id), owner.sessionKey)
  /** As a page of that member does it, with whatever key. */
  const announce = async ({ memberId, sessionKey }: Session, publicKey: string) => await app.request('PUT', documentPath(id, 'keys', 'device'), sessionKey,
    { publicKey, voucher: voucher(key, id, memberId, publicKey) })
  return { id, key, owner, members, open, record, membership, announce }
}

t.test('a device key that cannot be right is refused, and one that is of small order is as good as none', async (t) => {
  const { owner, members: [mallory, ben], open, membership, announce, id } = await invited(['Mallory', 'Ben'])
  for (const wrong of ['', 'A', 'A'.repeat(42), 'A'.repeat(44), 'A'.repeat(1000), `${'A'.repeat(42)}!`]) {
    t.match(await announce(mallory!, wrong), { status: 400 }, wrong)
  }
  // All zeros.
  t.match(await announce(mallory!, 'A'.repeat(43)), { status: 204 })
  t.match(await announce(ben!, toBase64(createBoxKeyPair().publicKey)), { status: 204 })
  const before = open.keyring.newestId
  t.strictSame(await removeMember(open, await membership(), ben!.memberId), { unreached: ['Mallory'], hasNewKey: true })
  t.not(open.keyring.newestId, before)
  t.strictSame((await membership()).members.map(({ name }) => name), ['Olga', 'Mallory'])
  t.strictSame(await removeMember(open, await membership(), mallory!.memberId), { unreached: [], hasNewKey: true })
  t.strictSame((await membership()).members.map(({ name }) => name), ['Olga'])
  t.match(await app.request('GET', documentPath(id), mallory!.sessionKey), { status: 404 })
  t.match(await app.request('GET', documentPath(id), owner.sessionKey), { status: 200 })
})

t.test('a bad key that an earlier version has remembered gives way to a right one', async (t) => {
  const { owner, members: [ben], open, record, membership, announce } = await invited(['Ben'])
  record.devices[ben!.memberId] = 'AAAA'
  const { publicKey } = createBoxKeyPair()
  await announce(ben!, toBase64(publicKey))
  t.match(await open.keyExchange.makeKey(owner, await membership()), { unreached: [] })
  t.equal(record.devices[ben!.memberId], toBase64(publicKey))
})

t.test('another device that the server names for a member is said, and the first one stays', async (t) => {
  const { owner, members: [ben], open, record, announce } = await invited(['Ben'])
  const { memberId } = ben!
  const [first, second] = [toBase64(createBoxKeyPair().publicKey), toBase64(createBoxKeyPair().publicKey)]
  await announce(ben!, first)
  await open.keyExchange.refresh(owner)
  t.strictSame(open.keyExchange.devices.get().get(memberId), { isChanged: false, isCompared: false })
  const number = open.keyExchange.numberWith(memberId, owner.memberId)
  await open.keyExchange.noteCompared(memberId)
  t.strictSame(open.keyExchange.devices.get().get(memberId), { isChanged: false, isCompared: true })
  await announce(ben!, second)
  await open.keyExchange.refresh(owner)
  t.strictSame(open.keyExchange.devices.get().get(memberId), { isChanged: true, isCompared: true })
  t.equal(record.devices[memberId], first)
  t.equal(open.keyExchange.numberWith(memberId, owner.memberId), number)
  t.equal(open.keyExchange.numberWith('nobody', owner.memberId), undefined)
  await open.keyExchange.noteCompared('nobody')
  t.notOk(record.compared?.nobody)
})

t.test('somebody is removed, too, when no key can be made, and a key can be made later', async (t) => {
  const { members: [mallory], open, membership, id } = await invited(['Mallory'])
  // The server says that there is a newer key, which this device does not have.
  await client.query("INSERT INTO app_key (document_id, key_id) VALUES ($1, 'unknown')", [id])
  t.strictSame(await removeMember(open, await membership(), mallory!.memberId), { unreached: [], hasNewKey: false })
  t.strictSame((await membership()).members.map(({ name }) => name), ['Olga'])
  await client.query("DELETE FROM app_key WHERE key_id = 'unknown'")
  t.strictSame(await changeKey(open, await membership()), { unreached: [], hasNewKey: true })
})

t.test('boxes are kept for members only', async (t) => {
  const { owner, members: [ben], id } = await invited(['Ben'])
  const boxes = [owner.memberId, ben!.memberId, 'nobody', 'nobody-else'].map((memberId) => ({ memberId, box: 'A'.repeat(100) }))
  await request('POST', documentPath(id, 'keys'), owner.sessionKey, { keyId: 'new', boxes })
  const { rows } = await client.query<{ id: string }>('SELECT member_id AS id FROM app_key_box WHERE document_id = $1', [id])
  t.strictSame(rows.map(({ id }) => id).sort(), [owner.memberId, ben!.memberId].sort())
  const many = Array.from({ length: 501 }, (_, index) => ({ memberId: `${index}`, box: 'A' }))
  await t.rejects(request('POST', documentPath(id, 'keys'), owner.sessionKey, { keyId: 'newer', boxes: many }), /answered 400/)
})

t.test('a document has at most 500 members, by link and by invitation', async (t) => {
  const { owner, id } = await invited([])
  await client.query(
    `WITH member AS (INSERT INTO app_member (id, name) SELECT 'many-' || n, 'Many' FROM generate_series(1, 499) n RETURNING id)
     INSERT INTO app_membership (document_id, member_id, role) SELECT $1, id, 'editor' FROM member`, [id])
  const { token } = await request<{ token: string }>('POST', documentPath(id, 'invitations'), owner.sessionKey, { role: 'editor' })
  const late = await app.session('Late')
  t.match(await app.request('POST', `/api/invitations/${token}`, late), { status: 409, body: { code: 'APP_TOO_MANY_MEMBERS' } })
  await client.query("UPDATE app_document SET access = 'link' WHERE id = $1", [id])
  t.match(await app.request('PUT', documentPath(id), late), { status: 404 })
  // Whoever is removed makes room.
  t.match(await app.request('DELETE', documentPath(id, 'members', 'many-1'), owner.sessionKey), { status: 204 })
  t.match(await app.request('POST', `/api/invitations/${token}`, late), { status: 404 }, 'with the removal, the invitation has ended')
  const { token: next } = await request<{ token: string }>('POST', documentPath(id, 'invitations'), owner.sessionKey, { role: 'editor' })
  t.match(await app.request('POST', `/api/invitations/${next}`, late), { status: 200 })
})
