import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { EmbeddedPostgresFailed } from '../errors.ts'

const run = promisify(execFile)

/** Who runs the server. PostgreSQL refuses to run as root: then it is another user. */
export type ServerUser = { kind: 'ourselves' } | { kind: 'other', uid: number, gid: number }

export async function serverUser (): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return { kind: 'ourselves' }
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = async (option: '-u' | '-g'): Promise<number> => Number((await run('id', [option, name])).stdout)
      return { kind: 'other', uid: await id('-u'), gid: await id('-g') }
    } catch {}
  }
  throw new EmbeddedPostgresFailed('PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as')
}

/** The user to whom the data belong, whoever started the server first. */
export async function ownerOf (path: string): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return { kind: 'ourselves' }
  const { uid, gid } = await stat(path)
  return { kind: 'other', uid, gid }
}

/** Rejects with what the program printed. `paths` are those that it must be able to open. */
export async function runAs (user: ServerUser, program: string, args: string[], paths: string[]): Promise<void> {
  // The working directory may be closed to the user.
  const options = { cwd: '/', env: { PATH: process.env.PATH, LC_ALL: 'C' } }
  try {
    if (user.kind === 'ourselves') await run(program, args, options)
    else if (await areOpen([program, ...paths], user)) await run(program, args, { ...options, uid: user.uid, gid: user.gid })
    else await run('setpriv', [...readingEverything(user), program, ...args], options)
  } catch (error) {
    const { code, stderr, message } = error as Error & { code?: string | number, stderr?: string }
    const hint = code === 'ENOENT' && user.kind === 'other'
      ? `. Start as another user than root, or in a directory that everybody may open: user ${user.uid}, who runs PostgreSQL, may not open this one, and there is no setpriv to let it`
      : ''
    throw Object.assign(new EmbeddedPostgresFailed(`${stderr?.trim() || message}${hint}`), { cause: error })
  }
}

/**
 * Root's home, and all that is installed under a strict umask, is closed to others. The server keeps root's right to pass there: an
 * ambient capability, which also `access()` respects with this bit set. See capabilities(7).
 */
function readingEverything ({ uid, gid }: { uid: number, gid: number }): string[] {
  return [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--securebits=+no_setuid_fixup', '--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--']
}

async function areOpen (paths: string[], user: { uid: number, gid: number }): Promise<boolean> {
  for (let path of paths) {
    for (;;) {
      const { mode, uid, gid } = await stat(path)
      const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
      if ((mode >> shift & 0b101) !== 0b101) return false
      if (path === dirname(path)) break
      path = dirname(path)
    }
  }
  return true
}
