// A recovery file: what it has, who opens it, and what a browser does with it.
import 'fake-indexeddb/auto'
import t from 'tap'
import { randomText } from '../../example-app/web/crypto/base64.ts'
import { deviceKeys } from '../../example-app/web/crypto/device.ts'
import { createCode, openRecovery, parseCode, sealRecovery } from '../../example-app/web/crypto/recovery.ts'
import { transact, write } from '../../example-app/web/device/database.ts'
import { newDocument, readDocument, rememberDocument, saveDocument } from '../../example-app/web/device/documents.ts'
import { collectRecovery, noteSaved, recover, safetyOf } from '../../example-app/web/device/recovery.ts'
import { documents } from '../../example-app/web/device/documents.ts'
import { loadProfile, useProfile } from '../../example-app/web/profile/profile.ts'
import { session } from '../../example-app/web/session.ts'

t.test('a code is typed as people type', async (t) => {
  const code = createCode()
  t.match(code, /^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/)
  t.not(createCode(), code)
  const plain = code.replaceAll('-', '')
  for (const text of [code, plain, code.toLowerCase(), ` ${code.replaceAll('-', ' ')}\n`, code.replaceAll('0', 'o').replaceAll('1', 'l')]) t.equal(parseCode(text), plain)
  for (const text of ['', plain.slice(1), `${plain}0`, `${plain.slice(1)}U`, 'é'.repeat(25)]) t.equal(parseCode(text), undefined)
})

t.test('only its code opens a file, and what is wrong is said', async (t) => {
  const [code, other] = [createCode(), createCode()]
  const content = { text: 'x'.repeat(10_000) }
  const file = sealRecovery(content, code)
  t.notMatch(file, 'xxx')
  t.strictSame(openRecovery(file, code), { outcome: 'opened', content })
  t.strictSame(openRecovery(file, code.toLowerCase()), { outcome: 'opened', content })
  t.strictSame(openRecovery(file, other), { outcome: 'wrongCode' })
  const parsed = JSON.parse(file) as { version: number, sealed: string[], nonce: string }
  t.strictSame(openRecovery(JSON.stringify({ ...parsed, sealed: parsed.sealed.slice(1) }), code), { outcome: 'wrongCode' })
  t.strictSame(openRecovery(JSON.stringify({ ...parsed, nonce: randomText(24) }), code), { outcome: 'wrongCode' })
  t.strictSame(openRecovery(JSON.stringify({ ...parsed, nonce: 'short' }), code), { outcome: 'wrongCode' })
  t.strictSame(openRecovery(JSON.stringify({ ...parsed, version: 2 }), code), { outcome: 'newerVersion' })
  for (const text of ['', file.slice(0, -1), 'null', '7', '{}', '[]', JSON.stringify({ ...parsed, sealed: 'text' }), JSON.stringify({ ...parsed, nonce: 7 })]) {
    t.strictSame(openRecovery(text, code), { outcome: 'noRecoveryFile' }, text.slice(0, 20))
  }
})

const ana = { sessionKey: 'ana-session', memberId: 'ana', name: 'Ana' }

async function clear (): Promise<void> {
  for (const store of ['documents', 'settings'] as const) {
    await transact([store], 'readwrite', (transaction) => transaction.objectStore(store).clear())
  }
  session.set(undefined)
}

