import type { FastifyRequest } from 'fastify'
import { parseClocks } from '../protocol/clocks.ts'
import { isSnapshotId } from '../protocol/messages.ts'
import type { Known } from '../stores/store.ts'

/** `undefined`: the handshake has none. */
export function sessionKeyOf (request: FastifyRequest): string | undefined {
  return parameter(request, 'sessionKey')
}

/** What a client has of the document already. What cannot be read is taken for unknown. */
export function knownOf (request: FastifyRequest): Known {
  const knownSnapshotId = parameter(request, 'knownSnapshotId')
  return {
    mode: parameter(request, 'mode') === 'delta' ? 'delta' : 'complete',
    knownSnapshotId: knownSnapshotId !== undefined && isSnapshotId(knownSnapshotId) ? knownSnapshotId : undefined,
    knownSnapshotUpdateClocks: parseClocks(parameter(request, 'knownSnapshotUpdateClocks'))
  }
}

/** Whether the client wants to see heartbeats. */
export function wantsHeartbeat (request: FastifyRequest): boolean {
  return parameter(request, 'heartbeat') === '1'
}

function parameter ({ query }: FastifyRequest, name: string): string | undefined {
  const value = (query as Record<string, string | string[] | undefined>)[name]
  return Array.isArray(value) ? value[0] : value
}
