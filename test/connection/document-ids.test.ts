import t from 'tap'
import { DocumentIds } from '../../lib/connection/document-ids.ts'
import { leadsTo, readHandshakeUrl } from '../../lib/connection/handshake-url.ts'
import { requestOf } from '../fixtures/open-room.ts'

t.test('of so many sessions that an id was learned from, the oldest is forgotten', (t) => {
  const ids = new DocumentIds()
  const request = requestOf('/documents/a%2Fb?sessionKey=key')
  t.strictSame(ids.readingsOf(request, 'key 0'), ['a/b', 'a%2Fb'])
  for (let i = 0; i < 1000; i++) t.ok(ids.learn(request, `key ${i}`, 'a%2Fb'))
  t.strictSame(ids.readingsOf(request, 'key 0'), ['a%2Fb'])
  ids.learn(request, 'key 1000', 'a%2Fb')
  t.strictSame(ids.readingsOf(request, 'key 0'), ['a/b', 'a%2Fb'])
  t.strictSame(ids.readingsOf(request, 'key 1'), ['a%2Fb'])
  t.end()
})

t.test('an id that cannot be in a URL leads to no path', (t) => {
  t.notOk(leadsTo('%EF%BF%BD', '\uD800'))
  t.end()
})

t.test('the session key is read from the query as it was sent, and what the application’s parser makes of it has the last word', (t) => {
  t.strictSame(readHandshakeUrl(requestOf('/documents/id')).sessionKeys, [])
  t.strictSame(readHandshakeUrl(requestOf('/documents/id?sessionKey=a+b', { sessionKey: 'a b' })).sessionKeys, ['a+b', 'a b'])
  t.strictSame(readHandshakeUrl(requestOf('/documents/id?sessionKey=a+b&revision=2', { sessionKey: 'a b' })).sessionKeys, ['a b'])
  t.strictSame(readHandshakeUrl(requestOf('/documents/id?session[key]=x', { sessionKey: 'x' })).sessionKeys, ['x'])
  t.end()
})
