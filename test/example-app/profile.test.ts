// The profile: the list of a person's documents, the same on all of their devices.
import 'fake-indexeddb/auto'
import fc from 'fast-check'
import t from 'tap'
import * as Y from 'yjs'
import { randomText } from '../../example-app/web/crypto/base64.ts'
import { transact } from '../../example-app/web/device/database.ts'
import {
  forgetDocument, noteForgotten, readDocument, readForgotten, rememberDocument, saveDocument, updateDocuments, type DocumentRecord
} from '../../example-app/web/device/documents.ts'
import { mergeKeys } from '../../example-app/web/device/merge-keys.ts'
import { recover } from '../../example-app/web/device/recovery.ts'
import { devicesOf, entryOf, idsOf, listingOf, removeDevices, removeEntry, writeDevice, writeEntry, type Entry } from '../../example-app/web/profile/entry.ts'
import { isSame } from '../../example-app/web/profile/is-same.ts'
import { profileIdentity } from '../../example-app/web/profile/identity.ts'
import { hasProfile, keepProfile, loadProfile, profileSetting, useProfile } from '../../example-app/web/profile/profile.ts'
import { reconcile, recordFrom } from '../../example-app/web/profile/reconcile.ts'
import { browserOf } from '../../example-app/web/profile/this-browser.ts'

const [k1, k2, k3, k4] = [randomText(32), randomText(32), randomText(32), randomText(32)]

function recordOf (facts: Partial<DocumentRecord> = {}): DocumentRecord {
  return { id: 'a', title: 'Minutes', role: 'owner', keys: [k1], registered: true, devices: {}, openedAt: 5, ...facts }
}

function entryWith (facts: Partial<Entry> = {}): Entry {
  return { keys: [k1], title: 'Minutes', folder: '', devices: {}, compared: {}, openedAt: 5, role: 'owner', ...facts }
}

/** Two devices that exchange all that they have written. */
function exchange (one: Y.Doc, other: Y.Doc): void {
  const [mine, theirs] = [Y.encodeStateAsUpdateV2(one), Y.encodeStateAsUpdateV2(other)]
  Y.applyUpdateV2(one, theirs)
  Y.applyUpdateV2(other, mine)
}

t.test('keys are all keys of both, in the order of both', async (t) => {
  t.strictSame(mergeKeys([k1, k2], [k1, k2, k3]), [k1, k2, k3])
  t.strictSame(mergeKeys([k2], [k1, k2]), [k1, k2], 'an old key does not become the newest')
  t.strictSame(mergeKeys([k1, k2], [k2]), [k1, k2])
  t.strictSame(mergeKeys([k1, k4], [k1, k2, k3]), [k1, k4, k2, k3], 'without an order between them those of the other are last')
  t.strictSame(mergeKeys([k1, k2], [k2, k1]), [k1, k2], 'where they disagree, the first holds')
  t.strictSame(mergeKeys([k1, k1], [k2, k2]), [k1, k2])
  const all = [...'abcdefgh']
  fc.assert(fc.property(fc.subarray(all), fc.subarray(all), (one, other) => {
    const merged = mergeKeys(one, other)
    const inOrder = (keys: string[]) => keys.every((key, place) => place === 0 || merged.indexOf(keys[place - 1] ?? '') < merged.indexOf(key))
    return merged.length === new Set([...one, ...other]).size && inOrder(one) && inOrder(other)
  }))
})

t.test('a page that knows only the newest key keeps it as the newest', async (t) => {
  await saveDocument(recordOf({ id: 'late', keys: [k2] }))
  const page = await readDocument('late')
  if (page === undefined) throw new Error('not kept')
  await updateDocuments(['late'], (_id, record) => record && { ...record, keys: [k1, k2], title: 'Renamed' })
  page.openedAt = 9
  await saveDocument(page)
  t.match(await readDocument('late'), { keys: [k1, k2], title: 'Renamed', openedAt: 9 })
  t.strictSame(page.keys, [k1, k2])
})

t.test('title and folder are those of whoever changed them since both agreed', async (t) => {
  const agreed = reconcile(recordOf({ folder: 'Work' }), undefined)
  t.match(agreed.entry, { title: 'Minutes', folder: 'Work', keys: [k1], openedAt: 5, role: 'owner' })
  const { record } = agreed
  t.ok(isSame(reconcile(record, agreed.entry), agreed), 'once is enough')

  const here = reconcile({ ...record, title: 'Here', folder: '' }, agreed.entry)
  t.match(here.entry, { title: 'Here', folder: '' })
  const there = reconcile(record, { ...agreed.entry, title: 'There', folder: 'Home' })
  t.match(there.record, { title: 'There', folder: 'Home' })
  const both = reconcile({ ...record, title: 'Here', folder: 'Here' }, { ...agreed.entry, title: 'There' })
  t.match(both, { record: { title: 'There', folder: 'Here' }, entry: { title: 'There', folder: 'Here' } }, 'of two titles the one in the profile')
  t.match(reconcile({ ...record, title: '' }, agreed.entry).entry, { title: '' }, 'a title that was taken away')
  t.match(reconcile(record, { ...agreed.entry, title: '' }).record, { title: '' })

  t.match(reconcile(recordOf({ title: 'Mine' }), entryWith({ title: 'Theirs', folder: 'Work' })).record, { title: 'Theirs', folder: 'Work' }, 'that never agreed')
  t.match(reconcile(recordOf({ title: 'Mine' }), entryWith({ title: '' })), { record: { title: 'Mine' }, entry: { title: 'Mine' } })
  t.match(reconcile(recordOf({ replacedKeyId: 'k' }), entryWith()).entry, { replacedKeyId: 'k' })
  t.match(reconcile(recordOf(), entryWith({ replacedKeyId: 'k' })).record, { replacedKeyId: 'k' }, 'a removal that began elsewhere')
  t.match(reconcile(recordOf({ role: 'viewer', openedAt: 7 }), entryWith()).record, { role: 'viewer', openedAt: 7 }, 'each device has its own')
})

