// The example app: an owner hands a document over to another member. The page's own code, with the real server, which may be hostile.
import t from 'tap'
import { documentPath, request } from '../../example-app/web/api.ts'
import { createBoxKeyPair, type BoxKeyPair } from '../../example-app/web/crypto/box.ts'
import { randomText, toBase64 } from '../../example-app/web/crypto/base64.ts'
import { deviceKeys } from '../../example-app/web/crypto/device.ts'
import { keyIdOf, MissingKey } from '../../example-app/web/crypto/keyring.ts'
import { seal, unsealHandover } from '../../example-app/web/crypto/sealed-key.ts'
import { readDocument } from '../../example-app/web/device/documents.ts'
import { startKeyExchange } from '../fixtures/key-exchange.ts'

const { app, client, invited } = await startKeyExchange(t, { MAX_DOCUMENTS: '2', MAX_STORED_BYTES: '100000' })

const publicKeyOf = (device: BoxKeyPair) => toBase64(device.publicKey)

t.test('the owner becomes an editor and can leave, and the next owner does what owners do', async (t) => {
  const { id, owner, members: [ben, vera], open, record, membership, announce } = await invited(['Ben', 'Vera'])
  const [his, hers] = [createBoxKeyPair(), createBoxKeyPair()]
  await announce(ben!, publicKeyOf(his))
  await announce(vera!, publicKeyOf(hers))
  t.strictSame(await open.keyExchange.handOver(owner, ben!.memberId), [])
  t.match(await membership(), { role: 'editor', handovers: 1, members: [{ name: 'Olga', role: 'editor' }, { name: 'Ben', role: 'owner' }, { name: 'Vera', role: 'editor' }] })
  t.match(await readDocument(id), { owner: ben!.memberId, handovers: 1 })
  t.ok(open.keyExchange.isOwnedAs((await membership()).members))

  const device = await deviceKeys()
  const content = { documentId: id, number: 1, owner: { memberId: ben!.memberId, publicKey: publicKeyOf(his) } }
  for (const [member, keys] of [[ben!, his], [vera!, hers], [owner, device]] as const) {
    const { body } = await app.request<{ handovers: Array<{ number: number, box: string }> }>('GET', documentPath(id, 'keys'), member.sessionKey)
    t.strictSame(body.handovers.map(({ number, box }) => [number, unsealHandover(box, publicKeyOf(device), keys)]), [[1, content]], member.name)
  }

  for (const [method, path, body] of [
    ['POST', ['invitations'], { role: 'editor' }], ['DELETE', ['members', vera!.memberId]], ['POST', ['keys'], { keyId: 'a', boxes: [] }],
    ['POST', ['owner'], { memberId: owner.memberId, number: 2, boxes: [] }], ['DELETE', []]
  ] as const) t.match(await app.request(method, documentPath(id, ...path), owner.sessionKey, body), { status: 403 }, path.join('/'))
  t.match(await app.request('POST', documentPath(id, 'keys'), ben!.sessionKey, { keyId: 'a', boxes: [] }), { status: 204 })
  t.match(await app.request('DELETE', documentPath(id, 'members', vera!.memberId), ben!.sessionKey), { status: 204 })
  t.match(await app.request('DELETE', documentPath(id, 'membership'), owner.sessionKey), { status: 204 })
  t.match(await app.request('DELETE', documentPath(id, 'membership'), ben!.sessionKey), { status: 409, body: { code: 'APP_OWNERS_STAY' } })
  t.equal(record.role, 'owner', 'the page hears of its role with the members')
})

t.test('only to a member whose device is known, and the others are named', async (t) => {
  const { id, owner, members: [ben, vera], open, membership, announce } = await invited(['Ben', 'Vera'])
  await t.rejects(open.keyExchange.handOver(owner, ben!.memberId), /not known/)
  t.match(await membership(), { role: 'owner', handovers: 0 })
  await announce(ben!, publicKeyOf(createBoxKeyPair()))
  t.strictSame(await open.keyExchange.handOver(owner, ben!.memberId), ['Vera'])
  const { rows } = await client.query<{ id: string }>('SELECT member_id AS id FROM app_handover WHERE document_id = $1', [id])
  t.strictSame(rows.map(({ id }) => id).sort(), [owner.memberId, ben!.memberId].sort())
  t.ok(vera)
})

