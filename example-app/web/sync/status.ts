import type { ConnectionState, DocumentState } from 'fastify-secsync/client'
import { MissingKey } from '../crypto/keyring.ts'
import { timeOfDay } from '../words/format.ts'
import { texts } from '../words/index.ts'

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
  const said = texts().status
  const phase = phaseOf(connection)
  const unsent = pending === 0 ? '' : ` · ${said.unsent(pending)}`
  const waiting = pending === 0 ? said.nothingWaits : said.waiting(pending)
  const kept = `${said.textIsKept} ${waiting} ${nextTry(connection)}`
  switch (phase) {
    case 'connecting': return { phase, label: said.connecting, detail: pending === 0 ? said.onTheWay : waiting }
    case 'live': return { phase, label: said.live, detail: saved ? said.saved : said.saving }
    case 'offline': return { phase, label: `${said.offline}${unsent}`, detail: `${said.goOnWriting} ${waiting} ${nextTry(connection)}` }
    case 'trouble': return { phase, label: `${said.trouble}${unsent}`, detail: `${troubleWith(connection)} ${kept}` }
    case 'distrust': return { phase, label: `${said.distrust}${unsent}`, detail: `${said.otherHistory} ${kept}` }
    case 'no-access': return {
      phase, label: said.noAccess, detail: removed ? said.accessTaken : said.notShared
    }
    case 'no-key': return { phase, label: said.noKey, detail: said.newKey }
  }
}

function troubleWith (connection: ConnectionState): string {
  if (connection.status !== 'trouble') return ''
  switch (connection.error.code) {
    case 'SECSYNC_SERVER_ERROR': return texts().status.serverCannotWork
    case 'SECSYNC_REFUSED': return texts().status.serverRefuses
    case 'SECSYNC_CALLBACK_FAILED': return texts().status.pageFailed
    default: return texts().status.serverIsWrong
  }
}

/** A time of day and not a countdown, which a screen reader would read every second. */
function nextTry (connection: ConnectionState): string {
  if (!('nextTryAt' in connection) || connection.nextTryAt === undefined) return ''
  if (connection.nextTryAt < Date.now() + 10_000) return texts().status.triesSoon
  return texts().status.triesAt(timeOfDay(connection.nextTryAt))
}
