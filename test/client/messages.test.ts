import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import * as secsync from 'secsync'
import t from 'tap'
import { decodeChanges, encodeChanges } from '../../lib/client/crypto/changes.ts'
import { createId, createKey, createKeyPair } from '../../lib/client/crypto/keys.ts'
import { createEphemeralMessage, createSnapshot, createUpdate, decrypt } from '../../lib/client/crypto/messages.ts'
import { decryptAll, openAll, verify, verifyAll } from '../../lib/client/crypto/open.ts'
import { parseEphemeralMessage, parseSnapshot, parseUpdate } from '../../lib/client/crypto/parse.ts'
import { isChild, isDescendant, proofEntryOf } from '../../lib/client/crypto/proof.ts'
import { finish } from '../../lib/client/crypto/work.ts'
import { noParent } from '../../lib/protocol/chain.ts'
import { compileChecks, type ClientMessage, type MessageKind, type Snapshot, type Update } from '../../lib/protocol/messages.ts'
import { verifySignature } from '../../lib/protocol/signature.ts'
import { Author, key, sodium } from '../fixtures/raw-client.ts'

const theirs = new Author()
const author = theirs.keyPair
const checks = compileChecks()

function snapshotOf (content: Uint8Array, parent = noParent, docId = 'document', clocks = {}): Snapshot {
  return finish(createSnapshot(content, { docId, snapshotId: createId(), parent, parentSnapshotUpdateClocks: clocks }, key, author))
}

function updateOf (content: Uint8Array, docId = 'document', clock = 0): Update {
  return finish(createUpdate(content, { docId, refSnapshotId: 'snapshot', clock }, key, author))
}

/** Through JSON, as over the network. */
function received<T> (message: T): T {
  return JSON.parse(JSON.stringify(message)) as T
}

async function opened (kind: MessageKind, message: ClientMessage): Promise<Uint8Array> {
  for (const verifier of ['platform', 'javascript'] as const) await verify(kind, message, { verifier })
  return finish(decrypt(message, key))
}

const bytes = fc.uint8Array({ maxLength: 300 })
const docId = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '"\\\n', '\ud800', 'a/b?c#d', '__proto__'))

t.test('the published client opens what this one makes, and the server accepts it', async (t) => {
  fc.assert(fc.property(bytes, docId, fc.nat(), (content, docId, clock) => {
    const snapshot = received(snapshotOf(content, noParent, docId))
    const update = received(updateOf(content, docId, clock))
    t.ok(checks.snapshot(snapshot) && checks.update(update))
    t.ok(verifySignature('snapshot', snapshot) && verifySignature('update', update))
    t.same(secsync.verifyAndDecryptSnapshot(snapshot, key, docId, author.publicKey, sodium).content, content)
    t.same(secsync.verifyAndDecryptUpdate(update, key, 'snapshot', clock - 1, sodium).content, content)
  }), { numRuns: 50 })
})

t.test('this client opens what the published one makes', async (t) => {
  await fc.assert(fc.asyncProperty(bytes, docId, fc.nat(), async (content, docId, clock) => {
    const snapshot = parseSnapshot(received(theirs.snapshot(docId, { content })))
    const update = parseUpdate(received(secsync.createUpdate(content, { docId, pubKey: theirs.publicKey, refSnapshotId: 'snapshot' }, key, author, clock, sodium)))
    t.same(await opened('snapshot', snapshot), content)
    t.same(await opened('update', update), content)
  }), { numRuns: 50 })
})

t.test('contents of many steps are those of libsodium', async (t) => {
  for (const length of [0, 49_151, 49_152, 49_153, 100_000, 1_000_000]) {
    const content = new Uint8Array(randomBytes(length))
    const ours = received(snapshotOf(content))
    t.same(secsync.verifyAndDecryptSnapshot(ours, key, 'document', author.publicKey, sodium).error, undefined)
    t.ok(Buffer.from(await opened('snapshot', ours)).equals(content))
    t.ok(Buffer.from(await opened('snapshot', received(theirs.snapshot('document', { content })) as Snapshot)).equals(content))
  }
})

