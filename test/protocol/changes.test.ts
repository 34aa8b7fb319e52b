import t from 'tap'
import { changesOf, ephemeralMessageOf } from '../../lib/protocol/changes.ts'
import { Author } from '../fixtures/raw-client.ts'

const author = new Author()

t.test('a document that is not there has no changes', (t) => {
  t.strictSame(changesOf(undefined), [])
  t.end()
})

t.test('of an ephemeral message of another node the signed parts are taken. Anything else is refused', (t) => {
  const message = author.ephemeralMessage('document')
  t.strictSame(JSON.parse(ephemeralMessageOf(JSON.stringify({ ...message, type: 'document' }))), message)
  for (const value of [{ ...message, nonce: 1 }, { ...message, publicData: {} }, null]) {
    t.throws(() => ephemeralMessageOf(JSON.stringify(value)), TypeError)
  }
  t.end()
})
