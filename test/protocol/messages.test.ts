import { Type } from '@sinclair/typebox'
import { generateId } from 'secsync'
import t from 'tap'
import { compileChecks, kindOf, type MessageKind } from '../../lib/protocol/messages.ts'
import { Author, sodium } from '../fixtures/raw-client.ts'

type Json = Record<string, unknown>

const author = new Author()
const checks = compileChecks()
const parent = author.snapshot('document')
const messages = {
  snapshot: author.snapshot('document', { parent, clocks: { [author.publicKey]: 1 } }),
  update: author.update('document', generateId(sodium), 3),
  ephemeralMessage: author.ephemeralMessage('document')
} as unknown as Record<MessageKind, Json & { publicData: Json }>
const kinds = Object.keys(messages) as MessageKind[]

const values: unknown[] = [undefined, null, true, false, -1, 0, 0.5, 1, 2 ** 53, Infinity, '', '0', ' ', 'text', 'ü', '\0', [], [0], {}, { a: 0 }]
const isText = (value: unknown) => typeof value === 'string'
const isId = (value: unknown) => value === '0' || value === 'text'

/** Which of these values are right in a field after all. All that is missing here is right in none. */
const right: Record<string, (value: unknown) => boolean> = {
  // As base64: 'text' is that, too.
  ciphertext: (value) => value === '' || value === 'text',
  docId: isText,
  snapshotId: isId,
  parentSnapshotId: (value) => isId(value) || value === '',
  refSnapshotId: isId,
  clock: (value) => value === 0 || value === 1,
  // No author, no update: `{}` is right, and an array is taken for one by nobody.
  parentSnapshotUpdateClocks: (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

function without (object: Json, name: string): Json {
  const { [name]: _, ...rest } = object
  return rest
}

for (const kind of kinds) {
  const message = messages[kind]
  const check = (value: unknown) => checks[kind](value)

  t.test(`${kind}: what the client sends is accepted, as this and as nothing else`, async (t) => {
    t.equal(kindOf(message), kind)
    for (const other of kinds) t.equal(checks[other](message), other === kind, other)
  })

  t.test(`${kind}: without any one of its fields it is refused`, async (t) => {
    for (const name of Object.keys(message)) t.notOk(check(without(message, name)), name)
    for (const name of Object.keys(message.publicData)) t.notOk(check({ ...message, publicData: without(message.publicData, name) }), name)
  })

  t.test(`${kind}: with a wrong value in any one of its fields it is refused`, async (t) => {
    const fields = [
      ...['ciphertext', 'nonce', 'signature', 'publicData'].map((name) => [name, (value: unknown) => ({ ...message, [name]: value })] as const),
      ...Object.keys(message.publicData).map((name) =>
        [name, (value: unknown) => ({ ...message, publicData: { ...message.publicData, [name]: value } })] as const)
    ]
    for (const [name, withValue] of fields) {
      for (const value of values) t.equal(check(withValue(value)), right[name]?.(value) ?? false, `${name}: ${JSON.stringify(value)}`)
    }
  })

  t.test(`${kind}: keys, nonces and signatures of another length or alphabet are refused`, async (t) => {
    for (const name of ['nonce', 'signature', 'pubKey', 'parentSnapshotProof']) {
      const isPublic = name in message.publicData
      const value = (isPublic ? message.publicData : message)[name]
      if (typeof value !== 'string') continue
      for (const wrong of [value.slice(0, -1), value + 'A', value + '=', value.slice(0, -1) + '+', value.slice(0, -1) + '\n']) {
        const change = { [name]: wrong }
        t.notOk(check({ ...message, ...isPublic ? { publicData: { ...message.publicData, ...change } } : change }), name)
      }
    }
  })

  t.test(`${kind}: additional public data is accepted if there is a schema for it, and only then`, async (t) => {
    const schema = Type.Object({ keyId: Type.String(), note: Type.Optional(Type.Number()) })
    const withData = (data: Json) => ({ ...message, publicData: { ...message.publicData, ...data } })
    const accepts = compileChecks({ [kind]: schema })[kind]
    t.notOk(check(withData({ keyId: 'a' })), 'no schema')
    t.ok(accepts(withData({ keyId: 'a' })))
    t.ok(accepts(withData({ keyId: 'a', note: 1 })))
    t.notOk(accepts(message), 'it is missing')
    t.notOk(accepts(withData({ keyId: 1 })), 'it is of a wrong type')
    t.notOk(accepts(withData({ keyId: 'a', more: 1 })), 'there is more')
    for (const other of kinds.filter((other) => other !== kind)) {
      t.ok(compileChecks({ [kind]: schema })[other](messages[other]), `nothing is asked of a ${other}`)
    }
  })

  t.test(`${kind}: the schema of additional public data cannot loosen what the protocol asks for`, async (t) => {
    const loose = Type.Object(Object.fromEntries(Object.keys(message.publicData).map((name) => [name, Type.Optional(Type.Any())])))
    t.notOk(compileChecks({ [kind]: loose })[kind]({ ...message, publicData: { docId: 'document' } }))
  })
}

t.test('ids are of the alphabet that the client uses and of a length that a store can bear', async (t) => {
  const { update } = messages
  const withId = (refSnapshotId: string) => checks.update({ ...update, publicData: { ...update.publicData, refSnapshotId } })
  t.ok(withId('a'.repeat(128)))
  t.notOk(withId('a'.repeat(129)))
  for (const id of ['a b', 'a/b', 'a.b', "a'b", 'a\n', 'ä', '\ud800']) t.notOk(withId(id))
})

t.test('clocks of authors that are no public keys are refused', async (t) => {
  const { snapshot } = messages
  const withClocks = (clocks: unknown) =>
    checks.snapshot({ ...snapshot, publicData: { ...snapshot.publicData, parentSnapshotUpdateClocks: clocks } })
  t.ok(withClocks({ [author.publicKey]: 0, [new Author().publicKey]: 7 }))
  for (const clocks of [{ a: 0 }, { [author.publicKey]: '0' }, { [author.publicKey]: -1 }, JSON.parse('{"__proto__":0}')]) {
    t.notOk(withClocks(clocks), JSON.stringify(clocks))
  }
})

t.test('messages are told apart by their public data, whatever comes', async (t) => {
  t.equal(kindOf({ publicData: { snapshotId: 'a', refSnapshotId: 'b' } }), 'snapshot')
  t.equal(kindOf({ publicData: { refSnapshotId: 'b' } }), 'update')
  for (const message of [null, {}, [], { publicData: null }, { publicData: 1 }, { publicData: {} }]) t.equal(kindOf(message), 'ephemeralMessage')
})
