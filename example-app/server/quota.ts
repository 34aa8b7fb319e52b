// Who may store how much: the owner of a document pays for all that is kept of it, and whoever sends, and their address, for what they send.
import createError from '@fastify/error'
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import type { HasQuota, Hook } from 'fastify-secsync'
import { Budget } from './budget.ts'
import type { Limits } from './limits.ts'
import { Prisma, type PrismaClient } from './prisma-client/client.ts'
import { ShortMemory } from './short-memory.ts'

export const StorageFull = createError('APP_STORAGE_FULL', 'The owner of this document has no room left', 507)
const PresenceTooBig = createError('APP_PRESENCE_TOO_BIG', 'Ephemeral messages are small')

/** Characters of the ciphertext of a message that nobody keeps. Those of the page have some hundred. */
const maxPresence = 16 * 1024

interface Usage { bytes: number }

export class Quota {
  readonly #prisma: PrismaClient
  readonly #maxBytes: number
  readonly #uploads: Budget
  readonly #owners: ShortMemory<string | undefined>
  readonly #usage: ShortMemory<Usage>

  constructor (prisma: PrismaClient, limits: Pick<Limits, 'MAX_STORED_BYTES' | 'UPLOAD_BYTES_PER_HOUR'>) {
    this.#prisma = prisma
    this.#maxBytes = limits.MAX_STORED_BYTES
    this.#uploads = new Budget(limits.UPLOAD_BYTES_PER_HOUR)
    this.#owners = new ShortMemory(async (documentId) => {
      return (await prisma.appMembership.findFirst({ where: { documentId, role: 'owner' }, select: { memberId: true } }))?.memberId
    })
    this.#usage = new ShortMemory(async (memberId) => {
      return await usageOf(prisma, ownedBy(memberId))
    })
  }

  /** Whether the owner has room. Other nodes count what they take within a second. */
  async hasRoom (documentId: string, bytes: number): Promise<boolean> {
    const owner = await this.#owners.get(documentId)
    if (owner === undefined) return false
    const usage = await this.#usage.get(owner)
    if (usage.bytes + bytes > this.#maxBytes) return false
    usage.bytes += bytes
    return true
  }

  /** Whether somebody has room for a document of somebody else, and for this much more. */
  async mayOwn (memberId: string, documentId: string, bytes: number): Promise<boolean> {
    const usage = await usageOf(this.#prisma, Prisma.sql`${ownedBy(memberId)} UNION SELECT ${documentId}::text`)
    return usage.bytes + bytes <= this.#maxBytes
  }

  /** Whether this request may store that much: the owner has room, and the sender has not sent too much within an hour. */
  async mayStore (documentId: string, bytes: number, { member, ip }: Pick<FastifyRequest, 'member' | 'ip'>): Promise<boolean> {
    return await this.hasRoom(documentId, bytes) && this.#uploads.take([`member ${member?.id}`, `address ${normalizeIP(ip)}`], bytes)
  }

  /** For the option of the plugin. */
  readonly hasQuota: HasQuota = async ({ documentId, bytes, request }) => await this.mayStore(documentId, bytes, request)

  /** For `app.secsync.addHook('preHandler', …)`. */
  readonly hook: Hook<'preHandler'> = ({ action, message }) => {
    if (action === 'send-ephemeral-message' && message.ciphertext.length > maxPresence) throw new PresenceTooBig()
  }

  /** After the owner has changed, so that it holds from now on. */
  forget (documentId: string): void {
    this.#owners.forget(documentId)
  }

  close (): void {
    this.#uploads.close()
    this.#owners.close()
    this.#usage.close()
  }
}

function ownedBy (memberId: string): Prisma.Sql {
  return Prisma.sql`SELECT document_id AS id FROM app_membership WHERE member_id = ${memberId} AND role = 'owner'`
}

/** What the tables of the plugin count of these documents, what is sealed for their members, and their files. The client does not sum lengths. */
async function usageOf (prisma: PrismaClient, documents: Prisma.Sql): Promise<Usage> {
  const [usage = { bytes: 0 }] = await prisma.$queryRaw<Usage[]>`
    WITH owned AS (${documents})
    SELECT ((SELECT coalesce(sum(kept_bytes), 0) FROM secsync_document JOIN owned USING (id))
      + (SELECT coalesce(sum(octet_length(box)), 0) FROM app_key_box JOIN owned ON document_id = owned.id)
      + (SELECT coalesce(sum(octet_length(box)), 0) FROM app_handover JOIN owned ON document_id = owned.id)
      + (SELECT coalesce(sum(bytes), 0) FROM app_file JOIN owned ON document_id = owned.id))::float8 AS bytes`
  return usage
}

declare module 'fastify' {
  interface FastifyInstance { quota: Quota }
}
