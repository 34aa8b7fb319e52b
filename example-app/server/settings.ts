import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { Limits } from './limits.ts'

export const Settings = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'an address of this machine; 0.0.0.0 for all of them' }),
  PORT: Type.Integer({ default: 3000, minimum: 0, maximum: 65535, description: 'a port number; 0 for any that is free' }),
  DATABASE_URL: Type.Optional(Type.String({
    pattern: '^postgres(ql)?://', description: 'a PostgreSQL, as postgresql://user:password@host:5432/database; without one, the app starts its own'
  })),
  REDIS_URL: Type.Optional(Type.String({
    pattern: '^rediss?://', description: 'a Redis, as redis://host:6379, where several of these serve one DATABASE_URL'
  })),
  DIRECT_URL: Type.Optional(Type.String({
    pattern: '^postgres(ql)?://', description: 'the PostgreSQL itself, as postgresql://user:password@host:5432/database, where DATABASE_URL is a pooler'
  })),
  METRICS_PORT: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'a port number; 0 for any that is free' })),
  DATA_DIR: Type.String({ default: './data', minLength: 1, description: "a directory for the app's own PostgreSQL" }),
  LOG_LEVEL: Type.Union(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].map((level) => Type.Literal(level)), {
    description: 'trace, debug, info, warn, error, fatal or silent'
  }),
  ...Limits.properties
})

export type Settings = Static<typeof Settings>

/** Settings are environment variables. Throws an error that says what is wrong with which. */
export function readSettings (env: NodeJS.ProcessEnv, defaults: Pick<Settings, 'LOG_LEVEL'>): Settings {
  // An empty variable is one that is not set.
  const given = Object.fromEntries(Object.keys(Settings.properties).map((name) => [name, env[name] || undefined]))
  const settings = Value.Convert(Settings, Value.Default(Settings, { ...given, LOG_LEVEL: given.LOG_LEVEL ?? defaults.LOG_LEVEL }))
  const wrong = [...Value.Errors(Settings, settings)].map(({ path }) => path.slice(1) as keyof Settings)
  if (wrong.length > 0) {
    throw new Error([...new Set(wrong)].map((name) => `${name} must be ${Settings.properties[name].description}`).join('\n'))
  }
  if (given.REDIS_URL !== undefined && given.DATABASE_URL === undefined) {
    throw new Error('REDIS_URL needs a DATABASE_URL: it connects processes that serve one database')
  }
  if (given.DIRECT_URL !== undefined && given.DATABASE_URL === undefined) {
    throw new Error('DIRECT_URL needs a DATABASE_URL: it is the same database, without a pooler')
  }
  return Value.Decode(Settings, Value.Clean(Settings, settings))
}
