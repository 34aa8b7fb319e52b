// The example app: whatever other members have sent, an owner can remove them. The page's own code, with the real server.
import t from 'tap'
import { documentPath, request } from '../../example-app/web/api.ts'
import { createBoxKeyPair, type BoxKeyPair } from '../../example-app/web/crypto/box.ts'
import { randomText, toBase64 } from '../../example-app/web/crypto/base64.ts'
import { deviceKeys, voucher } from '../../example-app/web/crypto/device.ts'
import { keyIdOf, MissingKey } from '../../example-app/web/crypto/keyring.ts'
import { safetyNumber } from '../../example-app/web/crypto/safety-number.ts'
import { seal, unsealKey } from '../../example-app/web/crypto/sealed-key.ts'
import { readDocument } from '../../example-app/web/device/documents.ts'
import { changeKey, removeMember } from '../../example-app/web/share/removeMember.ts'
import type { Session } from '../../example-app/web/session.ts'
import { startKeyExchange } from '../fixtures/key-exchange.ts'

const { app, client, pageOf, invited, receivers } = await startKeyExchange(t)

t.test('a device key that cannot be right is refused, and one that is of small order is as good as none', async (t) => {
  const { owner, members: [mallory, ben], open, membership, announce, id } = await invited(['Mallory', 'Ben'])
  for (const wrong of ['', 'A', 'A'.repeat(42), 'A'.repeat(44), 'A'.repeat(1000), `${'A'.repeat(42)}!`]) {
    t.match(await announce(mallory!, wrong), { status: 400 }, wrong)
  }
  // All zeros.
  t.match(await announce(mallory!, 'A'.repeat(43)), { status: 204 })
  t.match(await announce(ben!, toBase64(createBoxKeyPair().publicKey)), { status: 204 })
  const before = open.keyring.newestId
  t.strictSame(await removeMember(open, ben!.memberId), { asked: [], unreached: ['Mallory'], hasNewKey: true })
  t.not(open.keyring.newestId, before)
  t.strictSame((await membership()).members.map(({ name }) => name), ['Olga', 'Mallory'])
  t.strictSame(await removeMember(open, mallory!.memberId), { asked: [], unreached: [], hasNewKey: true })
  t.strictSame((await membership()).members.map(({ name }) => name), ['Olga'])
  t.match(await app.request('GET', documentPath(id), mallory!.sessionKey), { status: 404 })
  t.match(await app.request('GET', documentPath(id), owner.sessionKey), { status: 200 })
})

t.test('a bad key that an earlier version has remembered gives way to a right one', async (t) => {
  const { owner, members: [ben], open, record, announce } = await invited(['Ben'])
  record.devices[ben!.memberId] = 'AAAA'
  const { publicKey } = createBoxKeyPair()
  await announce(ben!, toBase64(publicKey))
  await open.keyExchange.refresh(owner)
  t.match(await open.keyExchange.makeKey(owner), { unreached: [] })
  t.equal(record.devices[ben!.memberId], toBase64(publicKey))
})

t.test('another device that the server names for a member is said, and the first one stays', async (t) => {
  const { owner, members: [ben], open, record, announce } = await invited(['Ben'])
  const { memberId } = ben!
  const [first, second] = [toBase64(createBoxKeyPair().publicKey), toBase64(createBoxKeyPair().publicKey)]
  await announce(ben!, first)
  await open.keyExchange.refresh(owner)
  t.strictSame(open.keyExchange.devices.get().get(memberId), { isTrusted: true, isChanged: false, isCompared: false })
  const number = open.keyExchange.numberWith(memberId, owner.memberId)
  await open.keyExchange.noteCompared(memberId, owner)
  t.strictSame(open.keyExchange.devices.get().get(memberId), { isTrusted: true, isChanged: false, isCompared: true })
  await announce(ben!, second)
  await open.keyExchange.refresh(owner)
  t.strictSame(open.keyExchange.devices.get().get(memberId), { isTrusted: true, isChanged: true, isCompared: true })
  t.equal(record.devices[memberId], first)
  t.equal(open.keyExchange.numberWith(memberId, owner.memberId), number)
  t.equal(open.keyExchange.numberWith('nobody', owner.memberId), undefined)
  await open.keyExchange.noteCompared('nobody', owner)
  t.notOk(record.compared?.nobody)
})

t.test('somebody is removed, too, when no key can be made, and a key can be made later', async (t) => {
  const { members: [mallory], open, membership, id } = await invited(['Mallory'])
  // The server says that there is a newer key, which this device does not have.
  await client.query("INSERT INTO app_key (document_id, key_id) VALUES ($1, 'unknown')", [id])
  t.strictSame(await removeMember(open, mallory!.memberId), { asked: [], unreached: [], hasNewKey: false })
  t.strictSame((await membership()).members.map(({ name }) => name), ['Olga'])
  await client.query("DELETE FROM app_key WHERE key_id = 'unknown'")
  t.strictSame(await changeKey(open), { asked: [], unreached: [], hasNewKey: true })
})