t.test('public data of an application is signed, and refused unless it is expected', async (t) => {
  const additional = { keyId: 'key-1', '': [1e21, -0, null] }
  const update = received(finish(createUpdate(Uint8Array.of(1), { docId: 'document', refSnapshotId: 's', clock: 0, additional }, key, author)))
  t.ok(verifySignature('update', update))
  t.throws(() => parseUpdate(update), { name: 'CryptoError', code: 'SECSYNC_INVALID_MESSAGE', message: /keyId/ })
  t.same(parseUpdate(update, (data) => data.keyId === 'key-1'), update)
  t.throws(() => parseUpdate(update, (data) => data.keyId === 'key-2'), { code: 'SECSYNC_INVALID_MESSAGE' })
  t.same(await opened('update', update), Uint8Array.of(1))
  const clash = { docId: 'other', clock: 7, pubKey: 'x' }
  t.match(finish(createUpdate(new Uint8Array(), { docId: 'document', refSnapshotId: 's', clock: 0, additional: clash }, key, author)).publicData,
    { docId: 'document', clock: 0, pubKey: theirs.publicKey })
  t.throws(() => finish(createUpdate(new Uint8Array(), { docId: 'd', refSnapshotId: 's', clock: 0, additional: { n: 1n } }, key, author)),
    { name: 'CryptoError', code: 'SECSYNC_INVALID_MESSAGE' })
})

t.test('whatever of a message is changed, it is refused by name', async (t) => {
  for (const [kind, message] of [['snapshot', snapshotOf(Uint8Array.of(1, 2))], ['update', updateOf(Uint8Array.of(1, 2))]] as const) {
    const flip = (text: string) => (text[0] === 'A' ? 'B' : 'A') + text.slice(1)
    const changed: ClientMessage[] = [
      { ...message, ciphertext: flip(message.ciphertext) },
      { ...message, nonce: flip(message.nonce) },
      { ...message, signature: flip(message.signature) },
      { ...message, publicData: { ...message.publicData, docId: 'other' } } as ClientMessage,
      { ...message, publicData: { ...message.publicData, pubKey: new Author().publicKey } } as ClientMessage
    ]
    for (const verifier of ['platform', 'javascript'] as const) {
      t.same((await verifyAll(kind, changed, { verifier })).map((error) => error?.code), changed.map(() => 'SECSYNC_INVALID_SIGNATURE'))
      t.same(await verifyAll(kind === 'update' ? 'snapshot' : 'update', [message], { verifier }).then(([error]) => error?.code), 'SECSYNC_INVALID_SIGNATURE')
    }
    t.same((await decryptAll(changed, key)).map((result) => result instanceof Error ? result.code : 'opened'),
      ['SECSYNC_WRONG_KEY', 'SECSYNC_WRONG_KEY', 'opened', 'SECSYNC_WRONG_KEY', 'SECSYNC_WRONG_KEY'])
  }
})

t.test('one message of many that is wrong does not spoil the others', async (t) => {
  const messages = Array.from({ length: 200 }, (_, clock) => updateOf(Uint8Array.of(clock & 255), 'document', clock))
  const signature = messages[0]!.signature
  messages[70] = { ...messages[70]!, signature }
  messages[71] = { ...messages[71]!, signature: '!'.repeat(86) }
  messages[72] = { ...messages[72]!, ciphertext: 'AAAA' }
  for (const verifier of ['platform', 'javascript'] as const) {
    const errors = await verifyAll('update', messages, { verifier })
    t.same(errors.flatMap((error, index) => error === undefined ? [] : [[index, error.code]]),
      [[70, 'SECSYNC_INVALID_SIGNATURE'], [71, 'SECSYNC_INVALID_SIGNATURE'], [72, 'SECSYNC_INVALID_SIGNATURE']])
    t.equal(errors.length, 200)
  }
  const contents = await decryptAll(messages, key)
  t.same(contents.flatMap((content, index) => content instanceof Error ? [[index, content.code]] : []), [[72, 'SECSYNC_WRONG_KEY']])
  t.same(contents[199], Uint8Array.of(199))
  for (const verifier of ['platform', 'javascript'] as const) {
    const opened = await openAll('update', messages, key, { verifier })
    t.same(opened.flatMap((content, index) => content instanceof Error ? [[index, content.code]] : []),
      [[70, 'SECSYNC_INVALID_SIGNATURE'], [71, 'SECSYNC_INVALID_SIGNATURE'], [72, 'SECSYNC_INVALID_SIGNATURE']])
    t.same([opened[0], opened[199]], [Uint8Array.of(0), Uint8Array.of(199)])
    t.ok((await openAll('update', messages, createKey(), { verifier })).every((content) => content instanceof Error))
  }
})

