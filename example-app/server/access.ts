// Who may do what: members of documents, and their roles.
import createError from '@fastify/error'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Action, HasAccess } from 'fastify-secsync'
import type { Limits } from './limits.ts'
import { AppRole, type Prisma, type PrismaClient } from './prisma-client/client.ts'
import { TooManyCreations } from './rates.ts'
import type { Sessions } from './sessions.ts'
import { ShortMemory } from './short-memory.ts'

export type Role = Exclude<AppRole, 'removed'>

/**
 * A viewer may send ephemeral messages: the client says hello with one as soon as it has loaded a document, and would be
 * disconnected if it might not.
 */
const rolesThatMay: Record<Action, Array<Role | undefined>> = {
  read: ['owner', 'editor', 'viewer'],
  'send-ephemeral-message': ['owner', 'editor', 'viewer'],
  'write-update': ['owner', 'editor'],
  'write-snapshot': ['owner', 'editor']
}

export const NotAMember = createError('APP_NOT_A_MEMBER', 'You are not a member of this document', 404)

export const NoSuchMember = createError('APP_NO_SUCH_MEMBER', 'There is no such member, or their role cannot be changed', 404)

/** Of a document. Those who were removed do not count. */
export const maxMembers = 500

export const NotTheOwner = createError('APP_NOT_THE_OWNER', 'Only the owner of a document may do this', 403)

export const TooManyMembers = createError('APP_TOO_MANY_MEMBERS', `This document has ${maxMembers} members already`, 409)

export const TooManyDocuments = createError('APP_TOO_MANY_DOCUMENTS', 'You have too many documents. Delete one', 409)

export const OwnersStay = createError('APP_OWNERS_STAY', 'The owner of a document cannot leave it, but can make another member the owner, or delete it', 409)

const OwnsTooMany = createError('APP_OWNS_TOO_MANY', 'This member owns too many documents already', 409)
const NotSealed = createError('APP_NOT_SEALED', 'There is no box for the new owner', 400)
const HandedOver = createError('APP_HANDED_OVER', 'This document was handed over meanwhile', 409)

export interface NewOwner {
  documentId: string
  from: string
  to: string
  /** Of this handover: 1 for the first of a document. */
  number: number
  /** What is sealed for each member. */
  boxes: Array<{ memberId: string, box: string }>
}

/** The roles of members in documents. */
export class Members {
  readonly #prisma: PrismaClient
  readonly #maxDocuments: number
  readonly #creation: (memberId: string) => void
  readonly #roles: ShortMemory<Role | undefined>