/** The keys that a device can open, as the server hands them to its member. */
async function opened (documentId: string, { sessionKey }: Session, device: BoxKeyPair, owner: BoxKeyPair) {
  const { body: { rotations } } = await app.request<{ rotations: Array<{ keyId: string, box?: string }> }>('GET', documentPath(documentId, 'keys'), sessionKey)
  return rotations.map(({ box }) => box === undefined ? undefined : unsealKey(box, toBase64(owner.publicKey), device))
}

// Who with whom can do what: the table in docs/security.md. "The server" writes the database, so it announces whatever device for whomever.

t.test('the server with who is removed: a device that they name after the last look gets no key, now and later', async (t) => {
  const { owner, members: [mallory, ben, mia], open, record, announce, id } = await invited(['Mallory', 'Ben', 'Mia'])
  const [hers, forged] = [toBase64(createBoxKeyPair().publicKey), toBase64(createBoxKeyPair().publicKey)]
  await announce(mia!, hers)
  await open.keyExchange.refresh(owner)
  await announce(ben!, forged)
  await announce(mia!, forged)
  t.strictSame(await removeMember(open, mallory!.memberId), { asked: ['Ben'], unreached: [], hasNewKey: true })
  t.strictSame(await receivers(id), [owner.memberId, mia!.memberId].sort())
  t.equal(record.devices[mia!.memberId], hers, 'what is sealed for her is sealed for the device that was seen')
  await open.keyExchange.refresh(owner)
  t.strictSame(open.keyExchange.devices.get().get(ben!.memberId), { isTrusted: false, isChanged: false, isCompared: false }, 'the owner is told')
  t.match(open.keyExchange.devices.get().get(mia!.memberId), { isTrusted: true, isChanged: true })
  t.match(await changeKey(open), { asked: ['Ben'] })

  // Ben gets the new link, and his page vouches for his device with the new key.
  const his = toBase64(createBoxKeyPair().publicKey)
  await app.request('PUT', documentPath(id, 'keys', 'device'), ben!.sessionKey,
    { publicKey: his, voucher: voucher(open.keyring.newest.get(), id, ben!.memberId, his) })
  await open.keyExchange.refresh(owner)
  t.equal(record.devices[ben!.memberId], his)
})

t.test('nor does it when the removal could make no key, and another page of the owner makes it later', async (t) => {
  const { owner, members: [mallory, ben], open, announce, id } = await invited(['Mallory', 'Ben'])
  await client.query("INSERT INTO app_key (document_id, key_id) VALUES ($1, 'unknown')", [id])
  t.match(await removeMember(open, mallory!.memberId), { hasNewKey: false })
  await client.query("DELETE FROM app_key WHERE key_id = 'unknown'")
  await announce(ben!, toBase64(createBoxKeyPair().publicKey))
  const later = await pageOf(id)
  await later.keyExchange.refresh(owner)
  t.strictSame(await changeKey(later), { asked: ['Ben'], unreached: [], hasNewKey: true })
  t.strictSame(await receivers(id), [owner.memberId])
})

t.test('nor by another page of the owner that was open during the removal', async (t) => {
  const { owner, members: [mallory, ben], open, announce, id } = await invited(['Mallory', 'Ben'])
  const other = await pageOf(id)
  await open.keyExchange.makeKey(owner, mallory!.memberId)
  await announce(ben!, toBase64(createBoxKeyPair().publicKey))
  // The server keeps the new key from that page.
  await client.query('DELETE FROM app_key_box WHERE document_id = $1', [id])
  await client.query('DELETE FROM app_key WHERE document_id = $1', [id])
  await other.keyExchange.refresh(owner)
  t.equal((await readDocument(id))!.devices[ben!.memberId], undefined)
})

t.test('the server alone cannot name a device, whenever it does', async (t) => {
  const { owner, members: [ben, mia], open, announce, id } = await invited(['Ben', 'Mia'])
  await announce(ben!, toBase64(createBoxKeyPair().publicKey))
  await client.query('UPDATE app_device SET public_key = $2 WHERE document_id = $1', [id, toBase64(createBoxKeyPair().publicKey)])
  await open.keyExchange.refresh(owner)
  t.equal(open.keyExchange.devices.get().get(ben!.memberId), undefined)
  t.equal(open.keyExchange.numberWith(ben!.memberId, owner.memberId), undefined)
  t.match(await removeMember(open, mia!.memberId), { unreached: ['Ben'] })
  t.strictSame(await receivers(id), [owner.memberId])
})