t.test('a wrong key is told by name', async (t) => {
  const update = updateOf(Uint8Array.of(1))
  t.throws(() => finish(decrypt(update, createKey())), { name: 'CryptoError', code: 'SECSYNC_WRONG_KEY' })
  for (const wrong of [new Uint8Array(31), new Uint8Array(0), 'a'.repeat(32), null, undefined, new Uint16Array(16), new DataView(new ArrayBuffer(32))]) {
    const refused = { name: 'CryptoError', code: 'SECSYNC_INVALID_KEY' }
    t.throws(() => finish(decrypt(update, wrong as Uint8Array)), refused)
    t.throws(() => finish(createUpdate(new Uint8Array(), { docId: 'd', refSnapshotId: 's', clock: 0 }, wrong as Uint8Array, author)), refused)
  }
})

t.test('a message of any shape is parsed, or refused by name', async (t) => {
  const shapes = fc.object({ key: fc.constantFrom('ciphertext', 'nonce', 'signature', 'publicData', 'docId', 'clock', '__proto__'), maxDepth: 3 })
  for (const [parse, valid] of [[parseSnapshot, snapshotOf(new Uint8Array())], [parseUpdate, updateOf(new Uint8Array())],
    [parseEphemeralMessage, finish(createEphemeralMessage(new Uint8Array(), { docId: 'd' }, key, author))]] as const) {
    t.same(parse(received({ ...valid, type: 'update', more: 1 })), valid, 'nothing but what was signed is kept')
    const refused = { name: 'CryptoError', code: 'SECSYNC_INVALID_MESSAGE' }
    for (const wrong of [undefined, null, 1, 'text', [], [valid], {}]) t.throws(() => parse(wrong), refused)
    const wrongValues = [undefined, null, 1.5, -1, 2 ** 53, 'text', [], { a: 1 }, { [theirs.publicKey]: -1 }, { short: 1 }]
    for (const part of ['ciphertext', 'nonce', 'signature', 'publicData'] as const) {
      for (const value of wrongValues) {
        if (part !== 'ciphertext' || value !== 'text') t.throws(() => parse({ ...valid, [part]: value }), refused, `${part}: ${JSON.stringify(value)}`)
      }
    }
    for (const part of Object.keys(valid.publicData)) {
      for (const value of wrongValues) {
        if (value === 'text' && ['docId', 'snapshotId', 'parentSnapshotId', 'refSnapshotId'].includes(part)) continue
        t.throws(() => parse({ ...valid, publicData: { ...valid.publicData, [part]: value } }), refused, `${part}: ${JSON.stringify(value)}`)
      }
    }
    fc.assert(fc.property(shapes, (shape) => {
      try {
        parse(shape)
      } catch (error) {
        return (error as Error).name === 'CryptoError'
      }
    }))
  }
})

t.test('a snapshot is known as the child of its parent, and nothing else is', async (t) => {
  const initial = snapshotOf(Uint8Array.of(1))
  const child = snapshotOf(Uint8Array.of(2), finish(proofEntryOf(initial)))
  const theirChild = theirs.snapshot('document', { parent: initial }) as Snapshot
  t.ok(isChild(initial, noParent))
  for (const snapshot of [child, theirChild]) {
    t.ok(isChild(snapshot, finish(proofEntryOf(initial))))
    t.notOk(isChild(snapshot, noParent))
    t.notOk(isChild(snapshot, finish(proofEntryOf(snapshot))))
  }
  const entry = finish(proofEntryOf(initial))
  for (const name of Object.keys(entry)) t.notOk(isChild(child, { ...entry, [name]: createId() }), name)
})