t.test('a key from a link that nothing has proven stays on its device', async (t) => {
  const unproven = reconcile(recordOf({ keys: [k2, k1], keyFromLink: k2 }), entryWith())
  t.strictSame(unproven.entry.keys, [k1])
  t.match(unproven.record, { keys: [k2, k1], keyFromLink: k2 })
  const proven = reconcile(unproven.record, entryWith({ keys: [k1, k2] }))
  t.strictSame(proven.record.keys, [k1, k2], 'another device knows that it is the newest')
  t.equal(proven.record.keyFromLink, undefined)
})

t.test('a device of somebody goes to another device only if its safety number was compared', async (t) => {
  const first = reconcile(recordOf({ devices: { ben: 'his' } }), undefined)
  t.match(first.entry.devices, { ben: 'his' })
  // The server has named a wrong one to another device of this person.
  const wrong = entryWith({ devices: { ben: 'his', eve: 'of the server' } })
  t.strictSame(reconcile(first.record, wrong).record.devices, { ben: 'his' })
  t.strictSame(recordFrom('a', wrong).devices, { ben: 'his', eve: 'of the server' }, 'for a device to which the document is new')
  const compared = entryWith({ devices: { ben: 'other', eve: 'hers' }, compared: { ben: 'other' } })
  const taken = reconcile(first.record, compared)
  t.match(taken.record, { devices: { ben: 'other' }, compared: { ben: 'other' } })
  const again = reconcile({ ...taken.record, compared: { ben: 'third' }, devices: { ben: 'third' } }, taken.entry)
  t.match(again, { record: { devices: { ben: 'third' } }, entry: { devices: { ben: 'third', eve: 'hers' }, compared: { ben: 'third' } } })
})

t.test('each device knows the owner itself, and the profile has the last one', async (t) => {
  const first = reconcile(recordOf({ owner: 'ana' }), undefined)
  t.strictSame(first.entry.owner, { memberId: 'ana', handovers: 0 })
  const next = reconcile(recordOf({ owner: 'ben', handovers: 1 }), first.entry)
  t.strictSame(next.entry.owner, { memberId: 'ben', handovers: 1 })
  t.match(reconcile(first.record, next.entry), { record: { owner: 'ana' }, entry: { owner: { memberId: 'ben' } } })
  // The server has named a wrong one to another device of this person, at its first sight.
  t.strictSame(reconcile(recordOf({ owner: 'eve' }), first.entry).entry.owner, { memberId: 'ana', handovers: 0 })
  t.match(recordFrom('a', next.entry), { owner: 'ben', handovers: 1 })
  const doc = new Y.Doc()
  writeEntry(doc, 'a', next.entry)
  t.ok(isSame(entryOf(doc, 'a'), next.entry))
})

t.test('two devices that add the same document at the same moment lose nothing', async (t) => {
  const [one, other] = [new Y.Doc(), new Y.Doc()]
  writeEntry(one, 'a', entryWith({ keys: [k1, k2], devices: { ben: 'his' }, title: 'One' }))
  writeEntry(other, 'a', entryWith({ keys: [k2, k3], devices: { eve: 'hers' }, title: 'Other', folder: 'Work' }))
  exchange(one, other)
  const entry = entryOf(one, 'a')
  t.ok(isSame(entry, entryOf(other, 'a')))
  t.same([...entry?.keys ?? []].sort(), [k1, k2, k3].sort())
  t.match(entry, { devices: { ben: 'his', eve: 'hers' } })
  const merged = [reconcile(recordOf({ keys: [k1, k2] }), entry), reconcile(recordOf({ keys: [k2, k3] }), entry)]
  t.strictSame(merged[0]?.record.keys, merged[1]?.record.keys, 'and have the same order')
})

t.test('a key that another device learns goes behind those before it', async (t) => {
  const doc = new Y.Doc()
  writeEntry(doc, 'a', entryWith({ keys: [k2] }))
  writeEntry(doc, 'a', entryWith({ keys: [k1, k2, k3] }))
  t.strictSame(entryOf(doc, 'a')?.keys, [k1, k2, k3])
  let updates = 0
  doc.on('update', () => { updates++ })
  writeEntry(doc, 'a', entryWith({ keys: [k1, k2, k3] }))
  t.equal(updates, 0, 'what is there is not written again')
})

