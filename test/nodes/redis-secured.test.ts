// A Redis with TLS, and with a user who may do no more than the bus needs.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { redisBus } from '../../lib/index.ts'
import { busSuite } from '../../lib/testing/index.ts'
import { missing } from '../fixtures/daemon.ts'
import { noRedis, startRedis } from '../fixtures/redis.ts'

t.test('TLS, and an ACL for the channels of the bus only', { skip: noRedis || missing('openssl') }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'fastify-secsync-test-tls-'))
  t.teardown(async () => await rm(directory, { recursive: true, force: true }))
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const { status, stderr } = spawnSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert
  ])
  if (status !== 0) throw new Error(stderr.toString())
  const redis = await startRedis(t, [
    '--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no',
    '--user', 'default', 'off',
    '--user', ...'bus on >secret resetchannels &app:* -@all +publish +subscribe +unsubscribe +info'.split(' ')
  ], { username: 'bus', password: 'secret', tls: { ca: await readFile(cert) } })
  const broker = { createBus: redisBus(redis.client()), interrupt: () => redis.stop(), restore: () => redis.start() }
  busSuite((name, run) => t.test(name, run), () => broker)
})
