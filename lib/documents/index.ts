// `fastify-secsync/documents`: the stored documents without a server.
import { OptionInvalid } from '../errors.ts'
import type { SecsyncOptions } from '../options.ts'
import { prismaOf } from '../stores/resolve.ts'
import type { Documents } from './documents.ts'
import { PrismaDocuments } from './prisma-documents.ts'

/**
 * The functions of `fastify.secsync.documents` on a database, for scripts and tools:
 *
 *     const documents = createDocuments({ adapter: new PrismaPg({ connectionString }) })
 *     for (const { documentId } of (await documents.list({ prefix: 'draft/' })).documents) await documents.delete(documentId)
 *     await documents.purge()
 *     await documents.close()
 *
 * Servers on the same database learn of a deletion when they next look at the document: at its next write, when a client joins, and with `redis` or
 * `bus` every `limits.checkInterval`. They remove the data, too, if `purge` was not called. `close` closes the adapter, but not your PrismaClient.
 */
export function createDocuments (options: Pick<SecsyncOptions, 'adapter' | 'prisma'>): Documents & { close (): Promise<void> } {
  if (options.adapter === undefined && options.prisma === undefined) {
    throw new OptionInvalid('adapter', 'is missing: pass new PrismaPg({ connectionString }), or prisma: your PrismaClient')
  }
  if (options.adapter !== undefined && options.adapter.provider !== 'postgres') {
    throw new OptionInvalid('adapter', `must be a Prisma driver adapter for PostgreSQL, not for ${options.adapter.provider}. On SQLite, fastify.secsync.documents has history(), snapshot() and exists()`)
  }
  const { prisma, close } = prismaOf(options)
  return Object.assign(new PrismaDocuments(prisma), { close })
}

export type { Documents, DocumentsCallbacks } from './documents.ts'
export * from './schemas.ts'
