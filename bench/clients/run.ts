// One client in a process of its own: measures one thing, tells its parent, and ends.
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { textName, untilLength, type ClientName, type Open } from './client.ts'

export interface Task {
  client: ClientName
  url: string
  /** `{prefix}-0`, `{prefix}-1`, … for `memory`. */
  documentId: string
  what: 'load' | 'keys' | 'receive' | 'memory'
  /** Characters that the document has; of `receive` at the end. */
  length: number
  /** Of `keys`: how many; of `receive`: characters that are there at the beginning; of `memory`: documents. */
  count: number
}

// Node 20 has no WebSocket of its own.
Object.assign(globalThis, { WebSocket })

const task = JSON.parse(process.argv[2]!) as Task
const { url, documentId, length, count } = task
const { open } = await import(task.client === 'ours' ? './ours.js' : './published.js') as { open: Open }

/** Milliseconds until the text is there, and milliseconds of CPU. */
async function load (): Promise<[number, number]> {
  const [start, startOfCpu] = [performance.now(), cpu()]
  await untilLength(open(url, documentId).yDoc, length)
  return [performance.now() - start, (cpu() - startOfCpu) / 1000]
}

/** Milliseconds from a key press in one client until another has the character, of each. */
async function keys (): Promise<number[]> {
  const [writer, reader] = [open(url, documentId).yDoc, open(url, documentId).yDoc]
  await Promise.all([writer, reader].map((yDoc) => untilLength(yDoc, length)))
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    // Nobody types faster.
    await sleep(60)
    const start = performance.now()
    writer.getText(textName).insert(0, 'k')
    await untilLength(reader, length + index + 1)
    times.push(performance.now() - start)
  }
  return times
}

/** Microseconds of CPU for each update that comes while the document is open. */
async function receive (): Promise<[number]> {
  const { yDoc } = open(url, documentId)
  await untilLength(yDoc, count)
  await sleep(500)
  const start = cpu()
  process.send!({ ready: true })
  await untilLength(yDoc, length)
  return [(cpu() - start) / (length - count)]
}

/** Kilobytes of memory for each open document. */
async function memory (): Promise<[number]> {
  const load = async (index: number): Promise<unknown> => {
    const client = open(url, `${documentId}-${index}`)
    await untilLength(client.yDoc, length)
    return client
  }
  const clients = [await load(0)]
  const before = await used()
  for (let index = 1; index <= count; index++) clients.push(await load(index))
  const after = await used()
  return [(after - before) / (clients.length - 1) / 1024]
}

async function used (): Promise<number> {
  await sleep(500)
  globalThis.gc!()
  await sleep(100)
  globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function cpu (): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

const result = await { load, keys, receive, memory }[task.what]()
process.send!({ result }, () => process.exit())
