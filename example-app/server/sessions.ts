// Who is it: a session key, as a bearer token over HTTP and as `?sessionKey=` over WebSocket. The database has hashes of the keys.
import { randomBytes, randomUUID } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyRequest } from 'fastify'
import { hash } from 'fastify-secsync'
import type { PrismaClient } from './prisma-client/client.ts'
import { ShortMemory } from './short-memory.ts'

export interface Member { id: string, name: string, sessionId: string }

export interface SessionFacts {
  id: string
  createdAt: Date
  /** Within a day. */
  usedAt: Date
  expiresAt: Date
}

export interface SessionAges {
  /** Days without use after which a session ends. */
  idleDays: number
  /** Days after which it ends in any case. */
  maxDays: number
}

const day = 24 * 3600 * 1000

/** Of one person. */
const maxSessions = 20

export const SessionUnknown = createError('APP_SESSION_UNKNOWN', 'There is no such session', 401)
export const NoSuchSession = createError('APP_NO_SUCH_SESSION', 'You have no such session', 404)
const TooManySessions = createError('APP_TOO_MANY_SESSIONS', `You have ${maxSessions} sessions already. End one of them`, 409)

export class Sessions {
  readonly #prisma: PrismaClient
  readonly #ages: SessionAges
  readonly #current: ShortMemory<boolean>

  constructor (prisma: PrismaClient, ages: SessionAges) {
    this.#prisma = prisma
    this.#ages = ages
    this.#current = new ShortMemory(async (id) => await prisma.appSession.count({ where: { id, ...this.#notEnded() } }) > 0)
  }

  close (): void {
    this.#current.close()
  }

  /** Makes a person, and returns the key of their first session. */
  async start (name: string): Promise<string> {
    const sessionKey = newKey()
    await this.#prisma.appMember.create({
      data: { id: randomUUID(), name, sessions: { create: { id: randomUUID(), keyHash: hash(sessionKey) } } }
    })
    return sessionKey
  }

  /** The key of a further session of somebody: for another device, or before a session ends. */
  async another (memberId: string): Promise<string> {
    const sessionKey = newKey()
    if (await this.#prisma.appSession.count({ where: { memberId, ...this.#notEnded() } }) >= maxSessions) throw new TooManySessions()
    await this.#prisma.appSession.create({ data: { id: randomUUID(), keyHash: hash(sessionKey), memberId } })
    return sessionKey
  }

  async find (sessionKey: string): Promise<Member | undefined> {
    // What was not made here is not asked for.
    if (!/^[\w-]{1,100}$/.test(sessionKey)) return undefined
    const session = await this.#prisma.appSession.findUnique({ where: { keyHash: hash(sessionKey), ...this.#notEnded() }, include: { member: true } })
    if (session === null) return undefined
    if (session.usedAt.getTime() < Date.now() - day) await this.used([session.id])
    return { id: session.memberId, name: session.member.name, sessionId: session.id }
  }

  /** Whether a session has not ended, for its open connections: the answer may be a second old. */
  async isCurrent (id: string): Promise<boolean> {
    return await this.#current.get(id)
  }

  async used (ids: string[]): Promise<void> {
    await this.#prisma.appSession.updateMany({ where: { id: { in: ids }, ...this.#notEnded() }, data: { usedAt: new Date() } })
  }

  /** Those of one person, the last used one first. */
  async list (memberId: string): Promise<SessionFacts[]> {
    const sessions = await this.#prisma.appSession.findMany({ where: { memberId, ...this.#notEnded() }, orderBy: { usedAt: 'desc' } })
    return sessions.map(({ id, createdAt, usedAt }) => ({
      id,
      createdAt,
      usedAt,
      expiresAt: new Date(Math.min(createdAt.getTime() + this.#ages.maxDays * day, usedAt.getTime() + this.#ages.idleDays * day))
    }))
  }

  /** Returns the hashes of the keys of those that ended, whose connections are to be closed. What one of them has left for another device ends, too. */
  async end (which: { memberId: string, id: string | { not: string } }): Promise<string[]> {
    await this.#prisma.appTransfer.deleteMany({ where: { memberId: which.memberId } })
    const sessions = await this.#prisma.appSession.findMany({ where: which, select: { id: true, keyHash: true } })
    return await this.#remove(sessions)
  }

  /** Removes those whose time is over, and returns the hashes of their keys. */
  async endExpired (): Promise<string[]> {
    const { createdAt, usedAt } = this.#notEnded()
    const sessions = await this.#prisma.appSession.findMany({
      where: { OR: [{ createdAt: { lte: createdAt.gt } }, { usedAt: { lte: usedAt.gt } }] }, select: { id: true, keyHash: true }, take: 1000
    })
    return await this.#remove(sessions)
  }

  async #remove (sessions: Array<{ id: string, keyHash: string }>): Promise<string[]> {
    if (sessions.length > 0) await this.#prisma.appSession.deleteMany({ where: { id: { in: sessions.map(({ id }) => id) } } })
    for (const { id } of sessions) this.#current.forget(id)
    return sessions.map(({ keyHash }) => keyHash)
  }

  /** The hashes of the keys of somebody. */
  async keyHashesOf (memberId: string): Promise<string[]> {
    return (await this.#prisma.appSession.findMany({ where: { memberId }, select: { keyHash: true } })).map(({ keyHash }) => keyHash)
  }

  /** An earlier version stored session keys as they are. */
  async hashPlainKeys (): Promise<void> {
    for (;;) {
      const plain = await this.#prisma.appPlainSession.findMany({ take: 1000 })
      if (plain.length === 0) return
      const data = plain.map(({ sessionKey, memberId }) => ({ id: randomUUID(), keyHash: hash(sessionKey), memberId }))
      await this.#prisma.$transaction([
        this.#prisma.appSession.createMany({ data, skipDuplicates: true }),
        this.#prisma.appPlainSession.deleteMany({ where: { sessionKey: { in: plain.map(({ sessionKey }) => sessionKey) } } })
      ])
    }
  }

  #notEnded () {
    const { idleDays, maxDays } = this.#ages
    return { createdAt: { gt: new Date(Date.now() - maxDays * day) }, usedAt: { gt: new Date(Date.now() - idleDays * day) } }
  }
}

function newKey (): string {
  return randomBytes(32).toString('base64url')
}

/** For routes that only somebody with a session may use. Another site cannot make a browser send this header, unlike a cookie. */
export async function authenticate (request: FastifyRequest): Promise<void> {
  const [scheme, sessionKey] = request.headers.authorization?.split(' ') ?? []
  if (scheme?.toLowerCase() !== 'bearer' || !sessionKey) throw new SessionUnknown()
  await setMember(request, sessionKey)
}

/** For the WebSocket, before the upgrade. Without a session key it is the plugin that answers, in the protocol. */
export async function authenticateWebSocket (request: FastifyRequest): Promise<void> {
  const { sessionKey } = request.query as { sessionKey?: string | string[] }
  if (sessionKey === undefined) return
  await setMember(request, [sessionKey].flat()[0] ?? '')
  await request.server.rates.ofMember(request)
  if (request.headers.upgrade !== undefined) request.server.sockets.add(request)
}

async function setMember (request: FastifyRequest, sessionKey: string): Promise<void> {
  const member = await request.server.sessions.find(sessionKey)
  if (member === undefined) throw new SessionUnknown()
  request.member = member
}

declare module 'fastify' {
  interface FastifyInstance { sessions: Sessions }
  interface FastifyRequest { member: Member | null }
}
