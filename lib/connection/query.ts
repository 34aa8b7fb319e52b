import type { FastifyRequest } from 'fastify'
import { parseClocks } from '../protocol/clocks.ts'
import { isSnapshotId } from '../protocol/messages.ts'
import type { Known } from '../stores/store.ts'
import { readHandshakeUrl } from './handshake-url.ts'

/** What a client has of the document already. What cannot be read is taken for unknown. */
export function knownOf (request: FastifyRequest): Known {
  const { parameters } = readHandshakeUrl(request)
  const knownSnapshotId = parameters.get('knownSnapshotId')
  return {
    mode: parameters.get('mode') === 'delta' ? 'delta' : 'complete',
    knownSnapshotId: knownSnapshotId !== null && isSnapshotId(knownSnapshotId) ? knownSnapshotId : undefined,
    knownSnapshotUpdateClocks: parseClocks(parameters.get('knownSnapshotUpdateClocks') ?? undefined)
  }
}

/**
 * Whether the client may be the published one. That says its `mode` always, and never a `revision`. A client of revision 2 queues messages in the
 * order in which they arrive, and uses a clock for one update only: what it sends again is the same, byte for byte.
 */
export function isPublishedClient (request: FastifyRequest): boolean {
  const { parameters } = readHandshakeUrl(request)
  return parameters.has('mode') && !parameters.has('revision')
}

/** Whether the client wants to see heartbeats. */
export function wantsHeartbeat (request: FastifyRequest): boolean {
  return readHandshakeUrl(request).parameters.get('heartbeat') === '1'
}
