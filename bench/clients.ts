// This package's client next to the published one, with the same documents on the same server: `npm run bench:client`.
//   --long    and a load of 50,000 updates
//   --write   and the table in docs/performance.md
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ClientName } from './clients/client.ts'
import { EditorInBrowser } from './clients/editor.ts'
import { kilobytesInPage } from './clients/page.ts'
import type { Task } from './clients/run.ts'
import { Typist } from './clients/typist.ts'
import { Environment, root } from './environment.ts'

const { values: { long, write } } = parseArgs({ options: { long: { type: 'boolean' }, write: { type: 'boolean' } } })
const names: ClientName[] = ['published', 'ours']
const rounds = 3

interface Row {
  title: string
  unit: string
  figures: Partial<Record<ClientName, number>>
}

const rows: Row[] = []
const environment = await Environment.start(['product'])
try {
  const { url } = environment.server('product')
  await mkdir(join(root, 'bench/results'), { recursive: true })

  for (const count of long === true ? [1000, 10_000, 50_000] : [1000, 10_000]) {
    const documentId = randomUUID()
    const typist = await Typist.open(url, documentId)
    await typist.save(typist.type(count))
    await typist.close()
    const wall: Row = { title: `Load of ${count.toLocaleString('en')} updates`, unit: 'ms', figures: {} }
    const cpu: Row = { title: '… CPU', unit: 'ms', figures: {} }
    const loads: Record<ClientName, Array<[number, number]>> = { ours: [], published: [] }
    for (let round = 0; round < (count > 10_000 ? 1 : rounds); round++) {
      // In turn: the machine may have other work at any time.
      for (const client of names) loads[client].push(await run({ client, url, documentId, what: 'load', length: count + 1, count: 0 }) as [number, number])
    }
    for (const client of names) {
      wall.figures[client] = median(loads[client].map(([milliseconds]) => milliseconds))
      cpu.figures[client] = median(loads[client].map(([, milliseconds]) => milliseconds))
    }
    rows.push(wall, cpu)
  }

  const browser = await EditorInBrowser.start()
  try {
    for (const count of long === true ? [1000, 10_000, 50_000] : [1000]) {
      const documentId = randomUUID()
      const typist = await Typist.open(url, documentId, { hasEditor: true })
      await typist.save(typist.type(count))
      await typist.close()
      const shown: Row = { title: `… shown in an editor, ${count.toLocaleString('en')} updates`, unit: 'ms', figures: {} }
      for (const client of names) shown.figures[client] = await browser.load({ client, url, documentId, length: count + 1 })
      rows.push(shown)
    }
  } finally {
    await browser.stop()
  }

  const pressed: Row = { title: 'Key press to the other client, p50', unit: 'ms', figures: {} }
  const slowest: Row = { title: '… p99', unit: 'ms', figures: {} }
  const received: Row = { title: 'CPU of a received update', unit: 'µs', figures: {} }
  const memory: Row = { title: 'Memory of an open document with 100 updates', unit: 'kB', figures: {} }
  const documents = 50
  const prefix = randomUUID()
  for (let index = 0; index <= documents; index++) {
    const typist = await Typist.open(url, `${prefix}-${index}`)
    await typist.save(typist.type(100))
    await typist.close()
  }
  const page: Row = { title: 'JavaScript in a page, minified, gzip', unit: 'kB', figures: {} }
  for (const client of names) {
    const keysId = randomUUID()
    await (await Typist.open(url, keysId)).close()
    const times = await run({ client, url, documentId: keysId, what: 'keys', length: 1, count: 100 })
    pressed.figures[client] = quantile(times, 0.5)
    slowest.figures[client] = quantile(times, 0.99)

    const receiveId = randomUUID()
    const typist = await Typist.open(url, receiveId)
    const updates = typist.type(1500)
    const [microseconds] = await run({ client, url, documentId: receiveId, what: 'receive', length: 1501, count: 1 }, () => typist.sendSlowly(updates, 20))
    received.figures[client] = microseconds!
    await typist.close()

    memory.figures[client] = (await run({ client, url, documentId: prefix, what: 'memory', length: 101, count: documents }))[0]!
    page.figures[client] = await kilobytesInPage(client, root)
  }
  rows.push(pressed, slowest, received, memory, page)

  const text = table(rows)
  console.log(text)
  if (write === true) {
    const path = join(root, 'docs/performance.md')
    const document = await readFile(path, 'utf8')
    await writeFile(path, document.replace(/(<!-- npm run bench:client -- --long --write -->\n).*?\n\n/s, `$1${text}\n\n`))
  }
} finally {
  await environment.stop()
}

/** What a client measures in a process of its own. */
async function run (task: Task, whenReady: () => Promise<void> = async () => {}): Promise<number[]> {
  const child = fork(new URL('./clients/run.js', import.meta.url), [JSON.stringify(task)], { execArgv: ['--expose-gc'], env: { ...process.env, NODE_ENV: 'production' } })
  try {
    return await new Promise((resolve, reject) => {
      child.on('message', (message: { ready?: true, result?: number[] }) => {
        if (message.ready === true) whenReady().catch(reject)
        if (message.result !== undefined) resolve(message.result)
      })
      child.on('exit', () => reject(new Error(`The ${task.client} client has ended: ${task.what}`)))
    })
  } finally {
    child.kill()
  }
}

function quantile (values: number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(part * values.length)]!
}

function median (values: number[]): number {
  return quantile(values, 0.5)
}

function table (rows: Row[]): string {
  const cells = rows.map(({ title, unit, figures: { ours, published } }) => [
    title,
    figure(ours, unit),
    figure(published, unit),
    ours === undefined || published === undefined ? '' : `${(published / ours).toPrecision(2)} ×`
  ])
  const lines = [['', 'ours', 'published', 'published / ours'], ...cells]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const text = lines.map((line) => `| ${line.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join(' | ')} |`)
  const rule = `| ${widths.map((width, column) => column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`).join(' | ')} |`
  return [text[0], rule, ...text.slice(1)].join('\n')
}

function figure (value: number | undefined, unit: string): string {
  if (value === undefined) return ''
  return `${value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(2)} ${unit}`
}
