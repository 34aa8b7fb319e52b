// A correct store in memory: shows what the contract asks for, and that it can be met by others than Prisma's.
import t from 'tap'
import {
  SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, type Snapshot, type SnapshotProofChainEntry,
  type StoreCallbacks, type Update, type UpdateClocks
} from '../../lib/index.ts'
import { sameClocks } from '../../lib/protocol/clocks.ts'
import { hash } from '../../lib/protocol/proof.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'
import { storeContract } from './contract.ts'

interface Stored {
  chain: SnapshotProofChainEntry[]
  snapshot: Snapshot
  updates: Update[]
}

function correctMemoryStore (): StoreCallbacks {
  const documents = new Map<string, Stored>()
  return {
    getDocument ({ documentId, mode, knownSnapshotId, knownSnapshotUpdateClocks: known = {} }) {
      const document = documents.get(documentId)
      if (document === undefined) return { updates: [] }
      const { chain, snapshot, updates } = document
      if (mode === 'delta' && knownSnapshotId === snapshot.publicData.snapshotId) {
        return { updates: updates.filter(({ publicData: { pubKey, clock } }) => clock > (known[pubKey] ?? -1)) }
      }
      const position = chain.findIndex(({ snapshotId }) => snapshotId === knownSnapshotId)
      return { snapshot, snapshotProofChain: position === -1 ? [] : chain.slice(position + 1), updates }
    },

    createSnapshot ({ snapshot }) {
      const { docId, snapshotId, parentSnapshotId, parentSnapshotProof, parentSnapshotUpdateClocks } = snapshot.publicData
      const document = documents.get(docId)
      if (parentSnapshotId !== (document?.snapshot.publicData.snapshotId ?? '')) throw new SecsyncSnapshotBasedOnOutdatedSnapshotError()
      if (!sameClocks(parentSnapshotUpdateClocks, clocksOf(document?.updates ?? []))) throw new SecsyncSnapshotMissesUpdatesError()
      const entry = { snapshotId, parentSnapshotProof, snapshotCiphertextHash: hash(snapshot.ciphertext) }
      documents.set(docId, { chain: [...document?.chain ?? [], entry], snapshot, updates: [] })
      return snapshot
    },

    createUpdate ({ update }) {
      const { docId, refSnapshotId, pubKey, clock } = update.publicData
      const { snapshot, updates } = documents.get(docId) ?? {}
      if (updates === undefined || refSnapshotId !== snapshot?.publicData.snapshotId) throw new Error('not on the active snapshot')
      if (clock !== (clocksOf(updates)[pubKey] ?? -1) + 1) throw new Error('not the next clock')
      updates.push(update)
      return update
    }
  }
}

function clocksOf (updates: Update[]): UpdateClocks {
  return Object.fromEntries(updates.map(({ publicData: { pubKey, clock } }) => [pubKey, clock]))
}

t.test('the contract', async (t) => await storeContract(t, correctMemoryStore()))

t.test('real clients agree with nothing but the three callbacks', async (t) => {
  const { endpoint } = await startServer(t, correctMemoryStore())
  const [a, b] = [0, 1].map(() => new RealClient(t, endpoint, 'document', { snapshotEvery: 5 })) as [RealClient, RealClient]
  for (let i = 0; i < 20; i++) {
    a.type('a')
    b.type('b')
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal((await agree(a, b)).length, 40)
})
