import { createHash } from 'node:crypto'
import * as ed25519 from '@noble/ed25519'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import * as secsync from 'secsync'
import t from 'tap'
import type { ClientMessage, MessageKind, Update } from '../../lib/protocol/messages.ts'
import { verifySignature as verifyWith } from '../../lib/protocol/signature.ts'
import { portable } from '../../lib/protocol/portable-sodium.ts'
import { loadSodium, sodium as native } from '../../lib/protocol/sodium.ts'
import { signedText as textOfParts } from '../../lib/protocol/signed-text.ts'
import { groupOrder, identity, littleEndian, numberOf, smallOrderEncodings as encodings } from '../fixtures/odd-points.ts'
import { Author, signed, sodium } from '../fixtures/raw-client.ts'

const author = new Author()

/** Both implementations, which must agree on every message. */
function verifySignature (kind: MessageKind, message: ClientMessage): boolean {
  const [answer, other] = [native, portable].map((implementation) => verifyWith(kind, message, implementation))
  if (answer !== other) throw new Error(`sodium-native says ${answer}, and node:crypto ${other}, of ${JSON.stringify(message)}`)
  return answer === true
}

t.test('on a platform without sodium-native, Node.js checks signatures and hashes', async (t) => {
  t.equal(loadSodium(() => { throw new Error('no native build was found') }), portable)
  t.not(native, portable)
  for (const text of ['', 'text', 'x'.repeat(1000)]) {
    const [digest, other] = [native, portable].map((implementation) => {
      const output = Buffer.alloc(32)
      implementation.crypto_generichash(output, Buffer.from(text))
      return output
    })
    t.strictSame(digest, other)
  }
})

const domains: Record<MessageKind, 'secsync_snapshot' | 'secsync_update' | 'secsync_ephemeral_message'> = {
  snapshot: 'secsync_snapshot',
  update: 'secsync_update',
  ephemeralMessage: 'secsync_ephemeral_message'
}
const kinds = Object.keys(domains) as MessageKind[]

/** The message as a server gets it: made by the published client, through JSON. */
function received (kind: MessageKind, docId: string, additional: object = {}): ClientMessage {
  const messages = {
    snapshot: () => author.snapshot(docId, { additional }),
    update: () => author.update(docId, secsync.generateId(sodium), 0, 'content', additional),
    ephemeralMessage: () => author.ephemeralMessage(docId, 'cursor', additional)
  }
  return JSON.parse(JSON.stringify(messages[kind]())) as ClientMessage
}

function signedText (kind: MessageKind, message: ClientMessage): string {
  return textOfParts(kind, { ...message, publicData: Buffer.from(canonicalize(message.publicData)!).toString('base64url') })
}

/** What the published client says to a message's signature. */
function clientVerifies (kind: MessageKind, { ciphertext, nonce, publicData, signature }: ClientMessage): boolean {
  const text = signedText(kind, { ciphertext, nonce, publicData, signature } as ClientMessage)
  const { publicData: publicDataAsBase64 } = JSON.parse(text.slice(domains[kind].length)) as { publicData: string }
  const content = { ciphertext, nonce, publicData: publicDataAsBase64 }
  return secsync.verifySignature(content, domains[kind], signature, sodium.from_base64(publicData.pubKey), sodium)
}

const oddIds = ['', ' ', 'a/b?c#d', '"quoted" \\ \'', 'line\nbreak\ttab\u0000nul', 'Ünï\u0308cödé 文書 🎉', '\u2028\u2029', '__proto__', '%F0%9F', 'x'.repeat(10_000)]

for (const kind of kinds) {
  t.test(`${kind}: what the client signed is accepted, whatever the document is called`, async (t) => {
    for (const docId of oddIds) t.ok(verifySignature(kind, received(kind, docId)))
  })

  t.test(`${kind}: whatever of it is changed, it is refused`, async (t) => {
    const message = received(kind, 'document', { note: 'signed' })
    const accepts = (change: object) => verifySignature(kind, { ...message, ...change })
    t.ok(accepts({}))
    for (const name of ['ciphertext', 'nonce', 'signature']) t.notOk(accepts({ [name]: changed(message, name) }), name)
    const { publicData } = message
    for (const name of Object.keys(publicData)) {
      t.notOk(accepts({ publicData: { ...publicData, [name]: changed(publicData, name) } }), name)
    }
    t.notOk(accepts({ publicData: { ...publicData, more: 1 } }), 'more public data')
  })

  t.test(`${kind}: signed as such, it is accepted as nothing else`, async (t) => {
    const message = received(kind, 'document')
    for (const other of kinds) t.equal(verifySignature(other, message), other === kind, other)
  })
}

/** Another value of the same type and length. */
function changed (object: object, name: string): unknown {
  const value = (object as Record<string, unknown>)[name]
  if (typeof value === 'number') return value + 1
  if (typeof value === 'object') return { [author.publicKey]: 0 }
  const text = value as string
  return text === '' ? 'A' : (text[0] === 'A' ? 'B' : 'A') + text.slice(1)
}

