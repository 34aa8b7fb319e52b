// The example app under attack: what one address, one person and one message may take is bounded, and others do not notice.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { WebSocket } from 'ws'
import { defaultLimits } from '../../example-app/server/limits.ts'
import { Settings } from '../../example-app/server/settings.ts'
import { openClient, untilEqual } from '../fixtures/client.ts'
import { startExampleApp } from '../fixtures/example-app.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { Author, RawClient } from '../fixtures/raw-client.ts'

const MiB = 1024 * 1024
const { connectionString: DATABASE_URL } = await createDatabase(t, { migrated: false })
// Smaller than the defaults, so that the test reaches them soon. The ten seconds are for this process too: it has a thousand requests to write.
const limits = { ...defaultLimits, SESSIONS_PER_HOUR: 20, CREATIONS_PER_HOUR: 40, REQUESTS_PER_MINUTE: 300, MAX_SOCKETS: 20, REQUEST_TIMEOUT: 10 }
const app = await startExampleApp(t, {
  DATABASE_URL,
  MAX_STORED_BYTES: `${8 * MiB}`,
  MAX_MESSAGE_BYTES: `${2 * MiB}`,
  ...Object.fromEntries(['SESSIONS_PER_HOUR', 'CREATIONS_PER_HOUR', 'REQUESTS_PER_MINUTE', 'MAX_SOCKETS', 'REQUEST_TIMEOUT'].map((name) => [name, `${limits[name as 'MAX_SOCKETS']}`]))
})
const { port } = new URL(app.url)

/** Requests from another address of this machine. */
function from (localAddress: string, headers: Record<string, string> = {}) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 })
  t.teardown(() => agent.destroy())
  return async (method: string, path: string, sessionKey?: string, body?: object): Promise<{ status: number, body: string }> => {
    const request = http.request({
      host: '127.0.0.1',
      port,
      localAddress,
      agent,
      method,
      path,
      headers: { ...headers, ...sessionKey !== undefined && { authorization: `Bearer ${sessionKey}` }, ...body && { 'content-type': 'application/json' } }
    })
    request.end(body && JSON.stringify(body))
    const [response] = await once(request, 'response') as [http.IncomingMessage]
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    return { status: response.statusCode ?? 0, body: text }
  }
}

