import type { Server } from 'node:http'
import { Session } from 'node:inspector/promises'
import type { AddressInfo } from 'node:net'

/** What a server process says of itself when it is asked. */
export interface Usage {
  /** Microseconds of CPU since its start. */
  cpu: number
  /** Bytes that live objects take, in and outside of the JavaScript heap. */
  live: number
}

/** What a server process does when it is asked. */
const commands = {
  usage,
  collectGarbage: () => globalThis.gc!(),
  async startProfile () {
    profiler.connect()
    await profiler.post('Profiler.enable')
    await profiler.post('Profiler.start')
  },
  async stopProfile () {
    const { profile } = await profiler.post('Profiler.stop')
    profiler.disconnect()
    return profile
  }
}

export type Commands = typeof commands

const profiler = new Session()

/** Tells the bench the port, does what it asks for, and ends with it. */
export function serve (server: Server): void {
  const { port } = server.address() as AddressInfo
  process.on('message', async (command: keyof Commands) => { process.send!(await commands[command]() ?? null) })
  process.on('disconnect', () => process.exit())
  process.send!(port)
}

function usage (): Usage {
  const { user, system } = process.cpuUsage()
  const { heapUsed, external } = process.memoryUsage()
  return { cpu: user + system, live: heapUsed + external }
}
