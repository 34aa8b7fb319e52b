import t from 'tap'
import * as Y from 'yjs'
import { createCommentKeys, createId, longest, openComment, sign, type Comment } from '../../example-app/web/comments/comment.ts'
import { commentMaps, Comments, conversationsOf } from '../../example-app/web/comments/comments.ts'

const keys = createCommentKeys()
const body = new Y.Doc().getXmlFragment('body')
body.insert(0, [new Y.XmlElement('paragraph')])
const position = Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(body, 0)) as unknown
const end = Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(body, 1, -1)) as unknown
const place = { from: position, to: end, quote: 'quote' }

function comment (facts: Partial<Comment> = {}): Comment {
  return { id: createId(), place, text: 'text', at: 1, publicKey: keys.publicKey, ...facts }
}

t.test('a comment and an answer are opened as they were written', async (t) => {
  const first = comment()
  t.same(openComment(first.id, sign(first, 'document', keys), 'document'), first)
  const { place: _place, ...answer } = comment({ answers: first.id })
  t.same(openComment(answer.id, sign(answer, 'document', keys), 'document'), answer)
})

t.test('whoever changes something of a comment, or moves it, has no comment', async (t) => {
  const first = comment()
  const signed = sign(first, 'document', keys)
  const other = createCommentKeys()
  t.equal(openComment(createId(), signed, 'document'), undefined, 'under another id')
  t.equal(openComment(first.id, signed, 'another'), undefined, 'in another document')
  for (const change of [
    { text: 'another text' }, { at: 2 }, { publicKey: other.publicKey }, { place: { ...place, quote: 'another' } }, { place: { ...place, from: end } },
    { place: undefined, answers: 'another' }, { answers: 'another' }, { signature: sign(first, 'document', other).signature }
  ]) t.equal(openComment(first.id, { ...signed, ...change }, 'document'), undefined, JSON.stringify(change))
})

t.test('what has another form is none, and hurts nobody', async (t) => {
  const first = comment()
  const signed = sign(first, 'document', keys)
  for (const value of [
    undefined, null, 'text', 7, [], {}, new Y.Doc().getMap('any'), { ...signed, text: { toString: 1 } }, { ...signed, at: 1e300 }, { ...signed, at: 8.64e15 + 1 }, { ...signed, signature: 'short' },
    { ...signed, publicKey: 'short' }, { ...signed, place: 'everywhere' }, { ...signed, place: { ...place, from: { item: 1 } } }, { ...signed, place: { ...place, quote: 1 } },
    sign(comment({ id: first.id, text: 'x'.repeat(longest.text + 1) }), 'document', keys),
    sign(comment({ id: first.id, place: { ...place, quote: 'x'.repeat(longest.quote + 1) } }), 'document', keys),
    { ...signed, more: 'x'.repeat(longest.all) }
  ]) t.equal(openComment(first.id, value, 'document'), undefined)
})

t.test('answers are behind what they answer, in the order of their times', async (t) => {
  const [one, two] = [comment({ id: 'one', at: 5 }), comment({ id: 'two', at: 1 })]
  const answers = [3, 9, 2].map((at) => ({ ...comment({ id: `answer ${at}`, answers: 'one', at }), place: undefined })).map(({ place: _none, ...answer }) => answer)
  const lost = { id: 'lost', answers: 'nothing', text: '', at: 1, publicKey: '' }
  const conversations = conversationsOf([...answers, one, two, lost], (id) => id === 'two')
  t.same(conversations.map(({ id, isResolved }) => [id, isResolved]), [['two', true], ['one', false]])
  t.same(conversations[1]?.comments.map(({ id }) => id), ['one', 'answer 2', 'answer 3', 'answer 9'])
})

function open (doc: Y.Doc): { comments: Comments, has: (count: number) => Promise<void> } {
  const comments = new Comments(doc, 'document')
  const has = async (count: number) => {
    if (comments.conversations.get().length === count) return
    await new Promise<void>((resolve) => {
      const end = comments.conversations.subscribe(() => {
        if (comments.conversations.get().length !== count) return
        end()
        resolve()
      })
    })
  }
  return { comments, has }
}

t.test('of ten thousand comments, some of them forged, the newest are shown', async (t) => {
  const doc = new Y.Doc()
  const [map] = commentMaps(doc)
  const signed = sign(comment(), 'document', keys)
  doc.transact(() => {
    for (let at = 0; at < 10_000; at++) map.set(`forged ${at}`, { ...signed, publicKey: '', at })
    const right = comment({ at: 20_000 })
    map.set(right.id, sign(right, 'document', keys))
    map.set('copied', sign(right, 'document', keys))
  })
  const { comments, has } = open(doc)
  await has(1)
  t.same([...comments.publicKeys], [keys.publicKey])
  comments.close()
})

t.test('a version that is restored takes no comment, and brings none back', async (t) => {
  const doc = new Y.Doc()
  const [map, resolved] = commentMaps(doc)
  const [kept, deleted] = [comment(), comment()]
  map.set(kept.id, sign(kept, 'document', keys))
  resolved.set(kept.id, true)
  const { comments, has } = open(doc)
  await has(1)
  comments.keepDuring(() => {
    map.delete(kept.id)
    resolved.clear()
    map.set(deleted.id, sign(deleted, 'document', keys))
  })
  t.same([...map.keys()], [kept.id])
  t.same([...resolved.keys()], [kept.id])
  await has(1)
  comments.remove(kept.id)
  await has(0)
  t.equal(resolved.size, 0)
  comments.close()
})
