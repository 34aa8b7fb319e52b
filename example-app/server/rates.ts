// How often somebody may ask, by address and by person. Each process counts for itself.
import createError from '@fastify/error'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Budget } from './budget.ts'
import type { Limits } from './limits.ts'

const TooManyRequests = createError('APP_TOO_MANY_REQUESTS', 'Too many requests. Try again in %s seconds', 429)
export const TooManyCreations = createError('APP_TOO_MANY_CREATIONS', 'You have made a lot within an hour. Try again later', 429)

/** Addresses that are counted at once. The oldest are forgotten first. */
const cache = 50_000

export async function limitRates (app: FastifyInstance, limits: Limits): Promise<void> {
  // Of IPv6, a network of 64 bits is one address: that is what one customer has.
  await app.register(rateLimit, {
    max: limits.REQUESTS_PER_MINUTE,
    timeWindow: 60_000,
    cache,
    // The files of the pages: a first visit loads ninety of them, and a whole class has one address.
    allowList: ({ routeOptions: { url } }) => url === '/' || url === '/*',
    errorResponseBuilder: (_request, { ttl }) => new TooManyRequests(Math.ceil(ttl / 1000))
  })
  const ofMember = app.createRateLimit({ max: limits.REQUESTS_PER_MINUTE, timeWindow: 60_000, keyGenerator: ({ member }) => member?.id ?? '' })
  const creations = new Budget(limits.CREATIONS_PER_HOUR)
  app.decorate('rates', {
    async ofMember (request) {
      const rate = await ofMember(request)
      if (!rate.isAllowed && rate.isExceeded) throw new TooManyRequests(rate.ttlInSeconds)
    },
    creation (memberId) {
      if (!creations.take([memberId])) throw new TooManyCreations()
    },
    newSessions: { max: limits.SESSIONS_PER_HOUR, timeWindow: 3_600_000 }
  })
  app.addHook('onClose', async () => creations.close())

  if (limits.TRUST_PROXY !== undefined) return
  let isNoted = false
  app.addHook('onRequest', async (request) => {
    if (isNoted || request.headers['x-forwarded-for'] === undefined) return
    isNoted = true
    request.log.warn('There is a proxy in front, and TRUST_PROXY is not set: everybody has its address, and shares the limits for an address')
  })
}

export interface Rates {
  /** Counts a request of somebody who is known. Throws if it is one too many. */
  ofMember (request: FastifyRequest): Promise<void>
  /** Counts what somebody makes: documents, invitations, keys, sessions. Throws if it is one too many. */
  creation (memberId: string): void
  /** For the config of the route that makes people. */
  newSessions: { max: number, timeWindow: number }
}

declare module 'fastify' {
  interface FastifyInstance { rates: Rates }
}
