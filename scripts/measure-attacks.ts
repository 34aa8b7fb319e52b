/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// npm run measure:attacks: attacks on the example app, in the size in which they once worked, while two people write in real browsers. Prints a table.
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { WebSocket } from 'ws'
import { startApp } from '../test/browser/fixtures/app.ts'
import { launchWhole } from '../test/browser/fixtures/chromium.ts'
import { mallory, nestQuotes } from '../test/browser/fixtures/mallory.ts'
import { Person } from '../test/browser/fixtures/person.ts'
import { Author, RawClient } from '../test/fixtures/raw-client.ts'

const MiB = 1024 * 1024
const ends: Array<() => Promise<unknown>> = []
const app = await startApp({ teardown: (end) => { ends.push(end) } }, { LOG_LEVEL: 'warn' })
const endpoint = `${app.url.replace('http', 'ws')}/documents`
const browser = await launchWhole()
ends.push(() => browser.close())
const ana = await Person.arrives(browser, 'Ana Meyer')
const ben = await Person.arrives(browser, 'Ben Okafor')
await ana.newDocument(app.url)
await ana.write('Read this.')
await ben.open(await ana.invite('Can edit'))
await ben.reads('Read this.')
let addresses = 1

try {
  console.log('| attack | what comes of it | meanwhile |\n| --- | --- | --- |')
  await attack('1,500 sessions', async () => {
    const send = from(nextAddress())
    return counts(await all(1500, () => send('POST', '/api/sessions', undefined, { name: 'Mallory' })))
  })
  await attack('1,800 documents and 1,500 invitations', async () => {
    const [send, session] = await somebody()
    await send('PUT', '/api/documents/of-mallory', session)
    return `documents ${counts(await all(1800, (index) => send('PUT', `/api/documents/many-${index}`, session)))}, invitations ${
      counts(await all(1500, () => send('POST', '/api/documents/of-mallory/invitations', session, { role: 'editor' })))}`
  })
  await attack('5,000 sockets of one session', async () => {
    const address = nextAddress()
    const [, session] = await somebody(address)
    const sockets: WebSocket[] = []
    for (let batch = 0; batch < 50; batch++) {
      const opened = await Promise.all(Array.from({ length: 100 }, () => open(`${endpoint}/sockets?sessionKey=${session}`, address)))
      sockets.push(...opened.filter((socket) => socket !== undefined))
    }
    for (const socket of sockets) socket.terminate()
    return `${sockets.length} open`
  })
  await attack('snapshots of 15.7 MB', async () => {
    const client = await rawClient('too-big')
    const author = new Author()
    client.send(author.snapshot('too-big', { content: 'x'.repeat(11.7 * MiB) }))
    return `the connection closes with ${await client.closed()}`
  })
  await attack('snapshots of 2.8 MB, as many as go', async () => {
    const author = new Author()
    let taken = 0
    const [, session] = await somebody()
    for (let index = 0; index < 200; index++) {
      const client = await rawClient(`big-${index}`, session)
      client.send(author.snapshot(`big-${index}`, { content: 'x'.repeat(2.1 * MiB) }))
      const { type } = await client.nextOfAny()
      await client.close()
      if (type !== 'snapshot-saved') break
      taken++
    }
    return `${taken} are taken, ${Math.round(taken * 2.8)} MB`
  })
  await attack('half a body', async () => {
    const socket = net.connect(app.port, '127.0.0.1')
    const began = Date.now()
    socket.write('POST /api/sessions HTTP/1.1\r\nHost: app\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name":')
    socket.resume()
    await once(socket, 'close')
    return `the socket closes after ${Math.round((Date.now() - began) / 1000)} s`
  })
  await attack('20 times 1,000 sealed keys for people who are no members', async () => {
    const [send, session] = await somebody()
    await send('PUT', '/api/documents/keys-of-mallory', session)
    const boxes = Array.from({ length: 1000 }, (_, index) => ({ memberId: `nobody-${index}`, box: 'x'.repeat(500) }))
    return counts(await all(20, (index) => send('POST', '/api/documents/keys-of-mallory/keys', session, { keyId: `key-${index}`, boxes })))
  })
  await attack('NUL in a session key, in a name and in an id', async () => {
    const send = from(nextAddress())
    return counts(await Promise.all([
      send('GET', '/api/session?sessionKey=%00'), send('GET', '/api/session', '%00'), send('POST', '/api/sessions', undefined, { name: 'a\u0000b' }), send('GET', '/api/documents/%00')
    ]))
  })
  await attack('1,002 sessions that come by one invitation', async () => {
    const link = await ana.invite('Can read')
    const token = new URL(link).hash.split('/')[2] ?? ''
    const answers: number[] = []
    for (let group = 0; group < 11; group++) {
      const address = nextAddress()
      answers.push(...await all(92, async () => {
        const [send, session] = await somebody(address)
        return await send('POST', `/api/invitations/${token}`, session)
      }))
    }
    return counts(answers)
  })
  await attack('40 messages of presence of 1 MB, and 200 small ones', async () => {
    const { awareness, document, yDoc } = await mallory(app, await ana.invite('Can edit'))
    const before = apiRequests()
    for (let index = 0; index < 40; index++) awareness.setLocalState({ cursor: null, name: `${index}`.repeat(MiB) })
    for (let index = 0; index < 200; index++) awareness.setLocalState({ cursor: null, membersChangedAt: index })
    // They are relayed in their order, and read here before this.
    awareness.setLocalState({ cursor: null, membersChangedAt: 1000 })
    await new Promise((resolve) => setTimeout(resolve, 5000))
    await document.destroy()
    yDoc.destroy()
    return `${apiRequests() - before} requests of two pages`
  })
  await attack('6,000 nested quotes', async () => {
    const { document, yDoc } = await mallory(app, await ana.invite('Can edit'))
    nestQuotes(yDoc, 6000)
    await document.whenSaved()
    await ana.page.getByText('A part of this document is not shown.').waitFor()
    await document.destroy()
    yDoc.destroy()
    return 'the pages leave it out, and say so'
  })
  console.log(`\n${[...ana.complaints, ...ben.complaints].length} errors in the two pages`)
} finally {
  for (const end of ends.reverse()) await end()
}

