// The callbacks of secsync-server's own example, moved over as they are: they read what comes behind the last known update.
import * as published from 'secsync'
import t from 'tap'
import type { Snapshot, StoreCallbacks, Update, UpdateClocks } from '../lib/index.ts'
import { sodium } from './fixtures/raw-client.ts'
import { agree, RealClient } from './fixtures/real-client.ts'
import { startServer } from './fixtures/server.ts'

interface Document { snapshots: Snapshot[], updates: Update[], clocks: UpdateClocks }

function exampleStore (): StoreCallbacks {
  const documents = new Map<string, Document>()
  const documentOf = (id: string): Document => {
    const document = documents.get(id) ?? { snapshots: [], updates: [], clocks: {} }
    documents.set(id, document)
    return document
  }
  return {
    async getDocument ({ documentId, knownSnapshotId, knownSnapshotUpdateClocks, mode }) {
      const { snapshots, updates } = documentOf(documentId)
      const active = snapshots.at(-1)
      if (active === undefined) return { updates: [], snapshotProofChain: [] }
      const index = snapshots.findIndex(({ publicData }) => publicData.snapshotId === knownSnapshotId)
      const isActive = knownSnapshotId === active.publicData.snapshotId
      const last = !isActive
        ? -1
        : Math.max(-1, ...Object.entries(knownSnapshotUpdateClocks ?? {}).map(([author, clock]) =>
          updates.findIndex(({ publicData }) => publicData.pubKey === author && publicData.clock === clock)))
      if (mode === 'delta' && isActive) return { updates: updates.slice(last + 1) }
      return {
        snapshot: active,
        updates: updates.slice(last + 1),
        snapshotProofChain: (index === -1 ? [] : snapshots.slice(index + 1)).map(({ ciphertext, publicData: { snapshotId, parentSnapshotProof } }) =>
          ({ snapshotId, parentSnapshotProof, snapshotCiphertextHash: published.hash(ciphertext, sodium) }))
      }
    },
    async createSnapshot ({ snapshot }) {
      await undefined
      const document = documentOf(snapshot.publicData.docId)
      const active = document.snapshots.at(-1)
      if (active && snapshot.publicData.parentSnapshotId !== active.publicData.snapshotId) {
        throw new published.SecsyncSnapshotBasedOnOutdatedSnapshotError('Snapshot is out of date.')
      }
      if (active && !published.compareUpdateClocks(document.clocks, snapshot.publicData.parentSnapshotUpdateClocks).equal) {
        throw new published.SecsyncSnapshotMissesUpdatesError('Updates are missing in the snapshot')
      }
      document.snapshots.push(snapshot)
      document.updates = []
      document.clocks = {}
      return snapshot
    },
    async createUpdate ({ update }) {
      await undefined
      const { docId, refSnapshotId, pubKey, clock } = update.publicData
      const document = documentOf(docId)
      if (document.snapshots.at(-1)?.publicData.snapshotId !== refSnapshotId) throw new Error('referencedSnapshotId is out of date')
      if (clock !== (document.clocks[pubKey] ?? -1) + 1) throw new Error('Invalid clock')
      document.clocks[pubKey] = clock
      document.updates.push(update)
      return update
    }
  }
}

t.test('several published clients write at once', async (t) => {
  for (let round = 0; round < 5; round++) {
    const { endpoint } = await startServer(t, exampleStore())
    const clients = Array.from({ length: 3 }, () => new RealClient(t, endpoint, 'document', { snapshotEvery: 20 }))
    for (let i = 0; i < 50; i++) {
      for (const client of clients) client.type('x', 0)
      if (i % 10 === 0) await new Promise(setImmediate)
    }
    t.equal((await agree(...clients)).length, 150)
    const reader = new RealClient(t, endpoint, 'document')
    t.equal((await agree(reader, ...clients)).length, 150)
    // A connection that is lost: it comes back with what it knows.
    for (const client of clients) client.disconnect()
    for (const client of clients) client.type('y', 0)
    for (const client of clients) client.connect()
    t.equal((await agree(reader, ...clients)).length, 153)
  }
})
