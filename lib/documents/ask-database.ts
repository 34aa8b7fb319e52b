import { DatabaseFailed } from '../errors.ts'

/** Rejects with `FST_SECSYNC_DATABASE_FAILED` when the database fails. Errors of ours stay as they are. */
export async function askDatabase<T> (query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (cause) {
    if (cause instanceof Error && 'statusCode' in cause) throw cause
    throw Object.assign(new DatabaseFailed(cause instanceof Error ? cause.message : String(cause)), { cause })
  }
}
