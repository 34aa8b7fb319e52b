import t from 'tap'
import { advance, checkComplete, historyFrom, placeUpdate } from '../../lib/client/core/history.ts'
import { Outbox } from '../../lib/client/core/outbox.ts'
import type { Snapshot, Update } from '../../lib/protocol/messages.ts'

function updateOf (author: string, clock: number, refSnapshotId = 'snapshot'): Update {
  return { ciphertext: '', nonce: '', publicData: { docId: 'document', refSnapshotId, pubKey: author, clock }, signature: `${author} ${clock} of ${refSnapshotId}`.padEnd(86) }
}

function historyWith (...updates: Update[]) {
  const history = historyFrom({ snapshotId: 'snapshot', parentSnapshotProof: '', snapshotCiphertextHash: '' })
  for (const update of updates) advance(history.marks, update)
  return history
}

t.test('where an update stands', (t) => {
  const history = historyWith(updateOf('ada', 0), updateOf('ada', 1))
  for (const [update, position] of [
    [updateOf('ada', 1), 'behind'], [updateOf('ada', 2), 'next'], [updateOf('ada', 3), 'gap'], [updateOf('bob', 0), 'next'], [updateOf('bob', 1), 'gap'],
    [updateOf('ada', 2, 'snapshot before'), 'otherSnapshot']
  ] as const) t.equal(placeUpdate(history, update), position, update.signature)
  t.throws(() => placeUpdate(history, { ...updateOf('ada', 1), signature: 'another' }), { code: 'SECSYNC_HISTORY_LOST' })
  t.end()
})

t.test('a document that has less than is known has lost it', (t) => {
  const history = historyWith(updateOf('ada', 0), updateOf('ada', 1), updateOf('bob', 0))
  const all = [updateOf('bob', 0), updateOf('ada', 0), updateOf('ada', 1)]
  checkComplete(history, [...all, updateOf('cleo', 0)])
  for (const missing of all.filter(({ signature }) => signature !== updateOf('ada', 0).signature)) {
    t.throws(() => checkComplete(history, all.filter((update) => update !== missing)), { code: 'SECSYNC_HISTORY_LOST' })
  }
  t.end()
})

const utf8 = new TextEncoder()

/** An outbox with an update for each text. */
function outboxWith (...texts: string[]): Outbox {
  const outbox = new Outbox('ada', true)
  for (const [clock, text] of texts.entries()) {
    outbox.gather(utf8.encode(text))
    const piece = outbox.collect(text, (changes) => changes)
    if (piece !== undefined) outbox.seal([piece], piece, updateOf('ada', clock), text).state = 'sent'
  }
  return outbox
}

t.test('an acknowledgement of an update that was refused before is one all the same', (t) => {
  const outbox = outboxWith('a', 'b')
  outbox.refused()
  t.equal(outbox.acknowledged('snapshot', 0)?.publicData.clock, 0)
  t.equal(outbox.acknowledged('snapshot', 0), undefined, 'once')
  t.equal(outbox.acknowledged('another', 1), undefined)
  t.equal(outbox.pending, 1)
  outbox.retry()
  t.equal(outbox.acknowledged('snapshot', 1), undefined, 'not before it is sent again')
  t.end()
})

t.test('of so many snapshots that were sent, the first is forgotten: what it contains is sent again', (t) => {
  for (const [count, pending] of [[32, 0], [33, 1]] as const) {
    const outbox = new Outbox('ada', true)
    outbox.gather(utf8.encode('a'))
    outbox.collect('a', (changes) => changes)
    for (let i = 0; i < count; i++) outbox.snapshotSent(`snapshot ${i}`, 1)
    const active = { snapshotId: 'snapshot 0', parentSnapshotId: '', parentSnapshotUpdateClocks: {} } as Snapshot['publicData']
    outbox.moved({ active, snapshotIds: ['snapshot 0'] })
    t.equal(outbox.pending, pending, `${count} snapshots`)
  }
  t.end()
})