t.test('a chain from any snapshot to the active one convinces, and no other chain does', async (t) => {
  const snapshots = [snapshotOf(Uint8Array.of(0))]
  while (snapshots.length < 5) snapshots.push(snapshotOf(Uint8Array.of(snapshots.length), finish(proofEntryOf(snapshots.at(-1)!))))
  const entries = snapshots.map((snapshot) => finish(proofEntryOf(snapshot)))
  const current = entries.at(-1)!
  for (const [index, known] of entries.entries()) {
    const chain = entries.slice(index + 1)
    t.ok(isDescendant(current, known, chain), `from ${index}`)
    t.equal(isDescendant(current, known, []), index === 4, 'only the active one itself needs no chain')
    if (chain.length === 0) continue
    t.notOk(isDescendant(current, known, chain.slice(0, -1)), 'without the last')
    t.notOk(isDescendant(current, known, [known, ...chain]), 'with the known one')
    t.notOk(isDescendant(current, known, [...chain, current]), 'with the active one twice')
    if (chain.length > 1) {
      t.notOk(isDescendant(current, known, chain.slice(1)), 'without the first')
      t.notOk(isDescendant(current, known, chain.toReversed()), 'in another order')
    }
    for (const name of Object.keys(current)) {
      t.notOk(isDescendant({ ...current, [name]: createId() }, known, chain), `another ${name}`)
      t.notOk(isDescendant(current, known, chain.with(0, { ...chain[0]!, [name]: createId() })), `another ${name} in the chain`)
    }
  }
})

t.test('changes are serialized as the published client does it', async (t) => {
  fc.assert(fc.property(fc.array(bytes, { maxLength: 5 }), (changes) => {
    const content = finish(encodeChanges(changes))
    t.equal(sodium.to_string(content), secsync.serializeUint8ArrayUpdates(changes, sodium))
    t.same(finish(decodeChanges(content)), changes)
  }), { numRuns: 50 })
  for (const wrong of ['', '{}', '[1]', '["AB"]', '["A="]', 'null', '["AA"'].map((text) => sodium.from_string(text)).concat(Uint8Array.of(0x22, 0xff))) {
    t.throws(() => finish(decodeChanges(wrong)), { name: 'CryptoError' }, sodium.to_base64(wrong))
  }
})

t.test('content and key pairs that are none are refused by name', async (t) => {
  const make = (content: unknown, keyPair: unknown) => () => finish(createUpdate(content as Uint8Array, { docId: 'd', refSnapshotId: 's', clock: 0 }, key,
    keyPair as typeof author))
  for (const content of ['text', undefined, null, [1], new ArrayBuffer(1)]) t.throws(make(content, author), { name: 'CryptoError', code: 'SECSYNC_INVALID_MESSAGE' })
  for (const keyPair of [{}, { ...author, publicKey: 'text' }, { ...author, publicKey: createKeyPair().publicKey }]) {
    t.throws(make(Uint8Array.of(1), keyPair), { name: 'CryptoError', code: 'SECSYNC_INVALID_KEY' })
  }
})

t.test('a key pair may be Buffers, and nothing of it is changed', async (t) => {
  const { publicKey, privateKey } = createKeyPair()
  const keyPair = { publicKey: Buffer.from(publicKey), privateKey: Buffer.from(privateKey) }
  const update = finish(createUpdate(Buffer.from('x'), { docId: 'd', refSnapshotId: 's', clock: 0 }, Buffer.from(key), keyPair))
  t.ok(verifySignature('update', update))
  t.ok(keyPair.publicKey.equals(publicKey) && keyPair.privateKey.equals(privateKey))
})
