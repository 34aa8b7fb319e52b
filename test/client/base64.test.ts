import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { decodeBase64, fromBase64, toBase64 } from '../../lib/client/crypto/base64.ts'
import { finish } from '../../lib/client/crypto/work.ts'
import { isBase64 } from '../../lib/protocol/base64.ts'
import { sodium } from '../fixtures/raw-client.ts'

const characters = [...'AQgwBZaz09-_+/= \n\u0000\u00c1\u0141\ud83d\udd11']
const texts = fc.oneof(fc.string({ unit: fc.constantFrom(...characters), maxLength: 9 }), fc.string({ unit: 'binary', maxLength: 9 }),
  fc.uint8Array().map((bytes) => sodium.to_base64(bytes)))

/** The bytes, or `undefined` for a text that is refused. */
function outcome (decode: (text: string) => Uint8Array, text: string): string | undefined {
  try {
    return Buffer.from(decode(text)).toString('hex')
  } catch {
    return undefined
  }
}

t.test('bytes become the text of libsodium, and bytes again', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const text = toBase64(bytes)
    return text === sodium.to_base64(bytes) && Buffer.from(fromBase64(text)).equals(bytes)
  }))
})

t.test('a text is refused exactly when libsodium refuses it', async (t) => {
  fc.assert(fc.property(texts, (text) => {
    // libsodium-wrappers 0.7.15 decodes characters that are not ASCII, each byte of their UTF-8 as six bits. The server refuses them.
    const isAscii = Buffer.from(text).length === text.length
    t.equal(outcome(fromBase64, text), isAscii ? outcome((text) => sodium.from_base64(text), text) : undefined, JSON.stringify(text))
    t.equal(outcome(fromBase64, text) !== undefined, isBase64(text), 'as the server decides')
  }), { numRuns: 1000, examples: [[''], ['A'], ['AA'], ['AB'], ['AAA'], ['AAB'], ['AAAA'], ['AAAAA'], ['AA=='], ['AA\u0141A'], ['AAA\u0100']] })
})

t.test('bytes of many steps are the same', async (t) => {
  for (const length of [49_151, 49_152, 49_153, 147_456, 200_000]) {
    const bytes = new Uint8Array(randomBytes(length))
    const text = toBase64(bytes)
    t.equal(text, sodium.to_base64(bytes))
    t.ok(Buffer.from(finish(decodeBase64(text))).equals(bytes))
  }
})

t.test('a refused text has a named error', async (t) => {
  t.throws(() => fromBase64('AB'), { name: 'CryptoError', code: 'SECSYNC_INVALID_BASE64' })
})
