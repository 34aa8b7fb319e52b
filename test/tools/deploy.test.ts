// The files of example-app/deploy: proxies and the systemd unit in the real programs, the image and compose.yaml by what they say.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { PrismaPg } from '@prisma/adapter-pg'
import { DockerfileParser } from 'dockerfile-ast'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { parse } from 'yaml'
import { freePort } from '../../lib/embedded/cluster.ts'
import secsync from '../../lib/index.ts'
import { daemonDirectory, missing, startDaemon } from '../fixtures/daemon.ts'
import { localBus } from '../fixtures/local-bus.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author } from '../fixtures/raw-client.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { listen, type TestServer } from '../fixtures/server.ts'

const folder = 'example-app/deploy'
const main = 'example-app/dist/server/main.js'
const read = (file: string): Promise<string> => readFile(`${folder}/${file}`, 'utf8')

/** A node with the health route that the proxies ask. */
async function startNode (t: Test, connectionString: string): Promise<TestServer> {
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/health', async (_request, reply) => {
    const health = await app.secsync.health()
    return await reply.code(health.ready ? 200 : 503).send(health)
  })
  await app.register(secsync, {
    prefix: '/documents', adapter: new PrismaPg({ connectionString }), bus: localBus(), hasAccess: () => true
  })
  return await listen(t, app)
}

interface Proxy {
  program: string
  /** With the addresses of the nodes and the port in place of those of the file. */
  configure (nodes: string[], port: number): Promise<Record<string, string>>
  /** Its arguments. */
  start (directory: string): string[]
  /** Handshakes that are answered with 503 until the node is taken out. Clients come back by themselves. */
  mayRefuse: number
}

const addresses = (text: string, nodes: string[]): string => nodes.reduce((text, node, index) => text.replaceAll(`node${index + 1}:3000`, node), text)

const proxies: Proxy[] = [{
  program: 'nginx',
  async configure (nodes, port) {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path {directory}/${name};`).join('\n')
    const text = addresses(await read('nginx.conf'), nodes)
      .replace('listen 80;', `listen 127.0.0.1:${port};`).replace('/dev/stdout', '{directory}/access.log').replace('http {', `http {\n${paths}`)
    return { 'nginx.conf': `daemon off;\npid {directory}/pid;\nerror_log {directory}/error.log;\n${text}` }
  },
  start: (directory) => ['-p', directory, '-e', 'error.log', '-c', 'nginx.conf'],
  mayRefuse: 0
}, {
  program: 'haproxy',
  async configure (nodes, port) {
    // It needs more file descriptors than a test may have.
    const text = (await read('haproxy.cfg')).replace('bind :80', `bind 127.0.0.1:${port}`).replace('maxconn 20000', 'maxconn 1000')
    return { 'haproxy.cfg': addresses(text, nodes) }
  },
  start: (directory) => ['-f', `${directory}/haproxy.cfg`],
  mayRefuse: 0
}, {
  program: 'caddy',
  configure: async (nodes, port) => ({
    Caddyfile: `{\n\tadmin off\n\tstorage file_system {directory}\n}\n${addresses(await read('Caddyfile'), nodes).replace(/^:80 /m, `http://127.0.0.1:${port} `)}`
  }),
  start: (directory) => ['run', '--config', `${directory}/Caddyfile`, '--adapter', 'caddyfile'],
  mayRefuse: 1
}]

for (const { program, configure, start, mayRefuse } of proxies) {
  t.test(`${program} in front of two nodes, of which one drains`, { skip: missing(program) }, async (t) => {
    const { connectionString } = await createDatabase(t)
    const nodes = await Promise.all([1, 2].map(() => startNode(t, connectionString)))
    const port = await freePort()
    const directory = await daemonDirectory(t, await configure(nodes.map(({ endpoint }) => new URL(endpoint).host), port))
    await startDaemon(t, program, start(directory), port)
    const endpoint = `ws://127.0.0.1:${port}/documents`

    // Its checks of the nodes may not have been answered yet.
    while ((await fetch(`http://127.0.0.1:${port}/health`)).status !== 200);
    const clients = [1, 2, 3, 4].map(() => new RealClient(t, endpoint, 'ünï/a b'))
    for (const client of clients) client.type('a')
    t.equal(await agree(...clients), 'aaaa')
    const counts = nodes.map(({ app }) => app.secsync.stats().connections)
    t.equal(counts[0]! + counts[1]!, 4)

    // A message in flight keeps the first node in its drain, where it answers new handshakes with 503.
    let letGo = () => {}
    const released = new Promise<void>((resolve) => { letGo = resolve })
    const [first] = nodes
    const slow = first!.connect('slow')
    await slow.next('document')
    const held = new Promise<void>((resolve) => {
      first!.app.secsync.addHook('preHandler', async ({ documentId }) => {
        if (documentId !== 'slow') return
        resolve()
        await released
      })
    })
    slow.send(new Author().ephemeralMessage('slow'))
    await held
    const closed = first!.app.close()
    let refused = 0
    for (let opened = 0; opened < 4;) {
      const socket = new WebSocket(`${endpoint}/another?sessionKey=key`)
      const [response] = await Promise.race([once(socket, 'open'), once(socket, 'unexpected-response')]) as [ClientRequest?, IncomingMessage?]
      if (response === undefined) opened++
      else refused++
      socket.on('error', () => {}).terminate()
    }
    t.ok(refused <= mayRefuse, `${refused} handshakes were refused`)
    letGo()
    t.equal(await slow.closed(), 1001)
    await closed

    clients[0]!.type('b')
    t.equal([...await agree(...clients)].sort().join(''), 'aaaab')
  })
}

t.test('the systemd unit', { skip: spawnSync('systemd-analyze', ['--version']).error !== undefined && 'There is no systemd here' }, async (t) => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', `${folder}/secsync.service`], { encoding: 'utf8' })
  t.equal(status, 0)
  t.equal(stderr, '')
  const unit = await read('secsync.service')
  t.match(unit, `ExecStart=/usr/bin/node ${main}`)
})

