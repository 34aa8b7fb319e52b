// What travels to another device: who opens it, and what the server can find out.
import 'fake-indexeddb/auto'
import t from 'tap'
import { fromBase64, isKey, randomText, toBase64 } from '../../example-app/web/crypto/base64.ts'
import { deviceKeys } from '../../example-app/web/crypto/device.ts'
import { openTransfer, sealTransfer, transferId } from '../../example-app/web/crypto/transfer.ts'
import { transact } from '../../example-app/web/device/database.ts'
import { changeDocument, newDocument } from '../../example-app/web/device/documents.ts'
import { newcomerOf, recover } from '../../example-app/web/device/recovery.ts'
import { session } from '../../example-app/web/session.ts'

const [secret, other] = [randomText(32), randomText(32)]

t.test('only its secret opens it, and the server has an id that says nothing of it', async (t) => {
  const content = { text: 'x'.repeat(100_000), name: 'Ana' }
  const sealed = sealTransfer(content, secret)
  t.match(sealed, /^[\w-]+$/)
  t.not(sealTransfer(content, secret), sealed)
  t.strictSame(openTransfer(sealed, secret), { outcome: 'opened', content })
  t.strictSame(openTransfer(sealed, other), { outcome: 'broken' })
  t.strictSame(openTransfer(sealed.slice(0, -4), secret), { outcome: 'broken' })
  t.strictSame(openTransfer(`A${sealed.slice(1)}`, secret), { outcome: 'broken' })
  for (const text of ['', 'A', '%', toBase64(new Uint8Array(30))]) t.strictSame(openTransfer(text, secret), { outcome: 'broken' })
  t.ok(isKey(transferId(secret)))
  t.equal(transferId(secret), transferId(secret))
  t.not(transferId(secret), transferId(other))
  // The server knows the id: it must not be what opens the rest.
  t.strictSame(openTransfer(sealed, transferId(secret)), { outcome: 'broken' })
})

t.test('what a newer version has made is said', async (t) => {
  const { xchacha20poly1305 } = await import('@noble/ciphers/chacha.js')
  const { blake2b } = await import('@noble/hashes/blake2.js')
  const bytes = (text: string) => new TextEncoder().encode(text)
  const nonce = fromBase64(randomText(24))
  const key = blake2b(bytes('sealed-notes-transfer key'), { dkLen: 32, key: fromBase64(secret) })
  const box = xchacha20poly1305(key, nonce, bytes('sealed-notes-transfer')).encrypt(bytes(JSON.stringify({ version: 2 })))
  t.strictSame(openTransfer(toBase64(new Uint8Array([...nonce, ...box])), secret), { outcome: 'newerVersion' })
})

t.test('it is known who a browser is to become, and who is there, before anything changes', async (t) => {
  const content = { session: { sessionKey: 'key', memberId: 'ana', name: 'Ana' }, deviceKeys: { publicKey: randomText(32), privateKey: randomText(32) }, documents: [] }
  for (const wrong of [undefined, null, 7, {}, { ...content, session: {} }]) t.equal(await newcomerOf(wrong), undefined)
  t.strictSame(await newcomerOf(content), { kind: 'nobodyHere', name: 'Ana' })
  session.set({ sessionKey: 'own', memberId: 'ana', name: 'Anna' })
  t.strictSame(await newcomerOf(content), { kind: 'isHere', name: 'Ana' })
  session.set({ sessionKey: 'own', memberId: 'ben', name: 'Ben' })
  t.strictSame(await newcomerOf(content), { kind: 'withoutDocuments', name: 'Ana', here: 'Ben' })
  const { id } = await newDocument()
  t.strictSame(await newcomerOf(content), { kind: 'somebodyElse', name: 'Ana', here: 'Ben' })
  t.equal(session.get()?.memberId, 'ben')
  const { publicKey, privateKey } = await deviceKeys()
  const before = { ...content, deviceKeys: { publicKey: toBase64(publicKey), privateKey: toBase64(privateKey) } }
  t.match(await newcomerOf(before), { kind: 'somebodyElse' })
  await changeDocument(id, { isRemoved: true })
  t.strictSame(await newcomerOf(before), { kind: 'isHere', name: 'Ana' }, 'whose session has ended can come back')
  t.match(await newcomerOf(content), { kind: 'somebodyElse' })
  await transact(['documents'], 'readwrite', (transaction) => transaction.objectStore('documents').delete(id))
  t.match(await recover(content), { outcome: 'recovered' })
  t.match(session.get(), { memberId: 'ana', sessionKey: 'key' })
})
