import t from 'tap'
import * as Y from 'yjs'
import type { Membership } from '../../example-app/web/api.ts'
import { isPresenceState, personOf } from '../../example-app/web/sync/presence.ts'

const user = { publicKey: 'key' }
const body = new Y.Doc().getXmlFragment('body')
const position = Y.createRelativePositionFromTypeIndex(body, 0)
const toJson = (value: unknown) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>

t.test('a state of this app is taken', async (t) => {
  body.insert(0, [new Y.XmlElement('paragraph')])
  const inParagraph = Y.createRelativePositionFromTypeIndex(body.get(0) as Y.XmlElement, 0)
  const atEnd = Y.createRelativePositionFromTypeIndex(body, 1, -1)
  for (const state of [
    { user },
    { user, cursor: null, membersChangedAt: Date.now() },
    ...[position, inParagraph, atEnd].map((anchor) => ({ user, cursor: { anchor, head: position } })),
    { user: { ...user, name: 'Of an earlier version', color: '#0b6e99', memberId: 'x', tab: 'y' } }
  ]) t.ok(isPresenceState(toJson(state)), JSON.stringify(state))
})

t.test('what is wrong in a state, or too big, keeps all of it out', async (t) => {
  const cursor = toJson({ anchor: position, head: position }) as { anchor: Record<string, unknown> }
  const id = { client: 1, clock: 1 }
  for (const state of [
    { user: { ...user, name: 'x'.repeat(200_000) } },
    { user, cursor: 'everywhere' },
    { user, cursor: { anchor: cursor.anchor } },
    { user, cursor: { ...cursor, anchor: null } },
    { user, cursor: { ...cursor, anchor: {} } },
    { user, cursor: { ...cursor, anchor: { tname: 'another type' } } },
    { user, cursor: { ...cursor, anchor: { tname: { toString: null } } } },
    { user, cursor: { ...cursor, anchor: { item: { client: 1, clock: -1 } } } },
    { user, cursor: { ...cursor, anchor: { item: { client: 1, clock: 0.5 } } } },
    { user, cursor: { ...cursor, anchor: { type: { client: '1', clock: 1 } } } },
    { user, cursor: { ...cursor, anchor: { type: id, assoc: 'x' } } },
    { user, membersChangedAt: 'now' },
    { user, membersChangedAt: 9e15 + 0.5e16 },
    { user, anything: 'x'.repeat(2000) }
  ]) t.notOk(isPresenceState(toJson(state)), JSON.stringify(state).slice(0, 100))
})

t.test('who somebody is comes from the members that the server names, not from the state', async (t) => {
  const membership: Membership = {
    role: 'viewer',
    access: 'invited',
    handovers: 0,
    members: [
      { memberId: 'o', name: 'Olga', role: 'owner', publicKeys: ['key of Olga'] },
      { memberId: 'v', name: 'Vera', role: 'viewer', publicKeys: ['key of Vera', 'of another tab'] }
    ]
  }
  t.match(personOf(membership, 'of another tab'), { name: 'Vera', memberId: 'v' })
  t.equal(personOf(membership, 'unknown'), undefined)
  t.equal(personOf(membership, undefined), undefined)
})
