// The product, as its README says.
import Fastify from 'fastify'
import secsync, { postgresBus } from 'fastify-secsync'
import { Redis } from 'ioredis'
import { adapter } from './adapter.ts'
import { telemetryOf } from './telemetry.ts'
import { serve } from './process.ts'

const app = Fastify({ logger: { level: 'warn' } })
const { BUS, DATABASE_URL = '', REDIS_URL, TELEMETRY } = process.env
await app.register(secsync, {
  adapter,
  hasAccess: async () => true,
  // Scenarios write long documents.
  limits: { maxUpdatesPerSnapshot: 0, maxBytesPerSnapshot: 0 },
  ...telemetryOf(TELEMETRY),
  ...REDIS_URL && { redis: new Redis(REDIS_URL) },
  ...BUS === 'postgres' && { bus: postgresBus(DATABASE_URL) }
})
await app.listen({ host: '127.0.0.1', port: 0 })
serve(app.server)
