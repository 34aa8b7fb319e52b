import type { FastifyBaseLogger } from 'fastify'
import { OptionInvalid } from '../errors.ts'
import { Type, Value } from '../protocol/typebox.ts'
import type { Bus, CreateBus } from './bus.ts'
import type { RedisClient } from './redis-client.ts'
import { RedisBus } from './redis.ts'

export const BusObject = Type.Object({
  publish: Type.Function([], Type.Unknown()),
  subscribe: Type.Function([], Type.Unknown()),
  close: Type.Function([], Type.Unknown()),
  maxMessageLength: Type.Optional(Type.Integer({ minimum: 1024, maximum: 1024 * 1024 }))
})

interface BusOptions {
  redis?: RedisClient | undefined
  bus?: Bus | CreateBus | undefined
}

/** Makes the bus of the options, if there is one. Throws `FST_SECSYNC_OPTION_INVALID` if the function of the option returns no bus. */
export async function createBus ({ redis, bus }: BusOptions, log: FastifyBaseLogger): Promise<Bus | undefined> {
  if (redis !== undefined) return new RedisBus(redis, log)
  if (typeof bus !== 'function') return bus
  const created = await bus(log)
  if (!Value.Check(BusObject, created)) throw new OptionInvalid('bus', 'must return an object with publish(channel, message), subscribe(channel, subscriber) and close()')
  return created
}
