import { DatabaseEncodingInvalid, DatabaseNotMigrated } from '../errors.ts'
import type { PrismaClientLike } from './prisma.ts'

/** Rejects when the database can never serve documents; with another error, when it cannot be asked now. */
export async function checkDatabase (db: PrismaClientLike): Promise<void> {
  const [{ encoding, missing }] = await db.$queryRaw<[{ encoding: string, missing: string | null }]>`
    SELECT current_setting('server_encoding') AS encoding, (
      SELECT string_agg(name, ', ') FROM unnest(ARRAY['secsync_document', 'secsync_snapshot', 'secsync_update', 'secsync_deletion']) name WHERE to_regclass(name) IS NULL
    ) AS missing`
  if (!isUsableEncoding(encoding)) throw new DatabaseEncodingInvalid(encoding)
  if (missing !== null) throw new DatabaseNotMigrated(missing)
}

/** The second one stores bytes as they are. */
export function isUsableEncoding (encoding: string): boolean {
  return encoding === 'UTF8' || encoding === 'SQL_ASCII'
}
