// Keys and boxes of the example app are those that libsodium made in earlier versions of it: they are on people's devices and on the server.
import 'fake-indexeddb/auto'
import sodium from 'libsodium-wrappers'
import t from 'tap'
import { fromBase64, randomText, toBase64 } from '../../example-app/web/crypto/base64.ts'
import { closeBox, createBoxKeyPair, openBox } from '../../example-app/web/crypto/box.ts'
import { deviceKeys, voucher } from '../../example-app/web/crypto/device.ts'
import { keyIdOf } from '../../example-app/web/crypto/keyring.ts'
import { seal, unsealHandover, unsealKey } from '../../example-app/web/crypto/sealed-key.ts'
import { write } from '../../example-app/web/device/database.ts'

await sodium.ready

const lengths = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000]

t.test('bytes are the text that libsodium makes of them, and only that text is read', async (t) => {
  for (const length of lengths) {
    const bytes = sodium.randombytes_buf(length)
    t.equal(toBase64(bytes), sodium.to_base64(bytes))
    t.same(fromBase64(toBase64(bytes)), bytes)
  }
  t.equal(sodium.from_base64(randomText(32)).length, 32)
  for (const text of ['A', 'AB=', 'AB', 'a b', 'ab+/', 'ä', 'AAAAA']) t.throws(() => fromBase64(text), text)
})

t.test('a box of libsodium opens here, and one of here in libsodium', async (t) => {
  const theirs = sodium.crypto_box_keypair()
  const ours = createBoxKeyPair()
  t.same(sodium.crypto_scalarmult_base(ours.privateKey), ours.publicKey)
  for (const length of lengths) {
    const content = sodium.randombytes_buf(length)
    const nonce = sodium.randombytes_buf(sodium.crypto_box_NONCEBYTES)
    const box = sodium.crypto_box_easy(content, nonce, ours.publicKey, theirs.privateKey)
    t.same(openBox(new Uint8Array([...nonce, ...box]), theirs.publicKey, ours.privateKey), content)
    t.same(closeBox(content, ours.publicKey, theirs.privateKey, nonce), new Uint8Array([...nonce, ...box]), 'byte for byte')
    const closed = closeBox(content, theirs.publicKey, ours.privateKey)
    t.same(sodium.crypto_box_open_easy(closed.subarray(24), closed.subarray(0, 24), ours.publicKey, theirs.privateKey), content)
  }
})

t.test('a box with any bit changed, for somebody else or by somebody else does not open', async (t) => {
  const [ana, ben, eve] = [createBoxKeyPair(), createBoxKeyPair(), createBoxKeyPair()]
  const closed = closeBox(new Uint8Array([1, 2, 3]), ben.publicKey, ana.privateKey)
  t.same(openBox(closed, ana.publicKey, ben.privateKey), new Uint8Array([1, 2, 3]))
  for (const index of closed.keys()) {
    const changed = closed.map((byte, at) => at === index ? byte ^ 1 : byte)
    t.throws(() => openBox(changed, ana.publicKey, ben.privateKey))
  }
  t.throws(() => openBox(closed, ana.publicKey, eve.privateKey))
  t.throws(() => openBox(closed, eve.publicKey, ben.privateKey))
  for (const length of [0, 23, 24, 39]) t.throws(() => openBox(closed.subarray(0, length), ana.publicKey, ben.privateKey))
  const nobody = new Uint8Array(32)
  t.throws(() => closeBox(new Uint8Array(1), nobody, ana.privateKey), 'a public key of small order')
  t.throws(() => sodium.crypto_box_easy(new Uint8Array(1), new Uint8Array(24), nobody, ana.privateKey))
})

t.test('ids of keys and vouchers for devices are those of earlier versions', async (t) => {
  for (let time = 0; time < 20; time++) {
    const [key, publicKey] = [randomText(32), randomText(32)]
    t.equal(keyIdOf(key), sodium.to_base64(sodium.crypto_generichash(12, `key-id ${key}`)))
    const text = JSON.stringify(['device', 'dökument', 'member', publicKey])
    t.equal(voucher(key, 'dökument', 'member', publicKey), sodium.to_base64(sodium.crypto_generichash(32, text, sodium.from_base64(key))))
  }
})

t.test('a device key of an earlier version is used on, and opens a sealed key of an earlier version', async (t) => {
  const { publicKey, privateKey } = sodium.crypto_box_keypair()
  await write('settings', { publicKey, privateKey }, 'device-keys')
  const device = await deviceKeys()
  t.same(device, { publicKey, privateKey })

  const owner = sodium.crypto_box_keypair()
  const content = { documentId: 'document', key: randomText(32), replaces: keyIdOf(randomText(32)) }
  const nonce = sodium.randombytes_buf(24)
  const box = sodium.crypto_box_easy(JSON.stringify(content), nonce, publicKey, owner.privateKey)
  t.same(unsealKey(sodium.to_base64(new Uint8Array([...nonce, ...box])), sodium.to_base64(owner.publicKey), device), content)

  const sealed = sodium.from_base64(seal(content, sodium.to_base64(publicKey), owner))
  t.same(sodium.to_string(sodium.crypto_box_open_easy(sealed.subarray(24), sealed.subarray(0, 24), owner.publicKey, privateKey)), JSON.stringify(content))
  t.equal(unsealKey('no base64!', sodium.to_base64(owner.publicKey), device), undefined)
})

t.test('what an owner says of the next one is no key, a key is no such thing, and only what is complete is taken', async (t) => {
  const [ana, ben] = [createBoxKeyPair(), createBoxKeyPair()]
  const open = <Content>(unseal: (sealed: string, owner: string, receiver: typeof ben) => Content, content: object) => {
    return unseal(toBase64(closeBox(new TextEncoder().encode(JSON.stringify(content)), ben.publicKey, ana.privateKey)), toBase64(ana.publicKey), ben)
  }
  const handover = { documentId: 'document', number: 1, owner: { memberId: 'ben', publicKey: toBase64(ben.publicKey) } }
  const key = { documentId: 'document', key: randomText(32), replaces: 'a' }
  t.same(unsealHandover(seal(handover, toBase64(ben.publicKey), ana), toBase64(ana.publicKey), ben), handover)
  t.same(open(unsealHandover, handover), handover)
  t.same(open(unsealKey, key), key)
  t.equal(open(unsealHandover, key), undefined)
  t.equal(open(unsealKey, handover), undefined)
  for (const content of [[], { ...handover, documentId: 1 }, { ...handover, number: '1' }, { ...handover, owner: null }, { ...handover, owner: { memberId: 'ben' } },
    { ...handover, owner: { memberId: 1, publicKey: toBase64(ben.publicKey) } }, { ...handover, owner: { memberId: 'ben', publicKey: 'A'.repeat(43) } }]) {
    t.equal(open(unsealHandover, content), undefined)
  }
  for (const content of [[], { ...key, documentId: 1 }, { ...key, key: 'short' }, { ...key, key: 1 }, { ...key, replaces: 1 }]) t.equal(open(unsealKey, content), undefined)
})
