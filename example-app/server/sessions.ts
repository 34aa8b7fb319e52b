// Who is it: a session key, as a bearer token over HTTP and as `?sessionKey=` over WebSocket.
import { randomBytes, randomUUID } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyRequest } from 'fastify'
import type { PrismaClient } from './prisma-client/client.ts'

export interface Member { id: string, name: string }

export const SessionUnknown = createError('APP_SESSION_UNKNOWN', 'There is no such session', 401)

export class Sessions {
  readonly #prisma: PrismaClient

  constructor (prisma: PrismaClient) {
    this.#prisma = prisma
  }

  async start (name: string): Promise<string> {
    const sessionKey = randomBytes(32).toString('base64url')
    await this.#prisma.appSession.create({ data: { memberId: randomUUID(), sessionKey, name } })
    return sessionKey
  }

  async find (sessionKey: string): Promise<Member | undefined> {
    // What `start` cannot have made is not asked for: PostgreSQL has no NUL.
    if (!/^[\w-]{1,100}$/.test(sessionKey)) return undefined
    const session = await this.#prisma.appSession.findUnique({ where: { sessionKey } })
    return session === null ? undefined : { id: session.memberId, name: session.name }
  }
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
  if (sessionKey !== undefined) await setMember(request, [sessionKey].flat()[0] ?? '')
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
