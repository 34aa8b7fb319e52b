import { Value } from '@sinclair/typebox/value'
import t from 'tap'
import * as answers from '../../lib/protocol/answers.ts'
import { signedJson } from '../../lib/protocol/changes.ts'
import { Author } from '../fixtures/raw-client.ts'

const author = new Author()
const snapshot = author.snapshot('document "ü"')
const { snapshotId } = snapshot.publicData
const updates = [0, 1].map((clock) => author.update('document "ü"', snapshotId, clock))
const ephemeralMessage = author.ephemeralMessage('document "ü"')
const snapshotProofChain = [{ snapshotId, parentSnapshotProof: 'proof', snapshotCiphertextHash: 'hash' }]
const updatesText = updates.map(signedJson).join()
const complete = { snapshot: signedJson(snapshot), snapshotProofChain: JSON.stringify(snapshotProofChain), updates: updatesText }

t.test('every answer is the JSON that the protocol wants', async (t) => {
  const table: Array<[string | string[], object]> = [
    [answers.documentNotFound, { type: 'document-not-found' }],
    [answers.documentError, { type: 'document-error' }],
    [answers.unauthorized, { type: 'unauthorized' }],
    [answers.document({ updates: '' }, true), { type: 'document' }],
    [answers.document({ updates: '' }, false), { type: 'document', updates: [] }],
    [answers.document({ updates: updatesText }, false), { type: 'document', updates }],
    [answers.document(complete, false), { type: 'document', snapshot, snapshotProofChain, updates }],
    [answers.snapshot(signedJson(snapshot)), { type: 'snapshot', snapshot }],
    [answers.snapshotSaved(snapshotId), { type: 'snapshot-saved', snapshotId }],
    [answers.snapshotSaveFailed(), { type: 'snapshot-save-failed' }],
    [answers.snapshotSaveFailed({ updates: updatesText }), { type: 'snapshot-save-failed', updates }],
    [answers.update(signedJson(updates[0]!)), { type: 'update', ...updates[0] }],
    [answers.updateSaved(snapshotId, 7), { type: 'update-saved', snapshotId, clock: 7 }],
    [answers.updateSaveFailed(snapshotId, 7), { type: 'update-save-failed', snapshotId, clock: 7, requiresNewSnapshot: false }],
    [answers.updateSaveFailed(snapshotId, 7, true), { type: 'update-save-failed', snapshotId, clock: 7, requiresNewSnapshot: true }],
    [answers.updateSaveFailed({}, '7'), { type: 'update-save-failed', requiresNewSnapshot: false }],
    [answers.ephemeralMessage(signedJson(ephemeralMessage)), { type: 'ephemeral-message', ...ephemeralMessage }]
  ]
  for (const [parts, message] of table) {
    const text = [parts].flat().join('')
    t.strictSame(JSON.parse(text), message)
    t.ok(Value.Check(answers.ServerMessage, JSON.parse(text)), text.slice(0, 60))
  }
})

t.test('nothing but what was signed is relayed', async (t) => {
  const text = signedJson({ ...updates[0]!, type: 'document', additionalServerData: 'secret' } as never)
  t.strictSame(JSON.parse(text), updates[0])
})
