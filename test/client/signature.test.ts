import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { createHash } from 'node:crypto'
import t from 'tap'
import { authorOf } from '../../lib/client/crypto/author.ts'
import { sign, verify } from '../../lib/client/crypto/ed25519.ts'
import { CryptoError } from '../../lib/client/crypto/errors.ts'
import { createKeyPair, keyPairFromSeed } from '../../lib/client/crypto/keys.ts'
import * as platform from '../../lib/client/crypto/platform.ts'
import { finish } from '../../lib/client/crypto/work.ts'
import { fieldPrime, groupOrder, littleEndian, numberOf, smallOrderEncodings } from '../fixtures/odd-points.ts'
import { sodium as native } from '../../lib/protocol/sodium.ts'
import { sodium } from '../fixtures/raw-client.ts'

const { Point } = ed25519

interface Vector { publicKey: Uint8Array, signature: Uint8Array, text: Uint8Array }

/** What each implementation says: they must agree. */
async function answers ({ publicKey, signature, text }: Vector) {
  const author = authorOf(sodium.to_base64(publicKey))
  return {
    libsodium: sodium.crypto_sign_verify_detached(signature, text, publicKey),
    'libsodium on the server': native.crypto_sign_verify_detached(Buffer.from(signature), Buffer.from(text), Buffer.from(publicKey)),
    javascript: finish(verify(signature, text, author)),
    platform: await platform.verify(new Uint8Array(signature), new Uint8Array(text), author)
  }
}

function allSay (isValid: boolean) {
  return { libsodium: isValid, 'libsodium on the server': isValid, javascript: isValid, platform: isValid }
}

/** A signature that satisfies the equation up to a part of small order: of the key, of R, or of both. */
function mixedOrder (text: Uint8Array, a: bigint, r: bigint, keyTorsion: number, commitmentTorsion: number): Vector {
  const torsion = (index: number) => Point.fromHex(ED25519_TORSION_SUBGROUP[index]!, true)
  const publicKey = Point.BASE.multiply(a).add(torsion(keyTorsion)).toBytes()
  const commitment = Point.BASE.multiply(r).add(torsion(commitmentTorsion)).toBytes()
  const challenge = numberOf(createHash('sha512').update(commitment).update(publicKey).update(text).digest())
  return { publicKey, text, signature: Buffer.concat([commitment, littleEndian((r + challenge * a) % groupOrder)]) }
}

const text = fc.uint8Array({ maxLength: 300 })
const seed = fc.uint8Array({ minLength: 32, maxLength: 32 })
const scalar = fc.bigInt(1n, groupOrder - 1n)
const torsion = fc.nat(7)

t.test('the platform that runs the tests verifies as libsodium does', async (t) => {
  t.ok(await platform.isPlatformUsable())
})

t.test('key pairs and signatures are those of libsodium, byte for byte', async (t) => {
  fc.assert(fc.property(seed, text, (seed, text) => {
    const ours = keyPairFromSeed(seed)
    const theirs = sodium.crypto_sign_seed_keypair(seed)
    t.match(ours, { publicKey: theirs.publicKey, privateKey: theirs.privateKey })
    t.same(finish(sign(text, ours)), sodium.crypto_sign_detached(text, theirs.privateKey))
  }), { numRuns: 50 })
})

t.test('a signature of libsodium is accepted, and refused with any bit changed', async (t) => {
  const { publicKey, privateKey } = sodium.crypto_sign_keypair()
  const text = sodium.from_string('text')
  const signature = sodium.crypto_sign_detached(text, privateKey)
  t.same(await answers({ publicKey, signature, text }), allSay(true))
  for (let bit = 0; bit < 512; bit += 7) {
    const changed = signature.slice()
    changed[bit >> 3]! ^= 1 << (bit & 7)
    t.same(await answers({ publicKey, signature: changed, text }), allSay(false), `bit ${bit}`)
  }
  t.same(await answers({ publicKey, signature, text: sodium.from_string('test') }), allSay(false))
})

