import type { Connection } from './connection.ts'

/** Milliseconds per connection. All connections leave within `drainTimeout`, so it is less if there are many. */
const interval = 5

/**
 * Closes the connections of a server that is shutting down, each at a random time. The published client reconnects after fixed delays:
 * clients that are disconnected together come back together. A connection is served until its time has come.
 */
export async function drain (connections: Iterable<Pick<Connection, 'shutDown'>>, drainTimeout: number): Promise<void> {
  const leaving = [...connections]
  const duration = Math.min(drainTimeout, interval * leaving.length)
  await Promise.all(leaving.map((connection) => connection.shutDown(Math.random() * duration)))
}
