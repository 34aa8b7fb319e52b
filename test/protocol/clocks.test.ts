import fc from 'fast-check'
import { compareUpdateClocks } from 'secsync'
import t from 'tap'
import { parseClocks, sameClocks } from '../../lib/protocol/clocks.ts'
import { Author } from '../fixtures/raw-client.ts'

const [a, b, c] = Array.from({ length: 3 }, () => new Author().publicKey) as [string, string, string]

const clocks = fc.dictionary(fc.constantFrom(a, b, c), fc.nat(3))

t.test('clocks are the same for the server when they are for the client', async () => {
  fc.assert(fc.property(clocks, clocks, (one, other) => sameClocks(one, other) === compareUpdateClocks(one, other).equal),
    { examples: [[{}, {}], [{ [a]: 0 }, {}], [{}, { [a]: 0 }], [{ [a]: 0 }, { [b]: 0 }], [{ [a]: 0, [b]: 1 }, { [b]: 1, [a]: 0 }]] })
})

t.test('the clocks that a client knows are read, encoded for a URI once or twice', async () => {
  fc.assert(fc.property(clocks, (known) => {
    const text = JSON.stringify(known)
    return [text, encodeURIComponent(text)].every((text) => {
      const read = parseClocks(text)
      return read !== undefined && sameClocks(read, known)
    })
  }))
})

t.test('clocks that cannot be read are ignored', async (t) => {
  const long = a + 'A'
  const spareBits = a.slice(0, -1) + 'B'
  for (const text of [
    undefined, '', ' ', 'clocks', '{', '[]', 'null', '1', '"{}"', '%', '%7B', '%E0%A4%A', '%22x%22',
    ...['-1', '0.5', '1e300', '9007199254740992', '"0"', 'null', '[0]', '{}'].map((clock) => `{"${a}":${clock}}`),
    ...['', 'x', '__proto__', 'constructor', long, spareBits, a.slice(1), `${a.slice(1)}=`, `${a.slice(1)}\\u0000`].map((key) => `{"${key}":0}`),
    `{"${a}":0,"x":0}`
  ]) {
    t.equal(parseClocks(text), undefined, JSON.stringify(text))
  }
  t.strictSame(parseClocks(`{"${a}":9007199254740991}`), { [a]: Number.MAX_SAFE_INTEGER })
})
