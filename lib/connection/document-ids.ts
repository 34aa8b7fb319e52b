import type { FastifyRequest } from 'fastify'
import { leadsTo, readHandshakeUrl } from './handshake-url.ts'

const maxLearned = 1000

/**
 * Which of the readings of a URL a session means. Its first message tells: it holds the document id, signed. A connection under
 * another reading is closed, and the session gets the right one when it comes back.
 */
export class DocumentIds {
  /** By session key and path; the one that was learned last is the last. */
  readonly #learned = new Map<string, string>()

  /** The likelier reading first. */
  readingsOf (request: FastifyRequest, sessionKey: string): [string, ...string[]] {
    const { path, documentIds } = readHandshakeUrl(request)
    const learned = this.#learned.get(`${sessionKey}\n${path}`)
    return learned === undefined ? documentIds : [learned]
  }

  /** Whether the URL of the connection is that of the document, too. */
  learn (request: FastifyRequest, sessionKey: string, documentId: string): boolean {
    const { path } = readHandshakeUrl(request)
    if (!leadsTo(path, documentId)) return false
    const key = `${sessionKey}\n${path}`
    this.#learned.delete(key)
    this.#learned.set(key, documentId)
    for (const oldest of this.#learned.keys()) {
      if (this.#learned.size <= maxLearned) break
      this.#learned.delete(oldest)
    }
    return true
  }
}