t.test('the server takes handovers one after the other, to members with room, from the owner', async (t) => {
  const { id, owner, members: [ben, vera] } = await invited(['Ben', 'Vera'])
  const send = async (memberId: string, { number = 1, by = owner, boxes = [{ memberId, box: 'AAAA' }, { memberId: 'nobody', box: 'AAAA' }] } = {}) => {
    return await app.request('POST', documentPath(id, 'owner'), by.sessionKey, { memberId, number, boxes })
  }
  t.match(await send(ben!.memberId, { by: ben! }), { status: 403 })
  t.match(await send('nobody'), { status: 404 })
  t.match(await send(owner.memberId), { status: 404 })
  t.match(await send(ben!.memberId, { number: 2 }), { status: 409, body: { code: 'APP_HANDED_OVER' } })
  t.match(await send(ben!.memberId, { boxes: [] }), { status: 400, body: { code: 'APP_NOT_SEALED' } })

  for (const name of ['one', 'two']) await app.request('PUT', documentPath(`${id}-${name}`), ben!.sessionKey)
  t.match(await send(ben!.memberId), { status: 409, body: { code: 'APP_OWNS_TOO_MANY' } })
  await app.request('DELETE', documentPath(`${id}-two`), ben!.sessionKey)
  const fill = async (documentId: string, bytes: number) => await client.query(
    'INSERT INTO app_file (document_id, id, member_id, bytes) VALUES ($1, $2, $3, $4)', [documentId, randomText(32), owner.memberId, bytes])
  await fill(id, 60_000)
  await fill(`${id}-one`, 50_000)
  t.match(await send(ben!.memberId), { status: 507, body: { code: 'APP_STORAGE_FULL' } })

  const answers = await Promise.all([vera!, vera!].map(async ({ memberId }) => (await send(memberId)).status))
  t.strictSame([answers.includes(204), answers.filter((status) => status === 204).length], [true, 1], `also at the same moment: ${answers.join()}`)
  const { rows } = await client.query<{ id: string }>('SELECT member_id AS id FROM app_handover WHERE document_id = $1', [id])
  t.strictSame(rows, [{ id: vera!.memberId }], 'there are boxes for members only')
  t.match(await app.request('PUT', documentPath(`${id}-three`), owner.sessionKey), { status: 200 }, 'it does not count for the owner before')
  t.match(await app.request('PUT', documentPath(`${id}-four`), owner.sessionKey), { status: 200 })
})

t.test('the owner before makes no key, also on a node that has not heard of it yet', async (t) => {
  const { id, owner, members: [ben] } = await invited(['Ben'])
  const makeKey = async (keyId: string) => await app.request('POST', documentPath(id, 'keys'), owner.sessionKey, { keyId, boxes: [] })
  t.match(await makeKey('before'), { status: 204 })
  // This node remembers for a second who she was.
  await client.query("UPDATE app_membership SET role = CASE member_id WHEN $2 THEN 'owner'::app_role ELSE 'editor' END WHERE document_id = $1", [id, ben!.memberId])
  t.match(await makeKey('after'), { status: 403 })
})

/** This device is a member's, and has seen the devices of three others. Nobody is a friend: statements and keys go straight into the database. */
async function follower () {
  const { id, key, owner: mia, members: [ana, ben, mallory], open, record, announce } = await invited(['Ana', 'Ben', 'Mallory'])
  const device = await deviceKeys()
  const devices = { ana: createBoxKeyPair(), ben: createBoxKeyPair(), mallory: createBoxKeyPair() }
  const members = { ana: ana!, ben: ben!, mallory: mallory! }
  record.owner = ana!.memberId
  await announce(ana!, publicKeyOf(devices.ana))
  await open.keyExchange.refresh(mia)
  const store = async (number: number, box: string) => await client.query(
    `INSERT INTO app_handover (document_id, number, member_id, box) VALUES ($1, $2, $3, $4)
     ON CONFLICT (document_id, number, member_id) DO UPDATE SET box = excluded.box`, [id, number, mia.memberId, box])
  type Name = keyof typeof devices
  return {
    id,
    key,
    open,
    record,
    announce,
    devices,
    members,
    store,
    statement: (to: Name, number: number, by: BoxKeyPair, { documentId = id, publicKey = publicKeyOf(devices[to]), receiver = device } = {}) =>
      seal({ documentId, number, owner: { memberId: members[to].memberId, publicKey } }, publicKeyOf(receiver), by),
    /** Whatever the server says, this is what the device makes of it. */
    refresh: async () => await open.keyExchange.refresh(mia).catch((error: unknown) => error),
    owner: () => Object.entries(members).find(([, { memberId }]) => memberId === record.owner)?.[0],
    async handOut (by: BoxKeyPair, next: string, replaced: string) {
      const box = seal({ documentId: id, key: next, replaces: keyIdOf(replaced) }, publicKeyOf(device), by)
      await request('POST', documentPath(id, 'keys'), mia.sessionKey, { keyId: keyIdOf(next), boxes: [{ memberId: mia.memberId, box }] })
    }
  }
}

