// What one person, one address and one message may take of this server: settings, with defaults that people do not reach.
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

const MiB = 1024 * 1024

function count (byDefault: number, description: string, minimum = 1) {
  return Type.Integer({ default: byDefault, minimum, maximum: Number.MAX_SAFE_INTEGER, description })
}

export const Limits = Type.Object({
  TRUST_PROXY: Type.Optional(Type.String({
    pattern: '^([0-9a-fA-F.:/]+|loopback|linklocal|uniquelocal)(, ?([0-9a-fA-F.:/]+|loopback|linklocal|uniquelocal))*$',
    description: 'the addresses of your proxies, as 10.0.0.1, 10.0.0.0/8, loopback or uniquelocal, with commas in between'
  })),
  HSTS_MAX_AGE: count(0, 'a number of seconds; 0 for none', 0),
  REQUEST_TIMEOUT: Type.Integer({ default: 30, minimum: 1, maximum: 3600, description: 'a number of seconds, from 1 to 3600' }),
  REQUESTS_PER_MINUTE: count(1200, 'a number of at least 1'),
  SESSIONS_PER_HOUR: count(100, 'a number of at least 1'),
  CREATIONS_PER_HOUR: count(300, 'a number of at least 1'),
  SESSION_IDLE_DAYS: Type.Integer({ default: 365, minimum: 1, maximum: 36_500, description: 'a number of days' }),
  SESSION_MAX_DAYS: Type.Integer({ default: 1095, minimum: 1, maximum: 36_500, description: 'a number of days' }),
  MAX_SOCKETS: count(100, 'a number of at least 1'),
  MAX_SOCKETS_PER_ADDRESS: count(1000, 'a number of at least 1'),
  MAX_DOCUMENTS: count(1000, 'a number of at least 1'),
  MAX_INVITATIONS: count(500, 'a number of at least 1'),
  MAX_MESSAGE_BYTES: Type.Integer({ default: 4 * MiB, minimum: 64 * 1024, maximum: 64 * MiB, description: 'a number of bytes, from 65536 to 67108864' }),
  MAX_FILE_BYTES: Type.Integer({ default: 5 * MiB, minimum: 64 * 1024, maximum: 1024 * MiB, description: 'a number of bytes, from 65536 to 1073741824' }),
  MESSAGES_PER_SECOND: count(100, 'a number of at least 1'),
  MAX_STORED_BYTES: count(1024 * MiB, 'a number of bytes'),
  UPLOAD_BYTES_PER_HOUR: count(256 * MiB, 'a number of bytes')
})

export type Limits = Static<typeof Limits>

export const defaultLimits: Limits = Value.Decode(Limits, Value.Default(Limits, {}))