/** Runs one while Ben writes and Ana reads, and prints what has come of it. */
async function attack (name: string, run: () => Promise<string>): Promise<void> {
  const over = new AbortController()
  const [slowest, unhealthy, longest] = [longestWord(over.signal), failuresOfHealth(over.signal), longestTask()]
  const began = Date.now()
  const outcome = await run().catch((error: unknown) => `failed: ${String(error)}`)
  const seconds = ((Date.now() - began) / 1000).toFixed(1)
  over.abort()
  const meanwhile = `a word is with the other in ${await slowest} ms at most, no task of the page over ${await longest()} ms, /health fails ${await unhealthy} times`
  console.log(`| ${name} | ${outcome}, in ${seconds} s | ${meanwhile} |`)
}

/** Milliseconds until Ana reads what Ben writes, the longest of many times. */
async function longestWord (signal: AbortSignal): Promise<number> {
  let most = 0
  for (let index = 0; !signal.aborted; index++) {
    const word = `w${Date.now().toString(36)}${index}`
    const began = Date.now()
    await ben.write(`${word} `)
    await ana.reads(word)
    most = Math.max(most, Date.now() - began)
  }
  return most
}

async function failuresOfHealth (signal: AbortSignal): Promise<number> {
  let failures = 0
  while (!signal.aborted) {
    const isHealthy = await fetch(`${app.url}/health`).then(({ ok }) => ok, () => false)
    if (!isHealthy) failures++
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return failures
}

/** Milliseconds of Ana's page, from now until the function is called. */
function longestTask (): () => Promise<number> {
  const began = ana.page.evaluate(() => {
    const tasks: number[] = [0]
    new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) tasks.push(duration) }).observe({ entryTypes: ['longtask'] })
    Object.assign(window, { tasks })
  })
  return async () => {
    await began
    return Math.round(await ana.page.evaluate(() => Math.max(...(window as unknown as { tasks: number[] }).tasks)))
  }
}

function apiRequests (): number {
  return [...ana.sent, ...ben.sent].filter((text) => text.includes('/api/')).length
}

function nextAddress (): string {
  addresses++
  return `127.0.0.${addresses}`
}

/** Requests from an address of this machine. Resolve with the status. */
function from (localAddress: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 50 })
  ends.push(async () => agent.destroy())
  const request = async (method: string, path: string, sessionKey?: string, body?: object): Promise<{ status: number, text: string }> => {
    const request = http.request({
      host: '127.0.0.1',
      port: app.port,
      localAddress,
      agent,
      method,
      path,
      headers: { ...sessionKey !== undefined && { authorization: `Bearer ${sessionKey}` }, ...body && { 'content-type': 'application/json' } }
    })
    request.end(body && JSON.stringify(body))
    const [response] = await once(request, 'response') as [http.IncomingMessage]
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    return { status: response.statusCode ?? 0, text }
  }
  return Object.assign(async (...args: Parameters<typeof request>) => (await request(...args)).status, { request })
}

async function somebody (address = nextAddress()): Promise<[ReturnType<typeof from>, string]> {
  const send = from(address)
  const { text } = await send.request('POST', '/api/sessions', undefined, { name: 'Mallory' })
  return [send, (JSON.parse(text) as { sessionKey: string }).sessionKey]
}

async function all (times: number, send: (index: number) => Promise<number>): Promise<number[]> {
  return await Promise.all(Array.from({ length: times }, (_, index) => send(index)))
}

function counts (statuses: number[]): string {
  const numbers = new Map<number, number>()
  for (const status of statuses) numbers.set(status, (numbers.get(status) ?? 0) + 1)
  return [...numbers].sort(([one], [other]) => one - other).map(([status, count]) => `${count} answers of ${status}`).join(' and ')
}

async function open (url: string, localAddress: string): Promise<WebSocket | undefined> {
  const socket = new WebSocket(url, { localAddress })
  return await new Promise((resolve) => { socket.on('open', () => resolve(socket)).on('error', () => resolve(undefined)) })
}

async function rawClient (documentId: string, session?: string): Promise<RawClient> {
  const sessionKey = session ?? (await somebody())[1]
  const client = new RawClient(`${endpoint}/${documentId}?sessionKey=${sessionKey}`)
  await client.next('document')
  return client
}