t.test('another browser becomes this person, with all keys of all documents', async (t) => {
  await write('settings', ana, 'session')
  session.set(ana)
  const keys = await deviceKeys()
  const shared = await rememberDocument('shared', randomText(32), 'editor')
  await saveDocument(Object.assign(shared, { owner: 'ben', handovers: 2, devices: { ben: 'his' } }))
  const own = { ...await newDocument(), registered: true, title: 'Mine' }
  await saveDocument(own)
  const unsent = await newDocument()
  t.strictSame(await safetyOf(documents.get()), { kind: 'never' })
  const recovery = await collectRecovery(ana)
  t.same(recovery.documents.map(({ id }) => id).sort(), [own.id, shared.id].sort(), 'what the server does not know is not in it')
  await noteSaved(recovery)
  t.match(await safetyOf(documents.get()), { kind: 'behind', missing: 1, savedAt: Number })
  t.match(await safetyOf([own, shared]), { kind: 'complete' })
  await rememberDocument('shared', randomText(32), 'editor')
  t.match(await safetyOf(documents.get()), { kind: 'behind', missing: 2 }, 'a new key is not in it, either')
  const content = JSON.parse(JSON.stringify(recovery)) as unknown

  await clear()
  t.strictSame(await recover(content), { outcome: 'recovered', session: ana, documents: 2 })
  t.strictSame(session.get(), ana)
  t.same(await deviceKeys(), keys)
  t.match(await readDocument(own.id), { title: 'Mine', role: 'owner', keys: own.keys, registered: true })
  t.match(await readDocument('shared'), { owner: 'ben', handovers: 2, devices: { ben: 'his' } }, 'whose keys it takes')
  t.equal(await readDocument(unsent.id), undefined)

  const newer = randomText(32)
  await saveDocument({ ...own, keys: [...own.keys, newer] })
  t.strictSame(await recover(content), { outcome: 'recovered', session: ana, documents: 2 })
  t.same((await readDocument(own.id))?.keys, [...own.keys, newer], 'an old file takes no key away, and the newest key stays the last one')
})

t.test('what another device opens is as safe as what a recovery file opens', async (t) => {
  await clear()
  await loadProfile()
  const agreed = { title: '', folder: '', compared: {} }
  const [there, here] = [{ ...await newDocument(), inProfile: agreed }, await newDocument()]
  const device = { id: 'phone', sessionId: 's', browser: 'Firefox', system: 'Android', addedAt: 1 }
  const [alone, two] = [{ otherDevices: [] }, { otherDevices: [device] }]
  t.strictSame(await safetyOf([there], alone), { kind: 'never' }, 'the profile alone is no way in')
  t.strictSame(await safetyOf([there], two), { kind: 'devices', devices: 1, missing: 0 })
  t.strictSame(await safetyOf([there, here], two), { kind: 'devices', devices: 1, missing: 1 })

  await noteSaved({ session: ana, deviceKeys: { publicKey: '', privateKey: '' }, documents: [] })
  t.match(await safetyOf([there], alone), { kind: 'behind', missing: 1 }, 'a file from before the profile')
  await useProfile(ana)
  await noteSaved({ session: ana, deviceKeys: { publicKey: '', privateKey: '' }, documents: [] })
  t.match(await safetyOf([there], alone), { kind: 'complete' })
  t.match(await safetyOf([there, here], alone), { kind: 'behind', missing: 1 })
  t.match(await safetyOf([there], two), { kind: 'devices', devices: 1, savedAt: Number, missing: 0 })
})

t.test('somebody else in the browser loses nothing', async (t) => {
  const recovery = { session: ana, deviceKeys: { publicKey: randomText(32), privateKey: randomText(32) }, documents: [{ id: 'a', keys: [randomText(32)] }] }
  await clear()
  session.set({ sessionKey: 'ben-session', memberId: 'ben', name: 'Ben' })
  const { id } = await newDocument()
  t.strictSame(await recover(recovery), { outcome: 'somebodyElse' })
  t.equal(session.get()?.memberId, 'ben')
  await transact(['documents'], 'readwrite', (transaction) => transaction.objectStore('documents').delete(id))
  t.strictSame(await recover(recovery), { outcome: 'recovered', session: ana, documents: 1 }, 'who has no documents here can become somebody else')
  for (const content of [undefined, null, 7, {}, { ...recovery, documents: [{}] }, { ...recovery, session: {} }, { ...recovery, deviceKeys: { publicKey: 'x', privateKey: 'y' } }]) {
    t.strictSame(await recover(content), { outcome: 'noRecoveryFile' })
  }
})
