// The configuration of docs/nodes.md, as it stands there, in the real nginx.
import { readFile } from 'node:fs/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import type { FastifyServerOptions } from 'fastify'
import t from 'tap'
import { freePort } from '../lib/embedded/cluster.ts'
import { daemonDirectory, missing, startDaemon } from './fixtures/daemon.ts'
import { localBus } from './fixtures/local-bus.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { agree, RealClient } from './fixtures/real-client.ts'
import { startServer } from './fixtures/server.ts'

t.test('clients write through nginx, in front of two nodes', { skip: missing('nginx') }, async (t) => {
  const { connectionString } = await createDatabase(t)
  const nodes = await Promise.all([1, 2].map(async () => await startServer(t, { adapter: new PrismaPg({ connectionString }), bus: localBus() }, {
    // As README says for documents with many authors. Fastify's type of `http` is only in the options of one of its overloads.
    http: { maxHeaderSize: 256 * 1024 }
  } as FastifyServerOptions)))
  const port = await freePort()
  const [, documented] = /```nginx\n([^]*?)```/.exec(await readFile('docs/nodes.md', 'utf8')) ?? []
  const servers = nodes.map(({ endpoint }) => `server 127.0.0.1:${new URL(endpoint).port};`).join(' ')
  const configuration = documented!.replace(/(upstream secsync \{).*\}/, `$1 ${servers} }`).replace('listen 80;', `listen 127.0.0.1:${port};`)
  t.match(configuration, servers)
  t.match(configuration, `:${port}`)
  const directory = await daemonDirectory(t, {
    'nginx.conf': [
      'daemon off;', 'pid {directory}/pid;', 'error_log {directory}/error.log;', 'events {}', 'http {', 'access_log off;',
      ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path {directory}/${name};`),
      configuration, '}'
    ].join('\n')
  })
  await startDaemon(t, 'nginx', ['-p', directory, '-e', 'error.log', '-c', 'nginx.conf'], port)
  const endpoint = `ws://127.0.0.1:${port}/documents`

  for (const id of ['plain', 'a/b', 'a//b', 'a/', 'ünï', 'a b', 'c%2Fd']) {
    const [a, b] = [new RealClient(t, endpoint, id), new RealClient(t, endpoint, id)]
    a.type(id)
    t.equal(await agree(a, b), id)
  }
  const clocks = Object.fromEntries(Array.from({ length: 1000 }, () => [new Author().publicKey, 0]))
  const query = new URLSearchParams({ sessionKey: 'key', mode: 'delta', knownSnapshotId: 'a', knownSnapshotUpdateClocks: JSON.stringify(clocks) })
  await new RawClient(`${endpoint}/plain?${query}`).next('document')

  const [a, b] = [new RealClient(t, endpoint, 'moving'), new RealClient(t, endpoint, 'moving')]
  a.type('before')
  await agree(a, b)
  await nodes[0]!.app.close()
  b.type(' and after')
  t.equal(await agree(a, b), 'before and after', 'one of two nodes is gone')
})
