import { createHash } from 'node:crypto'
import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils'

/** PostgreSQL's codes for a name that is unknown, and for one that is taken. */
const codes = ['26000', '42P05']

/**
 * Gives the store's few statements names, so that PostgreSQL plans each only once per connection, which halves its work:
 *
 *     new PrismaPg({ connectionString }, { statementNameGenerator: statementNames() })
 *
 * Behind a pooler in transaction mode, such as pgbouncer, each transaction may run on another connection, where a name is unknown, or
 * known already. The first failure shows that: from then on the adapter uses none.
 */
export function statementNames (): (query: { sql: string }) => string {
  const names = new Map<string, string>()
  return ({ sql }) => {
    // Not migrations: they are several statements in one. PostgreSQL takes an empty name for none.
    if (!/^\s*(?:WITH|SELECT)\b[^]*\bsecsync_/.test(sql)) return ''
    let name = names.get(sql)
    if (name === undefined) {
      name = createHash('sha256').update(sql).digest('base64url').slice(0, 32)
      names.set(sql, name)
    }
    return name
  }
}

/** Whether an error shows a pooler. The statement was not executed. */
export function showsPooler (error: unknown): boolean {
  const originalCode = (error as { cause?: { originalCode?: string } } | undefined)?.cause?.originalCode
  return originalCode !== undefined && codes.includes(originalCode)
}

/** Takes the names away from a PrismaPg, which looks for them with each query. Whether it had any. */
export function removeStatementNames (adapter: SqlDriverAdapterFactory): boolean {
  const { options } = adapter as { options?: { statementNameGenerator?: unknown } }
  if (options?.statementNameGenerator === undefined) return false
  options.statementNameGenerator = undefined
  return true
}
