import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether the process is one that was started with this argument: ids are used again, in a container already after a restart. */
export async function runs (pid: number, argument: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  const commandLine = await commandLineOf(pid)
  return commandLine === undefined || commandLine.includes(argument)
}

/** `undefined`: it is not known. That of a process that has ended and is not yet forgotten is empty. */
async function commandLineOf (pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return await readFile(`/proc/${pid}/cmdline`, 'utf8')
    if (process.platform === 'win32') return undefined
    return (await run('ps', ['-o', 'args=', '-p', `${pid}`])).stdout
  } catch {
    return isAlive(pid) ? undefined : ''
  }
}
