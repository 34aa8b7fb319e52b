// Invitations: links that let people into a document, for some time and some people.
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import createError from '@fastify/error'
import type { Members, Role } from './access.ts'
import type { Limits } from './limits.ts'
import type { Prisma, PrismaClient } from './prisma-client/client.ts'

export const InvitationEnded = createError('APP_INVITATION_ENDED', 'This invitation has ended', 404)
const TooManyInvitations = createError('APP_TOO_MANY_INVITATIONS', 'You have too many open invitations. End some of them', 409)

/** Days. */
const defaultAge = 30
export const maxAge = 365
const day = 24 * 3600 * 1000

export type InvitedRole = Exclude<Role, 'owner'>

export interface NewInvitation {
  documentId: string
  role: InvitedRole
  /** @default as many as a document may have members */
  maxUses?: number | undefined
  /** @default 30 */
  days?: number | undefined
}

export interface InvitationFacts {
  id: string
  role: InvitedRole
  createdAt: string
  expiresAt: string
  maxUses: number | null
  /** Who came by it, and is still a member. */
  members: Array<{ memberId: string, name: string }>
}

export class Invitations {
  readonly #prisma: PrismaClient
  readonly #members: Members
  readonly #max: number

  constructor (prisma: PrismaClient, members: Members, { MAX_INVITATIONS: max }: Pick<Limits, 'MAX_INVITATIONS'>) {
    this.#prisma = prisma
    this.#members = members
    this.#max = max
  }

  /** Returns the token of its link. */
  async create (ownerId: string, { documentId, role, maxUses, days = defaultAge }: NewInvitation): Promise<{ id: string, token: string }> {
    const [id, token] = [randomUUID(), randomBytes(24).toString('base64url')]
    await this.#prisma.$transaction(async (transaction) => {
      // One after the other, for the count.
      await transaction.$queryRaw`SELECT id FROM app_member WHERE id = ${ownerId} FOR NO KEY UPDATE`
      const open = await transaction.appInvitation.count({
        where: { ...isOpen(), document: { memberships: { some: { memberId: ownerId, role: 'owner' } } } }
      })
      if (open >= this.#max) throw new TooManyInvitations()
      await transaction.appInvitation.create({
        // Ajv takes "1e999" for an integer, and compares it with no maximum.
        data: {
          id,
          tokenHash: hashOf(token),
          documentId,
          role,
          maxUses: maxUses === undefined || !Number.isFinite(maxUses) ? null : maxUses,
          expiresAt: new Date(Date.now() + Math.min(days, maxAge) * day)
        }
      })
    })
    return { id, token }
  }

  /**
   * Makes somebody a member. Whoever is one already keeps their role: only the owner changes it, and a removed member stays removed. Throws
   * `InvitationEnded` and `TooManyMembers`.
   */
  async accept (memberId: string, token: string): Promise<{ documentId: string, role: Role }> {
    const joined = await this.#prisma.$transaction(async (transaction) => {
      const invitation = await transaction.appInvitation.findUnique({ where: { tokenHash: hashOf(token), ...isOpen() } })
      if (invitation === null || invitation.role === 'removed') throw new InvitationEnded()
      const { id, documentId, role, maxUses } = invitation
      const isLeft = async () => maxUses === null || await transaction.appMembership.count({ where: { invitationId: id } }) < maxUses
      const given = await this.#members.admit(transaction, { documentId, memberId, role, invitationId: id }, async () => {
        if (!await isLeft()) throw new InvitationEnded()
      })
      return { documentId, role: given }
    })
    const { documentId, role } = joined
    if (role === 'removed') throw new InvitationEnded()
    this.#members.forget(memberId, documentId)
    return { documentId, role }
  }

  /** Those that let people in, the newest first. */
  async list (documentId: string): Promise<InvitationFacts[]> {
    const invitations = await this.#prisma.appInvitation.findMany({
      where: { documentId, ...isOpen() },
      orderBy: { createdAt: 'desc' },
      include: { members: { orderBy: { createdAt: 'asc' }, select: { memberId: true, role: true, member: { select: { name: true } } } } }
    })
    const open = invitations.filter(({ maxUses, members }) => maxUses === null || members.length < maxUses)
    return open.map(({ id, role, createdAt, expiresAt, maxUses, members }) => ({
      id,
      role: role === 'viewer' ? 'viewer' : 'editor',
      createdAt: createdAt.toISOString(),
      expiresAt: expiresAt.toISOString(),
      maxUses,
      members: members.filter(({ role }) => role !== 'removed').map(({ memberId, member: { name } }) => ({ memberId, name }))
    }))
  }

  /** Whether it was open. */
  async end (documentId: string, id: string): Promise<boolean> {
    return await this.endAll(this.#prisma, documentId, id) > 0
  }

  /** Ends those of a document, and forgets those that nobody came by. Returns how many were open. */
  async endAll (prisma: Prisma.TransactionClient, documentId: string, id?: string): Promise<number> {
    const which = { documentId, ...id !== undefined && { id } }
    const { count } = await prisma.appInvitation.updateMany({ where: { ...which, ...isOpen() }, data: { endedAt: new Date() } })
    await prisma.appInvitation.deleteMany({ where: { ...which, endedAt: { not: null }, members: { none: {} } } })
    return count
  }
}

function isOpen () {
  return { endedAt: null, expiresAt: { gt: new Date() } }
}

function hashOf (token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

declare module 'fastify' {
  interface FastifyInstance { invitations: Invitations }
}
