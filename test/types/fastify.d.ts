// As an application declares what it adds to requests.
import type {} from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    member?: { name: string }
  }
}
