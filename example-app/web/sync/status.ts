import type { ConnectionState, DocumentState } from 'fastify-secsync/client'
import { MissingKey } from '../crypto/keyring.ts'

/** Where a document stands, in the order in which a person would ask. */
export type Phase =
  /** On the way to the server, for the first time or again. */
  | 'connecting'
  /** Everybody sees every change at once. */
  | 'live'
  /** There is no network, or no server at the other end. */
  | 'offline'
  /** The server answers, but cannot serve, or not rightly. */
  | 'trouble'
  /** The server has another history of the document than this device. */
  | 'distrust'
  /** The server says no. */
  | 'no-access'
  /** Encrypted with a key that this device does not have. */
  | 'no-key'

export function phaseOf (connection: ConnectionState): Phase {
  switch (connection.status) {
    case 'noAccess': return 'no-access'
    case 'noKey': return 'no-key'
    case 'destroyed': return 'connecting'
    case 'trouble': {
      const { error } = connection
      if (error.code === 'SECSYNC_WRONG_KEY' || error.cause instanceof MissingKey) return 'no-key'
      return error.mustTrust ? 'distrust' : 'trouble'
    }
    default: return connection.status
  }
}

export interface Description {
  phase: Phase
  label: string
  detail: string
}

/** `removed`: this person had access before. `saved`: all has been for a moment. */
export function describe ({ connection, pending }: DocumentState, { removed, saved }: { removed: boolean, saved: boolean }): Description {
  const phase = phaseOf(connection)
  const unsent = pending === 0 ? '' : ` · ${pending} unsent`
  const waiting = pending === 0 ? 'Nothing waits to be sent.' : `${changes(pending)} will be sent when the connection is back.`
  const kept = `Your text is kept on this device. ${waiting} ${nextTry(connection)}`
  switch (phase) {
    case 'connecting': return { phase, label: 'Connecting…', detail: pending === 0 ? 'On the way to the server.' : waiting }
    case 'live': return { phase, label: 'Live', detail: saved ? 'All changes are saved.' : 'Saving…' }
    case 'offline': return { phase, label: `Offline${unsent}`, detail: `You can go on writing. ${waiting} ${nextTry(connection)}` }
    case 'trouble': return { phase, label: `Server trouble${unsent}`, detail: `${troubleWith(connection)} ${kept}` }
    case 'distrust': return { phase, label: `Stopped${unsent}`, detail: `The server has another history of this document than this device. ${kept}` }
    case 'no-access': return {
      phase, label: 'No access', detail: removed ? 'Your access to this document was taken back.' : 'This document is not shared with you.'
    }
    case 'no-key': return { phase, label: 'Key missing', detail: 'The document was encrypted with a new key that this device does not have.' }
  }
}

function troubleWith (connection: ConnectionState): string {
  if (connection.status !== 'trouble') return ''
  switch (connection.error.code) {
    case 'SECSYNC_SERVER_ERROR': return 'The server answers, but cannot work at the moment.'
    case 'SECSYNC_REFUSED': return 'The server does not take what this page sends.'
    case 'SECSYNC_CALLBACK_FAILED': return 'Something in this page has failed.'
    default: return 'The server has sent something that is not right, and nothing of it was used.'
  }
}

/** A time of day and not a countdown, which a screen reader would read every second. */
function nextTry (connection: ConnectionState): string {
  if (!('nextTryAt' in connection) || connection.nextTryAt === undefined) return ''
  if (connection.nextTryAt < Date.now() + 10_000) return 'It tries again in a moment.'
  return `It tries again at ${new Date(connection.nextTryAt).toLocaleTimeString('en')}.`
}

export function changes (count: number): string {
  return count === 1 ? '1 change' : `${count} changes`
}
