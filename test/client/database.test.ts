import t from 'tap'
import { complete } from '../../lib/client/storage/database.ts'

/** A transaction that cannot be aborted when it has ended, as those of IndexedDB. */
function transactionThat (ends: { error?: Error, isOver?: boolean }) {
  const calls: string[] = []
  return {
    calls,
    done: ends.error === undefined ? Promise.resolve() : Promise.reject(ends.error),
    commit () { calls.push('commit') },
    abort () {
      calls.push('abort')
      if (ends.isOver === true) throw new DOMException('It has ended', 'InvalidStateError')
    }
  }
}

const full = new DOMException('The disk is full', 'QuotaExceededError')
const aborted = new DOMException('Aborted', 'AbortError')

t.test('a transaction that fails rejects with the error that says why', async (t) => {
  await complete(transactionThat({}), (add) => add(Promise.resolve()))
  for (const [ofDone, ofRequest, expected] of [[aborted, full, full], [full, aborted, full], [aborted, undefined, aborted]] as const) {
    const transaction = transactionThat({ error: ofDone })
    await t.rejects(complete(transaction, (add) => { if (ofRequest !== undefined) add(Promise.reject(ofRequest)) }), expected)
  }
})

t.test('what goes wrong while it is filled aborts it, also if it has ended already', async (t) => {
  const failed = new TypeError('No such store')
  for (const isOver of [false, true]) {
    const transaction = transactionThat({ isOver })
    await t.rejects(complete(transaction, () => { throw failed }), failed)
    t.strictSame(transaction.calls, ['abort'])
  }
})
