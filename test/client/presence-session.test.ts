import * as secsync from 'secsync'
import t from 'tap'
import { createKey } from '../../lib/client/crypto/keys.ts'
import { verify } from '../../lib/client/crypto/open.ts'
import { parseEphemeralMessage } from '../../lib/client/crypto/parse.ts'
import { PresenceSession } from '../../lib/client/crypto/presence.ts'
import { finish } from '../../lib/client/crypto/work.ts'
import type { EphemeralMessage } from '../../lib/protocol/messages.ts'
import { Author, key, sodium } from '../fixtures/raw-client.ts'

const docId = 'document'

function session (author = new Author(), document = docId) {
  return new PresenceSession({ docId: document, author: author.keyPair })
}

function receive (session: PresenceSession, message: EphemeralMessage) {
  return finish(session.receive(message, key))
}

function message (session: PresenceSession, text: string) {
  return finish(session.message(sodium.from_string(text), key))
}

interface ReceivedByPublished {
  validSessions?: secsync.ValidSessions | undefined
  proof?: Uint8Array | undefined
  requestProof?: boolean | undefined
  content?: Uint8Array | undefined
}

/** A session of the published client, as its sync machine keeps one. */
class PublishedSession {
  readonly author = new Author()
  readonly session: secsync.EphemeralMessagesSession = { id: secsync.generateId(sodium), counter: 1000, validSessions: {} }

  create (type: 'initialize' | 'proofAndRequestProof' | 'proof' | 'message', content: Uint8Array): EphemeralMessage {
    return secsync.createEphemeralMessage(content, type, { docId, pubKey: this.author.publicKey }, key, this.author.keyPair,
      this.session.id, this.session.counter++, sodium)
  }

  /** The text of a message that it accepts, and what it answers. */
  receive (message: EphemeralMessage): { text?: string, answer?: EphemeralMessage } {
    const { validSessions, proof, requestProof, content }: ReceivedByPublished = secsync.verifyAndDecryptEphemeralMessage(
      message, key, docId, this.session, this.author.keyPair, sodium)
    if (validSessions !== undefined) this.session.validSessions = validSessions
    return {
      ...content !== undefined && { text: sodium.to_string(content) },
      ...proof !== undefined && { answer: this.create(requestProof === true ? 'proofAndRequestProof' : 'proof', proof) }
    }
  }
}

/** Exchanges answers until nobody has one. */
function introduce (ours: PresenceSession, theirs: PresenceSession | PublishedSession, hello: EphemeralMessage, isOurs: boolean): void {
  let next: EphemeralMessage | undefined = hello
  for (let fromUs = isOurs; next !== undefined; fromUs = !fromUs) {
    if (!fromUs) next = receive(ours, next).answer
    else next = theirs instanceof PresenceSession ? receive(theirs, next).answer : theirs.receive(next).answer
  }
}

t.test('after a hello, both accept what the other sends', async (t) => {
  const [a, b] = [session(), session()]
  introduce(a, b, finish(a.hello(key)), true)
  t.same(receive(b, message(a, 'from a')), { content: sodium.from_string('from a') })
  t.same(receive(a, message(b, 'from b')), { content: sodium.from_string('from b') })
})

t.test('this client and the published one accept each other, whoever comes second', async (t) => {
  for (const isOurs of [true, false]) {
    const [ours, theirs] = [session(), new PublishedSession()]
    introduce(ours, theirs, isOurs ? finish(ours.hello(key)) : theirs.create('initialize', new Uint8Array()), isOurs)
    t.same(theirs.receive(message(ours, 'cursor')), { text: 'cursor' })
    const received = parseEphemeralMessage(JSON.parse(JSON.stringify(theirs.create('message', sodium.from_string('their cursor')))))
    await verify('ephemeralMessage', received)
    t.same(receive(ours, received).content, sodium.from_string('their cursor'))
  }
})

t.test('a message of an unknown session is dropped and answered; then the author is known', async (t) => {
  for (const theirs of [session(), new PublishedSession()]) {
    const ours = session()
    const first = theirs instanceof PresenceSession ? message(theirs, 'first') : theirs.create('message', sodium.from_string('first'))
    const { content, answer } = receive(ours, first)
    t.equal(content, undefined)
    introduce(ours, theirs, answer!, true)
    const second = theirs instanceof PresenceSession ? message(theirs, 'second') : theirs.create('message', sodium.from_string('second'))
    t.same(receive(ours, second), { content: sodium.from_string('second') })
  }
})

t.test('what is repeated is refused by name: messages, and proofs that would set the count back', async (t) => {
  const [a, b] = [session(), session()]
  const hello = finish(a.hello(key))
  const proofRequest = receive(b, hello).answer!
  const proof = receive(a, proofRequest).answer!
  receive(b, proof)
  const first = message(a, 'first')
  const second = message(a, 'second')
  receive(b, second)
  const replayed = { name: 'CryptoError', code: 'SECSYNC_REPLAYED_MESSAGE' }
  t.throws(() => receive(b, second), replayed)
  t.throws(() => receive(b, first), replayed, 'late')
  receive(b, proof)
  t.throws(() => receive(b, second), replayed, 'after the proof was repeated')
})

t.test('a proof for somebody else, or by somebody else, does not count', async (t) => {
  const [a, b, other] = [session(), session(), session()]
  receive(other, receive(a, finish(other.hello(key))).answer!)
  const proofForOther = receive(a, receive(other, finish(a.hello(key))).answer!).answer!
  t.same(receive(b, proofForOther), {})
  t.ok(receive(b, message(a, 'x')).answer, 'still unknown')
})

t.test('tabs of one author are accepted side by side', async (t) => {
  const author = new Author()
  const [tab, otherTab, reader] = [session(author), session(author), session()]
  introduce(reader, tab, finish(tab.hello(key)), false)
  introduce(reader, otherTab, finish(otherTab.hello(key)), false)
  for (let turn = 0; turn < 3; turn++) {
    t.ok(receive(reader, message(tab, 'a')).content)
    t.ok(receive(reader, message(otherTab, 'b')).content)
  }
})

t.test('messages of another document, another key, another shape are refused by name', async (t) => {
  const ours = session()
  const author = new Author()
  const invalid = { name: 'CryptoError', code: 'SECSYNC_INVALID_MESSAGE' }
  t.throws(() => receive(ours, message(session(author, 'other'), 'x')), invalid)
  t.throws(() => finish(ours.receive(message(session(), 'x'), createKey())), { name: 'CryptoError', code: 'SECSYNC_WRONG_KEY' })
  const published = new PublishedSession()
  t.throws(() => receive(ours, secsync.createEphemeralMessage('', 'message', { docId, pubKey: author.publicKey }, key, author.keyPair, '', 1, sodium)), invalid, 'too short')
  const unknownType = published.create('unknown' as 'message', new Uint8Array())
  t.throws(() => receive(ours, unknownType), invalid)
})

t.test('an author with ever new sessions takes no more memory than for eight', async (t) => {
  const author = new Author()
  const reader = session()
  const tabs = Array.from({ length: 10 }, () => session(author))
  for (const tab of tabs) introduce(reader, tab, finish(tab.hello(key)), false)
  t.same(tabs.map((tab) => receive(reader, message(tab, 'x')).content === undefined), tabs.map((_, index) => index < 2))
})
