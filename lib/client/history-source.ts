import type { SnapshotProofChainEntry } from '../protocol/chain.ts'
import type { Environment } from './environment.ts'
import { ClientError } from './errors.ts'
import { sessionOf, type DocumentOptions } from './options.ts'

/** A snapshot of the document. That it is in the history is proven. Its time, author and size are what the server says. */
export interface HistoryEntry extends SnapshotProofChainEntry {
  /** Number of snapshots and updates of the document up to this one. */
  version: number
  /** ISO 8601, UTC. */
  createdAt: string
  publicKey?: string | undefined
  bytes?: number | undefined
  isActive: boolean
  /** Whether the server still has it, so that it can be opened. */
  isKept: boolean
}

/** What the server sends: the newest first. */
export interface HistoryAnswer {
  entries: HistoryEntry[]
  before?: number | undefined
}

/** Asks the server for the history, over HTTP. Checks shapes only. */
export class HistorySource {
  readonly #options: DocumentOptions
  readonly #environment: Environment

  constructor (options: DocumentOptions, environment: Environment) {
    this.#options = options
    this.#environment = environment
  }

  /** `undefined`: the server has no such document. */
  async page (limit: number, before: number | undefined): Promise<HistoryAnswer | undefined> {
    const answer = await this.#get('snapshots', { limit: `${limit}`, ...before !== undefined && { before: `${before}` } })
    if (answer === undefined) return undefined
    const { snapshots, before: next } = answer
    if (!Array.isArray(snapshots) || !snapshots.every(isEntry) || !(next === undefined || Number.isSafeInteger(next))) throw malformed()
    return { entries: snapshots, before: next as number | undefined }
  }

  /** `undefined`: the server has no such snapshot. */
  async snapshot (snapshotId: string): Promise<unknown> {
    return await this.#get(`snapshots/${encodeURIComponent(snapshotId)}`, {})
  }

  async #get (path: string, parameters: Record<string, string>): Promise<Record<string, unknown> | undefined> {
    const { documentId, url } = this.#options
    const query = new URLSearchParams({ ...await this.#session(), ...parameters, revision: '2' })
    const fetch = this.#environment.fetch ?? globalThis.fetch
    let response: Response
    let text: string
    try {
      response = await fetch(`${url.replace(/^ws/, 'http').replace(/\/$/, '')}/${encodeURIComponent(documentId)}/${path}?${query.toString()}`)
      text = await response.text()
    } catch (cause) {
      throw new ClientError('SECSYNC_HISTORY_UNAVAILABLE', 'The history cannot be loaded: there is no network, or no server', { cause })
    }
    const { status } = response
    if (status === 401 || status === 403) throw new ClientError('SECSYNC_NO_ACCESS', `The server does not give the history: ${status}`)
    if (status === 426) throw new ClientError('SECSYNC_HISTORY_UNAVAILABLE', 'The server has no routes for the history: register the plugin with history: true')
    if (status === 404) return undefined
    if (status !== 200) throw new ClientError('SECSYNC_HISTORY_UNAVAILABLE', `The server answers with ${status}`)
    try {
      const answer: unknown = JSON.parse(text)
      if (isRecord(answer)) return answer
    } catch {}
    throw malformed()
  }

  async #session (): Promise<{ sessionKey?: string }> {
    try {
      return await sessionOf(this.#options)
    } catch (cause) {
      throw new ClientError('SECSYNC_HISTORY_UNAVAILABLE', 'There is no session key', { cause })
    }
  }
}

function isEntry (value: unknown): value is HistoryEntry {
  if (!isRecord(value)) return false
  const { snapshotId, parentSnapshotProof, snapshotCiphertextHash, version, createdAt, publicKey, bytes, isActive, isKept } = value
  return [snapshotId, parentSnapshotProof, snapshotCiphertextHash, createdAt].every((text) => typeof text === 'string') &&
    Number.isSafeInteger(version) && (publicKey === undefined || typeof publicKey === 'string') && (bytes === undefined || typeof bytes === 'number') &&
    typeof isActive === 'boolean' && typeof isKept === 'boolean'
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed (): ClientError {
  return new ClientError('SECSYNC_INVALID_MESSAGE', 'The server has sent a history that makes no sense')
}
