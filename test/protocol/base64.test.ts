import { Value } from '@sinclair/typebox/value'
import fc from 'fast-check'
import t from 'tap'
import { Base64, isBase64 } from '../../lib/protocol/base64.ts'
import { sodium } from '../fixtures/raw-client.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function clientDecodes (text: string): boolean {
  try {
    sodium.from_base64(text)
    return true
  } catch {
    return false
  }
}

t.test('what the client can decode is accepted, and nothing else: all endings of a text', async (t) => {
  const different: string[] = []
  for (const a of alphabet) {
    for (const b of alphabet) {
      for (const text of [a, a + b, 'A' + a + b, 'AA' + a + b, 'AAAA' + a + b, 'AAAAA' + a + b]) {
        if (isBase64(text) !== clientDecodes(text)) different.push(text)
      }
    }
  }
  t.strictSame(different, [])
})

t.test('what the client can decode is accepted, and nothing else: any text of ASCII', async () => {
  const character = fc.oneof({ arbitrary: fc.constantFrom(...alphabet), weight: 20 }, fc.constantFrom(...'+/= \n\t\0.,'))
  fc.assert(fc.property(fc.string({ unit: character }), (text) => isBase64(text) === clientDecodes(text)),
    { examples: [[''], ['AA=='], ['AAA='], ['A A'], ['AA\n'], ['\nAA']] })
})

t.test('beyond ASCII, where the client takes one character for another, nothing is accepted', async (t) => {
  for (const text of ['AA文A', 'ÁAAA', 'AAA\ud800', 'ＡＡＡＡ', 'AAA\u0141']) t.notOk(isBase64(text))
})

t.test('what the client encodes is accepted, with its own length and no other', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
    const text = sodium.to_base64(bytes)
    return Value.Check(Base64(), text) && [24, 32, 64].every((length) => Value.Check(Base64(length), text) === (length === bytes.length))
  }), { examples: [24, 32, 64].map((length) => [new Uint8Array(length)]) })
})