t.test('a member takes keys of the next owner on the word of the one before, and no keys of that one any more', async (t) => {
  const { key, devices, store, statement, refresh, owner, handOut, record, open } = await follower()
  t.equal(await refresh(), undefined)
  await store(1, statement('ben', 1, devices.ana))
  t.equal(await refresh(), undefined)
  t.equal(owner(), 'ben')
  t.equal(record.handovers, 1)
  const next = randomText(32)
  await handOut(devices.ben, next, key)
  t.equal(await refresh(), undefined)
  t.equal(open.keyring.newest.get(), next)
  await handOut(devices.ana, randomText(32), next)
  t.ok(await refresh() instanceof MissingKey)
  t.equal(open.keyring.newest.get(), next)
})

t.test('who was away follows all owners, and takes the keys of each', async (t) => {
  const { key, devices, store, statement, refresh, owner, handOut, record, open } = await follower()
  const keys = [key, ...Array.from({ length: 5 }, () => randomText(32))]
  const owners = [devices.ana, devices.ben, devices.ana, devices.ana, devices.mallory]
  for (const [index, by] of owners.entries()) await handOut(by, keys[index + 1]!, keys[index]!)
  await store(1, statement('ben', 1, devices.ana))
  await store(2, statement('ana', 2, devices.ben))
  await store(3, statement('mallory', 3, devices.ana))
  t.equal(await refresh(), undefined)
  t.strictSame([owner(), record.handovers, record.keys], ['mallory', 3, keys])
  t.equal(open.keyring.newest.get(), keys[5])
})

t.test('nobody but the owner can say who is the next one', async (t) => {
  const { id, devices, store, statement, refresh, owner } = await follower()
  const forged = createBoxKeyPair()
  const zeros = 'A'.repeat(43)
  for (const [what, number, box] of [
    ['the server', 1, statement('ben', 1, forged)],
    ['another member', 1, statement('mallory', 1, devices.mallory)],
    ['the next owner', 1, statement('ben', 1, devices.ben)],
    ['of another document', 1, statement('ben', 1, devices.ana, { documentId: 'another' })],
    ['for another member', 1, statement('ben', 1, devices.ana, { receiver: devices.mallory })],
    ['of a later handover', 1, statement('ben', 2, devices.ana)],
    ['without the one before', 2, statement('ben', 2, devices.ana)],
    ['a device that cannot be right', 1, statement('ben', 1, devices.ana, { publicKey: zeros })],
    ['a key', 1, seal({ documentId: id, key: randomText(32), replaces: 'a' }, publicKeyOf(await deviceKeys()), devices.ana)],
    ['no box', 1, 'AAAA']
  ] as const) {
    await client.query('DELETE FROM app_handover WHERE document_id = $1', [id])
    await store(number, box)
    t.equal(await refresh(), undefined, what)
    t.equal(owner(), 'ana', what)
  }
})

t.test('what was said before the document was handed back cannot be said again', async (t) => {
  const { devices, store, statement, refresh, owner } = await follower()
  const first = statement('ben', 1, devices.ana)
  await store(1, first)
  await store(2, statement('ana', 2, devices.ben))
  await refresh()
  t.equal(owner(), 'ana')
  await store(3, first)
  await refresh()
  t.equal(owner(), 'ana')
})

t.test('a statement exchanges no device that was seen, and tells of one that was not', async (t) => {
  const { devices, members, announce, store, statement, refresh, record } = await follower()
  const another = createBoxKeyPair()
  await announce(members.ben, publicKeyOf(devices.ben))
  await refresh()
  await store(1, statement('ben', 1, devices.ana, { publicKey: publicKeyOf(another) }))
  await refresh()
  t.equal(record.devices[members.ben.memberId], publicKeyOf(devices.ben))
  t.equal(record.owner, members.ben.memberId)
  await store(2, statement('mallory', 2, devices.ben))
  await refresh()
  t.equal(record.devices[members.mallory.memberId], publicKeyOf(devices.mallory))
})

t.test('the server alone makes nobody the owner', async (t) => {
  const { id, members, open, refresh, owner } = await follower()
  await client.query("UPDATE app_membership SET role = 'editor' WHERE document_id = $1", [id])
  await client.query("UPDATE app_membership SET role = 'owner' WHERE document_id = $1 AND member_id = $2", [id, members.mallory.memberId])
  await refresh()
  t.equal(owner(), 'ana')
  t.notOk(open.keyExchange.isOwnedAs([{ memberId: members.mallory.memberId, name: 'Mallory', role: 'owner', publicKeys: [] }]), 'the page says so')
})