/** How often each status was answered. */
async function statuses (times: number, send: (index: number) => Promise<{ status: number }>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  const answers = await Promise.all(Array.from({ length: times }, (_, index) => send(index)))
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

async function sessionFrom (address: string, name: string): Promise<string> {
  return (JSON.parse((await from(address)('POST', '/api/sessions', undefined, { name })).body) as { sessionKey: string }).sessionKey
}

t.test('an attack from many sides is bounded, and somebody else writes on', async (t) => {
  const [ada, ben] = [await app.session('Ada'), await app.session('Ben')].map((sessionKey) => openClient(t, app.endpoint, 'calm', { sessionKey }))
  const over = new AbortController()
  t.teardown(() => over.abort())
  const unhealthy: number[] = []
  const watching = (async () => {
    while (!over.signal.aborted) {
      const status = await fetch(`${app.url}/health`).then(({ status }) => status, () => 0)
      if (status !== 200 && !over.signal.aborted) unhealthy.push(status)
      await sleep(50)
    }
  })()
  const writing = (async () => {
    let written = 0
    for (; !over.signal.aborted; written++) {
      (written % 2 === 0 ? ada : ben)!.crdt.add(`${written}`)
      await untilEqual(ada!, ben!)
    }
    return written
  })()

  const sessions = async () => {
    const send = from('127.0.0.2')
    const counts = await statuses(200, () => send('POST', '/api/sessions', undefined, { name: 'Mallory' }))
    t.strictSame(counts, { 200: limits.SESSIONS_PER_HOUR, 429: 200 - limits.SESSIONS_PER_HOUR })
  }
  const documentsAndInvitations = async () => {
    const [send, mallory] = [from('127.0.0.3'), await sessionFrom('127.0.0.3', 'Mallory')]
    await send('PUT', '/api/documents/of-mallory', mallory)
    const documents = await statuses(100, (index) => send('PUT', `/api/documents/many-${index}`, mallory))
    const invitations = await statuses(50, () => send('POST', '/api/documents/of-mallory/invitations', mallory, { role: 'editor' }))
    t.equal(1 + (documents[200] ?? 0) + (invitations[200] ?? 0), limits.CREATIONS_PER_HOUR)
    t.equal(documents[429], 100 - (documents[200] ?? 0))
    // All in all, 300 requests a minute.
    const others = await statuses(200, () => send('GET', '/api/session', mallory))
    t.ok((others[429] ?? 0) > 0 && (others[200] ?? 0) < limits.REQUESTS_PER_MINUTE)
    t.match(JSON.parse((await send('GET', '/api/session', mallory)).body), { statusCode: 429, code: 'APP_TOO_MANY_REQUESTS', message: /Try again in \d+ seconds/ })
    t.equal((await send('GET', '/')).status, 200, 'the files of the pages are not counted')
    t.equal((await from('127.0.0.33')('GET', '/api/session', mallory)).status, 429, 'by person, from whatever address')
  }
  const sockets = async () => {
    const mallory = await sessionFrom('127.0.0.4', 'Mallory')
    const opened = await Promise.all(Array.from({ length: 150 }, async () => {
      const socket = new WebSocket(`${app.endpoint}/sockets?sessionKey=${mallory}`, { localAddress: '127.0.0.4' })
      t.teardown(() => socket.terminate())
      return await new Promise<WebSocket | undefined>((resolve) => {
        socket.on('open', () => resolve(socket))
        socket.on('error', () => resolve(undefined))
      })
    }))
    const isOpen = opened.filter((socket) => socket !== undefined)
    t.equal(isOpen.length, limits.MAX_SOCKETS)
    // Closing one makes room for one.
    isOpen[0]?.close()
    await once(isOpen[0]!, 'close')
    for (let isIn = false; !isIn;) {
      const socket = new WebSocket(`${app.endpoint}/sockets?sessionKey=${mallory}`, { localAddress: '127.0.0.4' })
      isIn = await new Promise<boolean>((resolve) => { socket.on('open', () => resolve(true)).on('error', () => resolve(false)) })
      socket.terminate()
    }
  }
  const snapshots = async () => {
    const mallory = await sessionFrom('127.0.0.5', 'Mallory')
    const author = new Author()
    const open = async (id: string) => {
      const client = new RawClient(`${app.endpoint}/${id}?sessionKey=${mallory}`)
      t.teardown(() => client.socket.terminate())
      await client.next('document')
      return client
    }
    let saved = 0
    for (let index = 0; index < 12; index++) {
      const client = await open(`big-${index}`)
      client.send(author.snapshot(`big-${index}`, { content: 'x'.repeat(MiB) }))
      const answer = await client.nextOfAny()
      if (answer.type === 'snapshot-saved') saved++
      else t.match(answer, { type: 'snapshot-save-failed' })
      await client.close()
    }
    t.ok(saved >= 4 && saved <= 6, `${saved} snapshots of ${8 * MiB} bytes`)
    const client = await open('too-big')
    client.send(author.snapshot('too-big', { content: 'x'.repeat(2 * MiB) }))
    t.equal(await client.closed(), 1009)
    const whispering = await open('calm-too')
    whispering.send(author.ephemeralMessage('calm-too', 'x'.repeat(64 * 1024)))
    const listening = await open('calm-too')
    whispering.send(author.ephemeralMessage('calm-too', 'hello'))
    t.ok((await listening.next('ephemeral-message')).ciphertext.length < 1000, 'a big presence message is dropped')
  }
  const halfABody = async () => {
    const socket = net.connect(Number(port), '127.0.0.1')
    socket.write('POST /api/sessions HTTP/1.1\r\nHost: app\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name":')
    let answer = ''
    const began = Date.now()
    socket.on('data', (data: Buffer) => { answer += data.toString() })
    await once(socket, 'close')
    t.match(answer, /^HTTP\/1\.1 408 /)
    t.ok(Date.now() - began < 30_000, 'not only after the 60 s that Node.js has for headers')
    const big = await from('127.0.0.6')('POST', '/api/sessions', undefined, { name: 'a'.repeat(17 * 1024) })
    t.equal(big.status, 413)
  }

  await Promise.all([sessions(), documentsAndInvitations(), sockets(), snapshots(), halfABody()])
  over.abort()
  t.ok(await writing > 10, `${await writing} changes were written and read meanwhile`)
  await watching
  t.strictSame(unhealthy, [])
  const client = new pg.Client({ connectionString: DATABASE_URL })
  await client.connect()
  t.teardown(() => client.end())
  const { rows: [kept] } = await client.query<{ bytes: number }>('SELECT sum(kept_bytes)::float8 AS bytes FROM secsync_document')
  t.ok((kept?.bytes ?? 0) < 9 * MiB)
})

t.test('the address that a header names counts only when it comes from a proxy that is trusted', async (t) => {
  const settings = { DATABASE_URL, SESSIONS_PER_HOUR: '1' }
  const trusting = await startExampleApp(t, { ...settings, TRUST_PROXY: 'loopback' })
  const start = async (url: string, address: string) => (await fetch(`${url}/api/sessions`, {
    method: 'POST', headers: { 'x-forwarded-for': address, 'content-type': 'application/json' }, body: '{"name":"Ada"}'
  })).status
  t.equal(await start(trusting.url, '192.0.2.1'), 200)
  t.equal(await start(trusting.url, '192.0.2.1'), 429)
  t.equal(await start(trusting.url, '192.0.2.2'), 200)
  t.equal(await start(trusting.url, '2001:db8::1'), 200)
  t.equal(await start(trusting.url, '2001:db8::2'), 429, 'a network is one address')
  const other = await startExampleApp(t, settings)
  t.equal(await start(other.url, '192.0.2.1'), 200)
  t.equal(await start(other.url, '192.0.2.2'), 429)
  t.match(other.output(), /TRUST_PROXY is not set/)
})

t.test('HSTS is sent when it is set', async (t) => {
  t.equal((await fetch(app.url)).headers.get('strict-transport-security'), null)
  const other = await startExampleApp(t, { DATABASE_URL, HSTS_MAX_AGE: '86400' })
  t.match((await fetch(other.url)).headers.get('strict-transport-security'), /^max-age=86400/)
})

t.test('the README has every setting with its default', async (t) => {
  const readme = await readFile('example-app/README.md', 'utf8')
  for (const [name, schema] of Object.entries(Settings.properties)) {
    const [row = ''] = new RegExp(`^\\| \`${name}\` \\|.*$`, 'm').exec(readme) ?? []
    t.ok(row !== '', name)
    const [, , shown = ''] = row.split('|')
    if (name !== 'LOG_LEVEL' && schema.default !== undefined) t.equal(shown.trim(), `\`${String(schema.default)}\``, name)
  }
})
