import t from 'tap'
import { parseServerMessage } from '../../lib/client/wire.ts'

t.test('what a server says is read. What is missing in it, or of the wrong type, is an error', (t) => {
  const ok = [
    [{ type: 'document' }, { type: 'document', parts: { snapshotProofChain: [], updates: undefined } }],
    [{ type: 'document', snapshot: null, updates: [] }, { type: 'document', parts: { snapshotProofChain: [], updates: [] } }],
    [{ type: 'snapshot-saved', snapshotId: 'a' }, { type: 'snapshot-saved', snapshotId: 'a' }],
    [{ type: 'update-save-failed' }, { type: 'update-save-failed', requiresNewSnapshot: false, isFull: false }],
    [{ type: 'heartbeat', interval: 1000 }, { type: 'heartbeat', interval: 1000 }],
    [{ type: 'of the application', a: 1 }, { type: 'custom', message: { type: 'of the application', a: 1 } }],
    [{ a: 1 }, { type: 'custom', message: { a: 1 } }]
  ] as const
  for (const [message, expected] of ok) t.strictSame(parseServerMessage(JSON.stringify(message)), expected)

  const chainOf = (entry: unknown) => ({ type: 'document', snapshotProofChain: [entry] })
  for (const message of [
    null, [], 'text', 5,
    { type: 'snapshot-saved' }, { type: 'snapshot-saved', snapshotId: 1 },
    { type: 'update-saved', snapshotId: 'a' }, { type: 'update-saved', clock: 0 },
    { type: 'heartbeat' }, { type: 'heartbeat', interval: '1000' }, { type: 'heartbeat', interval: 0 }, { type: 'heartbeat', interval: -1 },
    { type: 'document', updates: {} }, { type: 'snapshot-save-failed', updates: 'none' }, { type: 'document', snapshotProofChain: {} },
    chainOf(null), chainOf({ snapshotId: 'a', parentSnapshotProof: 'b' }), chainOf({ snapshotId: 'a', parentSnapshotProof: 'b', snapshotCiphertextHash: 1 })
  ]) t.throws(() => parseServerMessage(JSON.stringify(message)), { code: 'SECSYNC_INVALID_MESSAGE' }, JSON.stringify(message))
  t.throws(() => parseServerMessage('{'), { code: 'SECSYNC_INVALID_MESSAGE' })
  t.end()
})