t.test('who joined after the last look gets the keys when the safety number is the same', async (t) => {
  const { owner, members: [mallory, mia, ben], open, record, announce, id, key } = await invited(['Mallory', 'Mia', 'Ben'])
  await open.keyExchange.refresh(owner)
  const his = createBoxKeyPair()
  await announce(ben!, toBase64(his.publicKey))
  t.match(await removeMember(open, mallory!.memberId), { asked: ['Ben'], unreached: ['Mia'] })
  t.match(await removeMember(open, mia!.memberId), { asked: ['Ben'], unreached: [] })
  const device = await deviceKeys()
  t.equal(open.keyExchange.numberWith(ben!.memberId, owner.memberId), safetyNumber(
    { memberId: ben!.memberId, publicKey: toBase64(his.publicKey) }, { memberId: owner.memberId, publicKey: toBase64(device.publicKey) }
  ))
  t.strictSame(await opened(id, ben!, his, device), [undefined, undefined])
  await open.keyExchange.noteCompared(ben!.memberId, owner)
  t.strictSame(open.keyExchange.devices.get().get(ben!.memberId), { isTrusted: true, isChanged: false, isCompared: true })
  const [, second, third] = record.keys
  t.strictSame(await opened(id, ben!, his, device), [
    { documentId: id, key: second, replaces: keyIdOf(key) }, { documentId: id, key: third, replaces: keyIdOf(second!) }
  ])
  t.match(await changeKey(open), { asked: [], unreached: [] })
})

t.test('boxes for one member are for members, of keys that there are', async (t) => {
  const { owner, members: [ben], open, id } = await invited(['Ben'])
  const { key } = await open.keyExchange.makeKey(owner)
  const boxes = [{ keyId: keyIdOf(key), box: 'AAAA' }, { keyId: 'unknown', box: 'AAAA' }]
  const send = async (memberId: string, sessionKey: string) => await app.request('POST', documentPath(id, 'members', memberId, 'boxes'), sessionKey, { boxes })
  t.match(await send(ben!.memberId, ben!.sessionKey), { status: 403 })
  t.match(await send('nobody', owner.sessionKey), { status: 404 })
  t.match(await send(ben!.memberId, owner.sessionKey), { status: 204 })
  t.match(await send(ben!.memberId, owner.sessionKey), { status: 204 }, 'also once more')
  t.strictSame(await receivers(id), [ben!.memberId, owner.memberId].sort())
})

t.test('the server with members: a browser that has seen the owner takes no key of another device', async (t) => {
  const { owner: mia, members: [olga, mallory], open, record, announce, id, key } = await invited(['Olga', 'Mallory'])
  record.owner = olga!.memberId
  const [hers, forged, mallorys] = [createBoxKeyPair(), createBoxKeyPair(), createBoxKeyPair()]
  await announce(olga!, toBase64(hers.publicKey))
  await announce(mallory!, toBase64(mallorys.publicKey))
  await open.keyExchange.refresh(mia)
  await announce(olga!, toBase64(forged.publicKey))
  const { publicKey } = await deviceKeys()
  const handOut = async (by: BoxKeyPair, key: string, replaces: string) => {
    const box = seal({ documentId: id, key, replaces }, toBase64(publicKey), by)
    await request('POST', documentPath(id, 'keys'), mia.sessionKey, { keyId: keyIdOf(key), boxes: [{ memberId: mia.memberId, box }] })
    return await open.keyExchange.refresh(mia).catch((error: unknown) => error)
  }
  for (const [by, replaces] of [[forged, keyIdOf(key)], [mallorys, keyIdOf(key)], [hers, keyIdOf(randomText(32))]] as const) {
    t.ok(await handOut(by, randomText(32), replaces) instanceof MissingKey)
    t.equal(open.keyring.newest.get(), key)
  }
  const next = randomText(32)
  t.equal(await handOut(hers, next, keyIdOf(key)), undefined)
  t.equal(open.keyring.newest.get(), next)
})

t.test('the server with who was removed: a member without the newest key takes nobody whom an older key vouches for', async (t) => {
  const { owner: mia, members: [olga], open, record, announce, id } = await invited(['Olga'])
  await client.query("INSERT INTO app_key (document_id, key_id) VALUES ($1, 'newer')", [id])
  await announce(olga!, toBase64(createBoxKeyPair().publicKey))
  t.ok(await open.keyExchange.refresh(mia).catch((error: unknown) => error) instanceof MissingKey)
  t.equal(record.devices[olga!.memberId], undefined)
  t.ok(await open.keyExchange.noteCompared(olga!.memberId, mia).catch((error: unknown) => error) instanceof MissingKey, 'nor is a key handed over that is not here')
  t.equal(record.devices[olga!.memberId], undefined)
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
