import fc from 'fast-check'
import t from 'tap'
import { snapshotChange, updateChange, type Change, type UpdateChange } from '../../lib/protocol/changes.ts'
import type { UpdateClocks } from '../../lib/protocol/clocks.ts'
import { advance, continuing, copyOf, lastClock, positionOf, sameCursor, type Cursor } from '../../lib/protocol/cursor.ts'
import type { Snapshot, Update } from '../../lib/protocol/messages.ts'

const start: Cursor = { snapshotId: '', clocks: {} }

function updateOf (refSnapshotId: string, pubKey: string, clock: number): UpdateChange {
  return updateChange({ publicData: { docId: 'document', refSnapshotId, pubKey, clock } } as Update)
}

/** A document as a store puts it in order, from random choices: a number below 4 is the author of an update, 4 a snapshot. */
function documentOf (choices: number[]): Change[] {
  const changes: Change[] = []
  let [snapshotId, clocks, snapshots]: [string, UpdateClocks, number] = ['', {}, 0]
  for (const choice of [4, ...choices]) {
    if (choice === 4) {
      const publicData = { snapshotId: `snapshot ${snapshots++}`, parentSnapshotId: snapshotId, parentSnapshotUpdateClocks: clocks }
      changes.push(snapshotChange({ publicData } as Snapshot))
      snapshotId = publicData.snapshotId
      clocks = {}
    } else {
      const author = `author ${choice}`
      const clock = (clocks[author] ?? -1) + 1
      changes.push(updateOf(snapshotId, author, clock))
      clocks = { ...clocks, [author]: clock }
    }
  }
  return changes
}

/** Where a document stands after these changes. */
function cursorAfter (changes: Change[]): Cursor {
  const cursor = copyOf(start)
  for (const change of changes) advance(cursor, change)
  return cursor
}

const document = fc.array(fc.nat(4), { maxLength: 30 }).map(documentOf)

/** A document and a part of it that somebody has got already. */
const partOfDocument = document.chain((changes) => fc.tuple(fc.constant(changes), fc.nat(changes.length)))

t.test('each change is next after those before it, and once it is there it is behind', async () => {
  fc.assert(fc.property(document, (changes) => changes.every((change, index) =>
    positionOf(change, cursorAfter(changes.slice(0, index))) === 'next' &&
    positionOf(change, cursorAfter(changes.slice(0, index + 1))) === 'behind')))
})

t.test('whatever is lost, repeated or comes in another order, each change is taken once, after its predecessors', async () => {
  const arrivals = document.chain((changes) => fc.tuple(fc.constant(changes), fc.array(fc.constantFrom(...changes), { maxLength: 100 })))
  fc.assert(fc.property(arrivals, ([changes, arriving]) => {
    const cursor = copyOf(start)
    const taken: Change[] = []
    for (const change of [...arriving, ...changes]) {
      if (positionOf(change, cursor) !== 'next') continue
      advance(cursor, change)
      taken.push(change)
    }
    const last = new Map<string, number>()
    return new Set(taken).size === taken.length && taken.every((change) => {
      const isSnapshot = change.kind === 'snapshot'
      if (isSnapshot) last.clear()
      const clock = isSnapshot ? 0 : change.clock
      const follows = isSnapshot || clock === (last.get(change.author) ?? -1) + 1
      if (!isSnapshot) last.set(change.author, clock)
      return follows
    })
  }))
})

t.test('what is left of a document, in its order, brings everybody to the same cursor', async () => {
  fc.assert(fc.property(partOfDocument, ([changes, known]) => {
    const cursor = cursorAfter(changes.slice(0, known))
    for (const change of changes.slice(known)) {
      if (positionOf(change, cursor) !== 'next') return false
      advance(cursor, change)
    }
    return sameCursor(cursor, cursorAfter(changes))
  }))
})

t.test('a change after one that is missing leaves a gap', async (t) => {
  const [snapshot, , second, third, child] = documentOf([0, 0, 0, 4])
  const atFirst = cursorAfter(documentOf([0]))
  t.equal(positionOf(second!, atFirst), 'next')
  t.equal(positionOf(third!, atFirst), 'gap')
  t.equal(positionOf(child!, atFirst), 'gap', 'a snapshot that knows more')
  t.equal(positionOf(child!, start), 'gap', 'a snapshot of another parent')
  t.equal(positionOf(second!, start), 'gap', 'an update of another snapshot')
  t.equal(positionOf(snapshot!, start), 'next')
})

t.test('of updates in any order, those are picked that continue the cursor one by one, up to the first of an author that does not', async () => {
  const author = fc.nat(2).map((author) => `author ${author}`)
  const update = fc.tuple(fc.constantFrom('snapshot', 'other'), author, fc.nat(4)).map((args) => updateOf(...args))
  const cursor = fc.dictionary(author, fc.nat(2)).map((clocks) => ({ snapshotId: 'snapshot', clocks }))
  fc.assert(fc.property(fc.array(update), cursor, (updates, cursor) => {
    const moved = copyOf(cursor)
    const stopped = new Set<string>()
    const expected = updates.filter((update) => {
      if (positionOf(update, moved) !== 'next') stopped.add(update.author)
      if (stopped.has(update.author)) return false
      advance(moved, update)
      return true
    })
    const picked = continuing(updates, cursor)
    return picked.length === expected.length && picked.every((update, index) => update === expected[index])
  }))
})

t.test('a copy does not move with its original, and an author without an update stands before the first', async (t) => {
  const cursor = cursorAfter(documentOf([0, 0]))
  const copy = copyOf(cursor)
  advance(cursor, updateOf(cursor.snapshotId, 'author 1', 0))
  t.notOk(sameCursor(cursor, copy))
  t.equal(lastClock(copy, 'author 0'), 1)
  t.equal(lastClock(copy, 'author 1'), -1)
  t.notOk(sameCursor(copy, { ...copy, snapshotId: 'other' }))
})