const text = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 8 })
const json = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean(), fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(text, tie('value'), { maxKeys: 4 })
})).object as fc.Arbitrary<object>

t.test('what the client signs, and any other client accepts, is accepted: any additional public data, with lone surrogates too', async () => {
  fc.assert(fc.property(fc.constantFrom(...kinds), text, json, (kind, docId, additional) => {
    return verifySignature(kind, received(kind, docId, { additional }))
  }), { examples: [['update', 'document', { '\udc00': '\ud800' }], ['snapshot', '\ud800', { '': 1e21, a: -0, toJSON: 'x', ['__proto__']: {} }]] })
})

t.test('the signed text is the one of the specification', async (t) => {
  const message = received('update', 'document')
  t.ok(clientVerifies('update', message))
  t.equal(signedText('update', message), 'secsync_update' + JSON.stringify({
    ciphertext: message.ciphertext,
    nonce: message.nonce,
    publicData: sodium.to_base64(JSON.stringify(message.publicData, Object.keys(message.publicData).sort()))
  }))
})

// What libsodium refuses and others accept. Each vector is shown to be one: an implementation of ZIP 215, which fixes what is lenient, lets it pass.

ed25519.hashes.sha512 = (message) => createHash('sha512').update(message).digest()

function withSignature (message: Update, publicKey: Uint8Array, r: Uint8Array, s: bigint): Update {
  return {
    ...message,
    publicData: { ...message.publicData, pubKey: sodium.to_base64(publicKey) },
    signature: sodium.to_base64(Buffer.concat([r, littleEndian(s)]))
  }
}

function isVector (message: Update): boolean {
  const [signature, publicKey] = [message.signature, message.publicData.pubKey].map((text) => Buffer.from(text, 'base64url')) as [Buffer, Buffer]
  return ed25519.verify(signature, Buffer.from(signedText('update', message)), publicKey, { zip215: true })
}

t.test('a key of small order, which signs anything, is refused in every encoding', async (t) => {
  for (const publicKey of encodings) {
    const name = publicKey.toString('hex')
    // With S = 0 and R = identity libsodium's equation holds when the hash is a multiple of the key's order, so in one of 8 messages.
    const messages = Array.from({ length: 100 }, () => withSignature(received('update', 'document') as Update, publicKey, identity, 0n))
    t.notOk(messages.some((message) => verifySignature('update', message)), name)
    t.ok(isVector(messages[0]!), `${name} is a vector`)
  }
})

t.test('a signature whose R is of small order is refused, also of an honest key', async (t) => {
  const message = received('update', 'document') as Update
  const publicKey = author.keyPair.publicKey
  const scalar = createHash('sha512').update(author.keyPair.privateKey.subarray(0, 32)).digest().subarray(0, 32)
  scalar[0]! &= 248
  scalar[31] = scalar[31]! & 127 | 64
  for (const r of encodings) {
    // S = hash · scalar, so that S·B = R + hash·A for R = 0.
    const challenge = numberOf(createHash('sha512').update(r).update(publicKey).update(signedText('update', message)).digest())
    const vector = withSignature(message, publicKey, r, challenge * numberOf(scalar) % groupOrder)
    t.notOk(verifySignature('update', vector), r.toString('hex'))
    t.ok(isVector(vector), `${r.toString('hex')} is a vector`)
  }
})

t.test('a second form of a signature, with S + L, is refused', async (t) => {
  const message = received('update', 'document') as Update
  const signature = Buffer.from(message.signature, 'base64url')
  const [r, s] = [signature.subarray(0, 32), numberOf(signature.subarray(32))]
  t.ok(verifySignature('update', withSignature(message, author.keyPair.publicKey, r, s)))
  for (let times = 1n; s + times * groupOrder < 2n ** 256n; times++) {
    t.notOk(verifySignature('update', withSignature(message, author.keyPair.publicKey, r, s + times * groupOrder)), `S + ${times} L`)
  }
})

t.test('whatever public key and signature there are, the server and libsodium in the client agree', async () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const message = received('update', 'document') as Update
  const own = author.keyPair.publicKey
  const ownR = Buffer.from(message.signature, 'base64url').subarray(0, 32)
  fc.assert(fc.property(
    fc.oneof(fc.constantFrom(own, ...encodings), bytes(32)),
    fc.oneof(fc.constantFrom(ownR, ...encodings), bytes(32)),
    fc.bigInt(0n, 2n ** 256n - 1n),
    (publicKey, r, s) => {
      const changed = withSignature(message, publicKey, r, s)
      return verifySignature('update', changed) === clientVerifies('update', changed)
    }))
})

t.test('what is signed with a key that is not the one in the message is refused', async (t) => {
  const other = new Author()
  const message = signed(author, 'secsync_update', { docId: 'document', pubKey: other.publicKey, refSnapshotId: 'snapshot', clock: 0 })
  t.notOk(verifySignature('update', message as unknown as Update))
})
