// Sessions whose time is over are removed, and their connections closed.
import type { FastifyInstance } from 'fastify'

/** Milliseconds between two looks. */
const interval = 3600 * 1000

/** Somebody who reads for days without a request uses their session, too: `open` gives the ids of sessions with a connection. */
export function endSessions (app: FastifyInstance, open: () => string[]): { run (): Promise<void>, stop (): void } {
  const run = async (): Promise<void> => {
    await app.sessions.used(open())
    for (const sessionKeyHash of await app.sessions.endExpired()) app.secsync.disconnect({ sessionKeyHash })
  }
  const timer = setInterval(() => {
    run().catch((err: unknown) => app.log.warn({ err }, 'Sessions whose time is over could not be ended'))
  }, interval).unref()
  return { run, stop: () => clearInterval(timer) }
}