  /** `creation` is called before a document is made, and throws if somebody may make none now. */
  constructor (prisma: PrismaClient, { MAX_DOCUMENTS: maxDocuments }: Pick<Limits, 'MAX_DOCUMENTS'>, creation: (memberId: string) => void) {
    this.#prisma = prisma
    this.#maxDocuments = maxDocuments
    this.#creation = creation
    this.#roles = new ShortMemory(async (memberId, documentId) => {
      const membership = await prisma.appMembership.findUnique({ where: { documentId_memberId: { documentId, memberId } }, select: { role: true } })
      return membership === null || membership.role === 'removed' ? undefined : membership.role
    })
  }

  close (): void {
    this.#roles.close()
  }

  async roleOf (memberId: string, documentId: string): Promise<Role | undefined> {
    return await this.#roles.get(memberId, documentId)
  }

  /** After a change, so that it holds from now on. */
  forget (memberId: string, documentId: string): void {
    this.#roles.forget(memberId, documentId)
  }

  /** The role of somebody who opens a document: it is made if there is none, and one with access by `link` takes them in. */
  async open (memberId: string, documentId: string): Promise<Role | undefined> {
    const role = await this.roleOf(memberId, documentId)
    if (role !== undefined) return role
    await this.create(memberId, documentId, 'link')
    const { access } = await this.#prisma.appDocument.findUniqueOrThrow({ where: { id: documentId }, select: { access: true } })
    if (access === 'link') {
      await this.#prisma.$transaction(async (transaction) => await this.admit(transaction, { documentId, memberId, role: 'editor' })).catch((error: unknown) => {
        if (!(error instanceof TooManyMembers)) throw error
      })
    }
    this.forget(memberId, documentId)
    return await this.roleOf(memberId, documentId)
  }

  /** Makes a document with this owner, unless there is one. */
  async create (memberId: string, documentId: string, access: 'link' | 'invited'): Promise<void> {
    if (await this.#prisma.appDocument.count({ where: { id: documentId } }) > 0) return
    this.#creation(memberId)
    await this.#prisma.$transaction(async (transaction) => {
      const { count } = await transaction.appDocument.createMany({ data: { id: documentId, access }, skipDuplicates: true })
      if (count === 0) return
      // One after the other, for the count.
      await transaction.$queryRaw`SELECT id FROM app_member WHERE id = ${memberId} FOR NO KEY UPDATE`
      if (await transaction.appMembership.count({ where: { memberId, role: 'owner' } }) >= this.#maxDocuments) throw new TooManyDocuments()
      await transaction.appMembership.create({ data: { documentId, memberId, role: 'owner' } })
    })
    this.forget(memberId, documentId)
  }

  /** Makes somebody a member who is none yet, and says what they are. `check` throws if they may not become one. Throws `TooManyMembers`. */
  async admit (
    transaction: Prisma.TransactionClient, member: { documentId: string, memberId: string, role: Role, invitationId?: string }, check = async () => {}
  ): Promise<AppRole> {
    const { documentId, memberId, role } = member
    // Those who join at the same moment are counted one after the other.
    await transaction.$queryRaw`SELECT id FROM app_document WHERE id = ${documentId} FOR NO KEY UPDATE`
    const known = await transaction.appMembership.findUnique({ where: { documentId_memberId: { documentId, memberId } } })
    if (known !== null) return known.role
    if (await transaction.appMembership.count({ where: { documentId, role: { not: 'removed' } } }) >= maxMembers) throw new TooManyMembers()
    await check()
    await transaction.appMembership.create({ data: member })
    return role
  }

  /** Throws `NotTheOwner`. Until the transaction ends, the owner stays the owner. */
  async checkOwner (transaction: Prisma.TransactionClient, memberId: string, documentId: string): Promise<void> {
    await transaction.$queryRaw`SELECT id FROM app_document WHERE id = ${documentId} FOR NO KEY UPDATE`
    if (await transaction.appMembership.count({ where: { documentId, memberId, role: 'owner' } }) === 0) throw new NotTheOwner()
  }

  /** Makes another member the owner, and the owner an editor. Throws `NotTheOwner`, `NoSuchMember`, `HandedOver`, `OwnsTooMany` and `NotSealed`. */
  async handOver ({ documentId, from, to, number, boxes }: NewOwner): Promise<void> {
    await this.#prisma.$transaction(async (transaction) => {
      // As when they make a document.
      await transaction.$queryRaw`SELECT id FROM app_member WHERE id = ${to} FOR NO KEY UPDATE`
      await this.checkOwner(transaction, from, documentId)
      const { _max: { number: last } } = await transaction.appHandover.aggregate({ where: { documentId }, _max: { number: true } })
      if (number !== (last ?? 0) + 1) throw new HandedOver()
      if (await transaction.appMembership.count({ where: { memberId: to, role: 'owner' } }) >= this.#maxDocuments) throw new OwnsTooMany()
      const { count } = await transaction.appMembership.updateMany({ where: { documentId, memberId: to, role: { in: ['editor', 'viewer'] } }, data: { role: 'owner' } })
      if (count === 0) throw new NoSuchMember()
      await transaction.appMembership.update({ where: { documentId_memberId: { documentId, memberId: from } }, data: { role: 'editor' } })
      const members = await transaction.appMembership.findMany({ where: { documentId, role: { not: 'removed' } }, select: { memberId: true } })
      const data = boxes.filter((box) => members.some(({ memberId }) => memberId === box.memberId)).map((box) => ({ ...box, documentId, number }))
      if (!data.some(({ memberId }) => memberId === to)) throw new NotSealed()
      await transaction.appHandover.createMany({ data, skipDuplicates: true })
    })
    for (const memberId of [from, to]) this.forget(memberId, documentId)
  }
}

/** The callback of the plugin: asked when somebody opens a document, and for each message they send. */
export function hasAccess (members: Members, sessions: Sessions): HasAccess {
  return async ({ action, documentId, request: { member } }) => {
    if (member === null || !await sessions.isCurrent(member.sessionId)) return false
    const role = action === 'read' ? await members.open(member.id, documentId).catch(asNobody) : await members.roleOf(member.id, documentId)
    return rolesThatMay[action].includes(role)
  }
}

/** Whoever may make no document now is let into none that does not exist. */
function asNobody (error: unknown): undefined {
  if (error instanceof TooManyDocuments || error instanceof TooManyCreations) return undefined
  throw error
}

/** Closes the connections of somebody to a document, from all of their devices and on all nodes. */
export async function disconnectMember (app: FastifyInstance, memberId: string, documentId: string): Promise<void> {
  for (const sessionKeyHash of await app.sessions.keyHashesOf(memberId)) app.secsync.disconnect({ documentId, sessionKeyHash })
}

/** preHandlers for routes with a document's `id`: they set `request.role`. */
export async function onlyMembers (request: FastifyRequest, _reply: FastifyReply): Promise<void> {
  const { id } = request.params as { id: string }
  const role = request.member === null ? undefined : await request.server.members.roleOf(request.member.id, id)
  if (role === undefined) throw new NotAMember()
  request.role = role
}

export async function onlyOwner (request: FastifyRequest, reply: FastifyReply): Promise<void> {
  await onlyMembers(request, reply)
  if (request.role !== 'owner') throw new NotTheOwner()
}

declare module 'fastify' {
  interface FastifyInstance { members: Members }
  interface FastifyRequest { role: Role | null }
}