t.test('a document that was removed takes its keys along, and can come back', async (t) => {
  const doc = new Y.Doc()
  t.equal(listingOf(doc, 'a'), 'unknown')
  writeEntry(doc, 'a', entryWith({ compared: { ben: 'his' } }))
  t.equal(listingOf(doc, 'a'), 'listed')
  removeEntry(doc, 'a')
  t.equal(listingOf(doc, 'a'), 'removed')
  t.equal(entryOf(doc, 'a'), undefined)
  t.strictSame(idsOf(doc), ['a'])
  t.notMatch(JSON.stringify([...doc.share.values()].map((type) => type.toJSON())), k1)
  writeEntry(doc, 'a', entryWith({ keys: [k2], openedAt: 8 }))
  t.match(entryOf(doc, 'a'), { keys: [k2], openedAt: 8, compared: {} })
})

t.test('what is not of this form is left out', async (t) => {
  const doc = new Y.Doc()
  doc.getMap('documents').set('a', true)
  doc.getMap('document a').set('title', 7)
  doc.getMap('document a').set('role', 'king')
  doc.getMap('document a').set('owner', 'ana')
  doc.getArray('keys a').insert(0, ['short', 7, k1])
  doc.getMap('devices').set('x', 7)
  doc.getMap('devices').set('y', null)
  t.strictSame(entryOf(doc, 'a'), { keys: [k1], title: '', folder: '', devices: {}, compared: {}, openedAt: 0 })
  t.strictSame(devicesOf(doc), [])
})

t.test('devices have a session each, and are forgotten with it', async (t) => {
  const doc = new Y.Doc()
  const phone = { id: 'phone', sessionId: 's1', browser: 'Firefox', system: 'Android', addedAt: 1 }
  writeDevice(doc, phone)
  writeDevice(doc, { ...phone, addedAt: 2 })
  t.strictSame(devicesOf(doc), [phone])
  writeDevice(doc, { ...phone, sessionId: 's2', addedAt: 3 })
  t.strictSame(devicesOf(doc), [{ ...phone, sessionId: 's2' }], 'a further session is no new device')
  removeDevices(doc, ({ sessionId }) => sessionId === 's1')
  t.equal(devicesOf(doc).length, 1)
  removeDevices(doc, ({ sessionId }) => sessionId === 's2')
  t.strictSame(devicesOf(doc), [])
})

t.test('all devices of a person find the same profile, and nobody else does', async (t) => {
  const person = { session: { sessionKey: 'key', memberId: 'ana', name: 'Ana' }, deviceKeys: { publicKey: randomText(32), privateKey: randomText(32) }, documents: [] }
  await recover(person)
  const first = await profileIdentity('ana')
  t.match(first.documentId, /^[\w-]{32}$/)
  t.equal(first.key.length, 32)
  t.same(await profileIdentity('ana'), first)
  t.not((await profileIdentity('ben')).documentId, first.documentId)
  await transact(['documents'], 'readwrite', (transaction) => transaction.objectStore('documents').clear())
  await recover({ ...person, session: { ...person.session, memberId: 'ben' }, deviceKeys: { ...person.deviceKeys, privateKey: randomText(32) } })
  t.not((await profileIdentity('ana')).documentId, first.documentId, 'with another private key')
})

t.test('a profile belongs to one person', async (t) => {
  await useProfile({ memberId: 'ana' })
  const setting = profileSetting.get()
  t.match(setting, { memberId: 'ana', device: /^[\w-]{16}$/ })
  await useProfile({ memberId: 'ana' })
  t.same(profileSetting.get(), setting, 'a device keeps its id')
  t.ok(hasProfile({ memberId: 'ana' }))
  t.notOk(hasProfile({ memberId: 'ben' }))
  if (setting !== undefined) await keepProfile({ ...setting, seen: ['x'] })
  profileSetting.set(undefined)
  await loadProfile()
  t.match(profileSetting.get(), { seen: ['x'] })
  await useProfile({ memberId: 'ben' })
  t.match(profileSetting.get(), { memberId: 'ben', seen: undefined })
})

t.test('it is remembered from where a document was removed, until it is known everywhere', async (t) => {
  await rememberDocument('gone', k1, 'editor')
  await rememberDocument('left', k1, 'editor')
  await forgetDocument('gone')
  await forgetDocument('left', 'everywhere')
  t.equal(await readDocument('gone'), undefined)
  t.same(await readForgotten(), { gone: 'here', left: 'everywhere' })
  await noteForgotten('left', undefined)
  t.same(await readForgotten(), { gone: 'here' })
})

t.test('browsers and systems have names', async (t) => {
  const names = (userAgent: string) => Object.values(browserOf(userAgent)).join(' ')
  t.equal(names('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'), 'Firefox Linux')
  t.equal(names('Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36'), 'Chrome Android')
  t.equal(names('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0'), 'Edge Windows')
  t.equal(names('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'), 'Safari iPhone')
  t.equal(names('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15'), 'Safari macOS')
  t.strictSame(browserOf('curl/8'), { browser: '', system: '' })
})
