// How another device of a person gets what it needs: ciphertext that waits for some minutes and is taken once. Its key is in the link.
import { createHash } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'
import type { PrismaClient } from './prisma-client/client.ts'

export const TransferEnded = createError('APP_TRANSFER_ENDED', 'This was taken already, or its time is over', 404)
const TransferExists = createError('APP_TRANSFER_EXISTS', 'There is such a transfer already', 409)

/** Characters of the ciphertext. */
export const maxSealed = 8 * 1024
/** Milliseconds in which it can be taken, and between two looks for those whose time is over. */
const age = 10 * 60_000
const interval = 60_000

export class Transfers {
  readonly #prisma: PrismaClient

  constructor (prisma: PrismaClient) {
    this.#prisma = prisma
  }

  /** Takes the place of the one that this person had. Returns the seconds in which it can be taken. */
  async create (memberId: string, id: string, sealed: string): Promise<number> {
    const expiresAt = new Date(Date.now() + age)
    await this.#prisma.$transaction(async (transaction) => {
      await transaction.appTransfer.deleteMany({ where: { memberId } })
      const { count } = await transaction.appTransfer.createMany({ data: { memberId, idHash: hashOf(id), sealed, expiresAt }, skipDuplicates: true })
      if (count === 0) throw new TransferExists()
    })
    return age / 1000
  }

  /** Ends it in the database. If `welcome` throws, it can still be taken. Throws `TransferEnded`. */
  async take<Welcome> (id: string, welcome: (memberId: string) => Promise<Welcome>): Promise<Welcome & { sealed: string }> {
    return await this.#prisma.$transaction(async (transaction) => {
      const where = { idHash: hashOf(id), expiresAt: { gt: new Date() } }
      const transfer = await transaction.appTransfer.findUnique({ where })
      // Of two who take it at the same moment one waits here, and finds nothing.
      const { count } = await transaction.appTransfer.deleteMany({ where })
      if (transfer === null || count === 0) throw new TransferEnded()
      return { ...await welcome(transfer.memberId), sealed: transfer.sealed }
    })
  }

  /** That of this person, if it is there. */
  async end (memberId: string, id: string): Promise<void> {
    await this.#prisma.appTransfer.deleteMany({ where: { memberId, idHash: hashOf(id) } })
  }

  async removeExpired (): Promise<number> {
    return (await this.#prisma.appTransfer.deleteMany({ where: { expiresAt: { lte: new Date() } } })).count
  }
}

export function removeExpiredTransfers (app: FastifyInstance): { stop (): void } {
  const timer = setInterval(() => {
    app.transfers.removeExpired().catch((err: unknown) => app.log.warn({ err }, 'Transfers whose time is over could not be removed'))
  }, interval).unref()
  return { stop: () => clearInterval(timer) }
}

function hashOf (id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}

declare module 'fastify' {
  interface FastifyInstance { transfers: Transfers }
}