t.test('keys and signatures with a part of small order are judged as libsodium does: without the cofactor', async (t) => {
  const seen = new Set<boolean>()
  await fc.assert(fc.asyncProperty(text, scalar, scalar, torsion, torsion, async (text, a, r, keyTorsion, commitmentTorsion) => {
    const said = await answers(mixedOrder(text, a, r, keyTorsion, commitmentTorsion))
    t.same(said, allSay(said.libsodium))
    seen.add(said.libsodium)
  }), { numRuns: 200 })
  t.equal(seen.size, 2, 'both accepted and refused')
})

t.test('keys of small order, and keys that are not canonical, are refused', async (t) => {
  for (const publicKey of smallOrderEncodings) {
    for (const commitment of smallOrderEncodings) {
      for (let text = 0; text < 8; text++) {
        const vector = { publicKey, text: Uint8Array.of(text), signature: Buffer.concat([commitment, littleEndian(0n)]) }
        t.same(await answers(vector), allSay(false), publicKey.toString('hex'))
      }
    }
  }
})

t.test('a signature whose R is of small order is refused, also of an honest key', async (t) => {
  const { publicKey, privateKey } = createKeyPair()
  const { scalar } = ed25519.utils.getExtendedPublicKey(privateKey.subarray(0, 32))
  const text = sodium.from_string('text')
  for (const commitment of smallOrderEncodings) {
    const challenge = numberOf(createHash('sha512').update(commitment).update(publicKey).update(text).digest())
    const signature = Buffer.concat([commitment, littleEndian(challenge * scalar % groupOrder)])
    t.same(await answers({ publicKey, signature, text }), allSay(false), commitment.toString('hex'))
  }
})

t.test('a second form of a signature, with S + L, is refused', async (t) => {
  const keyPair = createKeyPair()
  const text = sodium.from_string('text')
  const signature = finish(sign(text, keyPair))
  const s = numberOf(signature.subarray(32))
  for (let times = 1n; s + times * groupOrder < 2n ** 256n; times++) {
    const changed = Buffer.concat([signature.subarray(0, 32), littleEndian(s + times * groupOrder)])
    t.same(await answers({ publicKey: keyPair.publicKey, signature: changed, text }), allSay(false), `S + ${times} L`)
  }
})

t.test('whatever bytes are a key, R or S, all agree', async (t) => {
  const near = (number: bigint) => fc.bigInt(-20n, 20n).map((distance) => littleEndian((number + distance + 2n ** 256n) % 2n ** 256n))
  const point = fc.oneof(fc.constantFrom(...smallOrderEncodings), near(fieldPrime), near(2n ** 255n), near(2n ** 256n), seed)
  const s = fc.oneof(near(0n), near(groupOrder), near(2n ** 252n), near(2n ** 253n), seed)
  await fc.assert(fc.asyncProperty(point, point, s, text, async (publicKey, commitment, s, text) => {
    const said = await answers({ publicKey, text, signature: Buffer.concat([commitment, s]) })
    t.same(said, allSay(said.libsodium))
  }), { numRuns: 300 })
})

t.test('many signatures of one author are judged as the first ones were, when its table is made', async (t) => {
  const keyPair = createKeyPair()
  for (let index = 0; index < 40; index++) {
    const text = Uint8Array.of(index)
    const signature = finish(sign(text, keyPair))
    const author = authorOf(sodium.to_base64(keyPair.publicKey))
    t.ok(finish(verify(signature, text, author)))
    t.notOk(finish(verify(signature, Uint8Array.of(index + 1), author)))
  }
})

t.test('a wrong private key is refused by name, and signs nothing', async (t) => {
  const { privateKey, publicKey } = createKeyPair()
  const mixed = privateKey.slice()
  mixed.set(createKeyPair().publicKey, 32)
  const refused = { name: 'CryptoError', code: 'SECSYNC_INVALID_KEY' }
  for (const wrong of [mixed, privateKey.subarray(0, 32), new Uint8Array(0), 'key', undefined, null]) {
    t.throws(() => finish(sign(new Uint8Array(), { publicKey, privateKey: wrong as Uint8Array })), refused)
  }
  for (const seed of [new Uint8Array(31), new Uint8Array(64), 'seed', undefined]) {
    t.throws(() => keyPairFromSeed(seed as Uint8Array), refused)
  }
  t.throws(() => authorOf('not base64!'), { name: 'CryptoError', code: 'SECSYNC_INVALID_BASE64' })
  t.ok(new CryptoError('SECSYNC_INVALID_KEY', 'x') instanceof Error)
})
