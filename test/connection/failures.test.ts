import { mock } from 'node:test'
import Fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'
import type { Connection } from '../../lib/connection/connection.ts'
import { Failures } from '../../lib/connection/failures.ts'
import { SignatureInvalid } from '../../lib/errors.ts'
import { Hooks } from '../../lib/hooks.ts'
import { Telemetry } from '../../lib/telemetry/telemetry.ts'
import { Log } from '../fixtures/log.ts'
import { mockTimers } from '../fixtures/world.ts'

const context = { documentId: 'document', websocketSessionKey: 'key', request: {} as FastifyRequest, action: 'write-update' } as const

t.test('of one kind of failure a hundred lines are logged in ten seconds, and then their number', async (t) => {
  mockTimers(t)
  const log = new Log()
  const connection = { log: Fastify(log.options).log } as Connection
  const failures = new Failures(new Hooks(1000), new Telemetry())
  for (let i = 0; i < 150; i++) await failures.report(new SignatureInvalid(), context, connection)
  t.equal(log.lines.length, 100)
  mock.timers.tick(10_000)
  t.match(log.lines.slice(100), [{ level: 30, code: 'FST_SECSYNC_SIGNATURE_INVALID', action: 'write-update', count: 50 }])
  await failures.report(new SignatureInvalid(), context, connection)
  t.equal(log.lines.length, 102, 'and so on')
})

t.test('what is thrown may be anything', async (t) => {
  const log = new Log()
  const connection = { log: Fastify(log.options).log } as Connection
  const failures = new Failures(new Hooks(1000), new Telemetry())
  for (const thrown of [undefined, null, 'text', {}, new TypeError('Type')]) await failures.report(thrown, context, connection)
  t.same(log.lines.map(({ level }) => level), [50, 50, 50, 50, 50])
})

t.test('a hundred kinds are counted. Others are logged each time', async (t) => {
  mockTimers(t)
  const log = new Log()
  const connection = { log: Fastify(log.options).log } as Connection
  const failures = new Failures(new Hooks(1000), new Telemetry())
  const report = (code: number): Promise<void> => failures.report(Object.assign(new Error('failed'), { code }), context, connection)
  for (let code = 0; code < 100; code++) await report(code)
  for (let i = 0; i < 101; i++) await report(100)
  t.equal(log.lines.length, 201)
})