t.test('the image runs the app itself, as another user than root, and asks for its health', async (t) => {
  const dockerfile = DockerfileParser.parse(await read('Dockerfile'))
  const instructions = dockerfile.getInstructions().map((instruction) => [instruction.getKeyword(), instruction.getRawArgumentsContent() ?? ''] as const)
  const last = (keyword: string) => instructions.findLast(([name]) => name === keyword)?.[1] ?? ''
  t.equal(last('USER'), 'node')
  t.strictSame(JSON.parse(last('CMD')), ['node', main], 'in the exec form: no shell that keeps SIGTERM')
  t.match(await read('Dockerfile'), /^HEALTHCHECK --interval=\S+ --timeout=\S+ --start-period=\S+ CMD \[/m)
  for (const [keyword, args] of instructions) {
    if (keyword !== 'COPY' || args === '. .') continue
    const sources = args.split(' ').filter((part) => !part.startsWith('--')).slice(0, -1).map((path) => path.replace('/app/', ''))
    for (const source of sources) t.ok(existsSync(source), source)
  }
})

t.test('its health check', async (t) => {
  const [, check] = /^HEALTHCHECK .*? CMD (\[.*\])$/m.exec(await read('Dockerfile')) ?? []
  const [program, ...args] = JSON.parse(check ?? '[]') as string[]
  t.equal(program, 'node')
  let status = 200
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/health', async (_request, reply) => await reply.code(status).send())
  await app.listen({ port: 0, host: '127.0.0.1' })
  const run = async (port: string) => (await once(spawn(process.execPath, args, { env: { PORT: port } }), 'exit'))[0] as number
  const { port } = new URL(app.listeningOrigin)
  t.equal(await run(port), 0)
  status = 503
  t.equal(await run(port), 1)
  t.equal(await run(String(await freePort())), 1)
})

t.test('compose.yaml starts two nodes behind the proxy of nginx.conf', async (t) => {
  interface Service {
    build?: { context: string, dockerfile: string }
    environment?: Record<string, string>
    depends_on?: Record<string, unknown>
    volumes?: string[]
  }
  const { services } = parse(await read('compose.yaml'), { merge: true }) as { services: Record<string, Service> }
  t.strictSame(Object.keys(services).sort(), ['node1', 'node2', 'postgres', 'proxy'])
  const nginx = await read('nginx.conf')
  for (const name of ['node1', 'node2']) {
    const { build, environment = {}, depends_on: needed = {} } = services[name]!
    t.ok(existsSync(`${folder}/${build?.context}/${build?.dockerfile}`))
    t.match(nginx, `server ${name}:3000`)
    const urls = Object.entries(environment).filter(([variable]) => variable.endsWith('_URL')).map(([, url]) => url)
    for (const url of urls) t.ok(new URL(url.replace(/\$\{.*\}/, 'password')).hostname in services)
    for (const service of Object.keys(needed)) t.ok(service in services)
  }
  t.strictSame(services.proxy?.volumes, ['./nginx.conf:/etc/nginx/nginx.conf:ro'])
})
