import { useDocumentState } from 'fastify-secsync/client/react'
import { useEffect, useState } from 'react'
import { documentPath, request } from '../api.ts'
import { withSession } from '../session.ts'
import { frames } from '../sync/frames.ts'
import type { OpenDocument } from '../sync/open-document.ts'

export interface StoredSnapshot {
  snapshotId: string
  version: number
  bytes: number
  createdAt: string
  publicData: { keyId?: string, parentSnapshotId: string, parentSnapshotProof: string, pubKey: string }
}

export interface StoredUpdate {
  pubKey: string
  clock: number
  bytes: number
  ciphertext?: string
}

/** What the server answers when a member asks what it has of a document. */
export interface Stored {
  snapshots: StoredSnapshot[]
  updates: StoredUpdate[]
  totals: { bytes: number, snapshots: number, updates: number }
  files: { files: number, bytes: number }
}

/** The server knows authors by the public keys of their pages only. The colours have nothing to do with those of the people. */
export function authorsOf ({ updates }: Stored): string[] {
  return [...new Set(updates.map(({ pubKey }) => pubKey))]
}

/** Often enough to look live, and not once for every key. */
const pause = 250

/** Asked again whenever something was stored. */
export function useStored (open: OpenDocument): Stored | undefined {
  const [stored, setStored] = useState<Stored>()
  const isLive = useDocumentState(open.connection).connection.status === 'live'

  useEffect(() => {
    if (!isLive) return
    let ended = false
    let asking = false
    let askAgain = false
    const ask = async () => {
      if (asking) {
        askAgain = true
        return
      }
      asking = true
      askAgain = false
      const answer = await withSession(({ sessionKey }) => request<Stored>('GET', documentPath(open.id, 'stored'), sessionKey)).catch(() => undefined)
      if (ended) return
      if (answer !== undefined) setStored(answer)
      setTimeout(() => {
        asking = false
        if (askAgain && !ended) void ask()
      }, pause)
    }
    void ask()
    const stop = frames.subscribe(() => {
      const kind = frames.get()[0]?.kind
      if (kind !== 'ephemeral-message' && kind !== 'heartbeat') void ask()
    })
    return () => {
      ended = true
      stop()
    }
  }, [open, isLive])

  return stored
}
