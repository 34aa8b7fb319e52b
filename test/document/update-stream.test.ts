import t from 'tap'
import { UpdateStream } from '../../lib/document/update-stream.ts'

const active = { snapshotId: 'active', clocks: {} }
const on = (snapshotId: string, clock: number) => ({ snapshotId, clock })

/** A stream that was told that the update with this clock failed; `next` continues what is saved. */
function failed (clock: number, next: number, confirmsByClock = true): UpdateStream {
  const stream = new UpdateStream(confirmsByClock, on('active', next - 1))
  stream.failed(on('active', clock), next)
  return stream
}

t.test('what continues is saved; a clock that is taken, or leaves a gap, fails', async (t) => {
  const stream = new UpdateStream(true)
  t.equal(stream.admit(on('active', 3), active, 3), 'save')
  t.equal(stream.admit(on('active', 3), active, 4), 'fail')
  t.equal(stream.admit(on('active', 5), active, 4), 'fail')
})

t.test('behind a failure, what continues it is dropped until the client begins again', async (t) => {
  const stream = failed(3, 3)
  for (const clock of [4, 5, 6]) t.equal(stream.admit(on('active', clock), active, 3), 'drop')
  t.equal(stream.admit(on('active', 3), active, 3), 'save')
  t.equal(stream.admit(on('active', 4), active, 4), 'save')
})

t.test('a client that begins at 0 after a reconnect is told once', async (t) => {
  const stream = failed(0, 6)
  for (const clock of [1, 2]) t.equal(stream.admit(on('active', clock), active, 6), 'drop')
  t.equal(stream.admit(on('active', 6), active, 6), 'save')
})

t.test('an update that may be old or new needs a snapshot, behind which all is new', async (t) => {
  const stream = failed(0, 1)
  t.equal(stream.admit(on('active', 1), active, 1), 'requireSnapshot')
  stream.requiresSnapshot()
  for (const clock of [1, 2]) t.equal(stream.admit(on('active', clock), active, 1), 'drop')
  t.equal(stream.admit(on('replaced', 0), active, 1), 'drop')
  t.equal(stream.settle(), true, 'what is in flight is taken back')
  t.equal(stream.settle(), false)
  t.equal(stream.admit(on('active', 0), active, 0), 'save')
})

t.test('an update of its author that came from elsewhere may have moved where the client begins again', async (t) => {
  t.equal(failed(3, 4).admit(on('active', 4), active, 5), 'requireSnapshot')
  t.equal(failed(2, 4).admit(on('active', 4), active, 5), 'requireSnapshot')
  t.equal(failed(2, 4, false).admit(on('active', 4), active, 5), 'fail')
  // Before the failure, too.
  const stream = new UpdateStream(true, on('active', 0))
  stream.failed(on('active', 0), 3)
  t.equal(stream.admit(on('active', 3), active, 3), 'requireSnapshot')
})

t.test('a failure on a replaced snapshot is told with the first update on the new one', async (t) => {
  for (const stream of [new UpdateStream(true), failed(2, 2)]) {
    t.equal(stream.admit(on('replaced', 3), active, 0), 'owe')
    t.equal(stream.admit(on('replaced', 4), active, 0), 'drop')
    t.equal(stream.owedOn('active'), undefined)
    t.equal(stream.admit(on('active', 0), active, 0), 'fail')
    stream.failed(on('active', 0), 0)
    t.equal(stream.admit(on('active', 1), active, 0), 'drop')
    t.equal(stream.admit(on('active', 0), active, 0), 'save')
  }
})

t.test('a failure that was told before the snapshot was relayed is known on the new one', async (t) => {
  const stream = new UpdateStream(true)
  stream.failed(on('replaced', 3), 3)
  t.equal(stream.admit(on('active', 0), active, 0), 'save')
  stream.failed(on('replaced', 3), 3)
  t.equal(stream.admit(on('active', 1), active, 0), 'fail')
})

t.test('a failure that waits covers what comes meanwhile', async (t) => {
  const stream = new UpdateStream(true, on('active', 2))
  stream.owes(on('active', 3))
  for (const clock of [4, 5]) t.equal(stream.admit(on('active', clock), active, 3), 'drop')
  t.strictSame(stream.owedOn('active'), { snapshotId: 'active', clock: 3, last: 5 })
  stream.failed(on('active', 5), 3)
  t.equal(stream.admit(on('active', 3), active, 3), 'save')
})

t.test('a client that never uses a clock twice is answered at once', async (t) => {
  t.equal(failed(0, 1, false).admit(on('active', 1), active, 1), 'save')
  const stream = new UpdateStream(false)
  t.equal(stream.admit(on('replaced', 0), active, 0), 'fail')
  stream.requiresSnapshot()
  t.equal(stream.admit(on('active', 0), active, 0), 'save')
  stream.requiresSnapshot()
  t.equal(stream.admit(on('active', 1), active, 0), 'fail')
  stream.requiresSnapshot()
  t.equal(stream.settle(), false)
})
