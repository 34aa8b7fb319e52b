// The store of the peer, in the shape of its published example: Prisma with interactive transactions that are serializable, one
// for each message, which read what is there, compare, and write. Its tables are those of the product, so that both store the same.
import { PrismaClient } from 'fastify-secsync/prisma-client'
import sodium from 'libsodium-wrappers'
import {
  compareUpdateClocks, hash, SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError,
  type CreateSnapshotParams, type CreateUpdateParams, type GetDocumentParams, type Snapshot, type Update
} from 'secsync'
import { adapter } from './adapter.ts'

const db = new PrismaClient({ adapter })
const isolationLevel = 'Serializable'
const maxTries = 5

type Clocks = Record<string, number>

export async function getDocument ({ documentId, knownSnapshotId, knownSnapshotUpdateClocks, mode }: GetDocumentParams) {
  const document = await db.secsyncDocument.findUnique({ where: { id: documentId } })
  if (document === null) return { updates: [] }
  const { activeSnapshotId } = document
  const known = mode === 'delta' ? knownSnapshotUpdateClocks ?? {} : {}
  const isKnown = mode === 'delta' && knownSnapshotId === activeSnapshotId
  const authors = Object.keys(known)
  const updates = await db.secsyncUpdate.findMany({
    where: {
      documentId,
      snapshotId: activeSnapshotId,
      ...isKnown && {
        OR: [
          ...authors.map((author) => ({ author, clock: { gt: known[author]! } })),
          { author: { notIn: authors } }
        ]
      }
    },
    orderBy: { version: 'asc' },
    select: { data: true }
  })
  const loaded = { updates: updates.map(({ data }) => JSON.parse(data) as Update) }
  if (isKnown) return loaded

  const active = await db.secsyncSnapshot.findUniqueOrThrow({ where: { documentId_id: { documentId, id: activeSnapshotId } } })
  const ancestor = knownSnapshotId === undefined
    ? null
    : await db.secsyncSnapshot.findUnique({ where: { documentId_id: { documentId, id: knownSnapshotId } } })
  const chain = ancestor === null
    ? []
    : await db.secsyncSnapshot.findMany({ where: { documentId, version: { gt: ancestor.version } }, orderBy: { version: 'asc' } })
  return {
    ...loaded,
    snapshot: JSON.parse(active.data ?? '') as Snapshot,
    snapshotProofChain: chain.map(({ id, parentSnapshotProof, ciphertextHash }) =>
      ({ snapshotId: id, parentSnapshotProof, snapshotCiphertextHash: ciphertextHash }))
  }
}

export async function createSnapshot ({ snapshot }: CreateSnapshotParams): Promise<Snapshot> {
  const { docId: documentId, snapshotId: id, parentSnapshotId, parentSnapshotProof, parentSnapshotUpdateClocks } = snapshot.publicData
  for (let tries = 1; ; tries++) {
    try {
      return await db.$transaction(async (db) => {
        const document = await db.secsyncDocument.findUnique({ where: { id: documentId } })
        if (document !== null && document.activeSnapshotId !== parentSnapshotId) {
          throw new SecsyncSnapshotBasedOnOutdatedSnapshotError('Snapshot is out of date.')
        }
        if (document !== null && !compareUpdateClocks(document.clocks as Clocks, parentSnapshotUpdateClocks).equal) {
          throw new SecsyncSnapshotMissesUpdatesError('Snapshot does not include the latest changes.')
        }
        const version = (document?.version ?? 0n) + 1n
        await db.secsyncDocument.upsert({
          where: { id: documentId },
          create: { id: documentId, activeSnapshotId: id, clocks: {}, version },
          update: { activeSnapshotId: id, clocks: {}, version }
        })
        const { data } = await db.secsyncSnapshot.create({
          data: {
            documentId, id, version, parentSnapshotProof, ciphertextHash: hash(snapshot.ciphertext, sodium), data: JSON.stringify(snapshot)
          }
        })
        return JSON.parse(data ?? '') as Snapshot
      }, { isolationLevel })
    } catch (error) {
      if (!isConflict(error) || tries === maxTries) throw error
    }
  }
}

/** `secsync-server` tries an update five times, with pauses, whatever the failure was. */
export async function createUpdate ({ update }: CreateUpdateParams): Promise<Update> {
  const { docId: documentId, refSnapshotId: snapshotId, pubKey: author, clock } = update.publicData
  return await db.$transaction(async (db) => {
    const document = await db.secsyncDocument.findUniqueOrThrow({ where: { id: documentId } })
    const clocks = document.clocks as Clocks
    if (document.activeSnapshotId !== snapshotId) throw new Error('Update does not reference the active snapshot.')
    if (clock !== (clocks[author] ?? -1) + 1) throw new Error('Update clock does not follow on the last one.')
    const version = document.version + 1n
    await db.secsyncDocument.update({ where: { id: documentId }, data: { clocks: { ...clocks, [author]: clock }, version } })
    const { data } = await db.secsyncUpdate.create({
      data: { documentId, snapshotId, author, clock, version, data: JSON.stringify(update) }
    })
    return JSON.parse(data) as Update
  }, { isolationLevel })
}

/** Under a driver adapter a conflict has either of two forms. */
function isConflict (error: unknown): boolean {
  const { code, cause } = error as { code?: string, cause?: { kind?: string } }
  return code === 'P2034' || cause?.kind === 'TransactionWriteConflict'
}
