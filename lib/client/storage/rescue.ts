import type { OutboxEntry } from './storage.ts'

/**
 * Entries that have not reached the database when a page was about to end. Browsers abort its transactions, those that are complete but
 * not yet begun, too. `localStorage` is the only storage that has taken something when a call returns. It is small, and enough for what was written in the
 * last moment.
 */
export class Rescue {
  readonly #prefix: string

  /** @param name Of the database. */
  constructor (name: string, documentId: string) {
    this.#prefix = `${JSON.stringify(['fastify-secsync', name, documentId]).slice(0, -1)},`
  }

  /** Takes the place of what was kept for this session. */
  keep (session: string, entries: readonly OutboxEntry[]): void {
    try {
      if (entries.length === 0) area()?.removeItem(this.#prefix + session)
      else area()?.setItem(this.#prefix + session, JSON.stringify(entries))
    } catch {
      // It is full, or not allowed. The database may still take them.
    }
  }

  /** By session. */
  read (): Map<string, OutboxEntry[]> {
    const rescued = new Map<string, OutboxEntry[]>()
    try {
      for (const key of Object.keys(area() ?? {}).filter((key) => key.startsWith(this.#prefix))) {
        rescued.set(key.slice(this.#prefix.length), JSON.parse(area()?.getItem(key) ?? '[]') as OutboxEntry[])
      }
    } catch {}
    return rescued
  }

  clear (): void {
    for (const session of this.read().keys()) this.keep(session, [])
  }
}

/** Not in workers. */
function area (): Storage | undefined {
  return (globalThis as { localStorage?: Storage }).localStorage
}
