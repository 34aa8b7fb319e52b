// The processes of a run: a PostgreSQL of its own, with its default settings, so that what is committed is on disk; and the servers,
// one process each, with a database each.
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Profiler } from 'node:inspector'
import { fileURLToPath } from 'node:url'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { migrate } from 'fastify-secsync/migrate'
import { Cluster } from '../lib/embedded/cluster.ts'
import type { Commands } from './servers/process.ts'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * `redis` and `postgres` are the product with that bus: several of them have one database. `redis` needs REDIS_URL.
 * `prometheus` and `opentelemetry` are the product with these. `sqlite` is the product on a file of SQLite.
 */
export type ServerName = 'product' | 'sqlite' | 'redis' | 'postgres' | 'prometheus' | 'opentelemetry' | 'peer' | 'limit' | 'idle'

const products: ServerName[] = ['product', 'sqlite', 'redis', 'postgres', 'prometheus', 'opentelemetry']

/** A server under load. */
export class Server {
  readonly name: ServerName
  /** A WebSocket of a document is at `{url}/{documentId}`. */
  readonly url: string
  /** Of the product and the peer. */
  readonly database: pg.Pool | undefined
  readonly #process: ChildProcess

  constructor (name: ServerName, url: string, process: ChildProcess, database: pg.Pool | undefined) {
    this.name = name
    this.url = url
    this.database = database
    this.#process = process
  }

  async ask<T extends keyof Commands> (command: T): Promise<Awaited<ReturnType<Commands[T]>>> {
    this.#process.send(command)
    const [answer] = await messageOf(this.name, this.#process) as [Awaited<ReturnType<Commands[T]>>]
    return answer
  }

  async stop (): Promise<void> {
    await this.database?.end()
    if (this.#process.exitCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.disconnect()
    await exited
  }
}

async function messageOf (name: ServerName, process: ChildProcess): Promise<unknown[]> {
  const abort = new AbortController()
  const exited = once(process, 'exit', abort).then(() => { throw new Error(`The process of the ${name} has ended`) })
  try {
    return await Promise.race([once(process, 'message', abort), exited])
  } finally {
    abort.abort()
  }
}

export class Environment {
  readonly servers: Server[] = []
  /** CPU profiles of the product by scenario, when they are wanted. */
  profiles: Map<string, Profiler.Profile> | undefined
  readonly #cluster: Cluster
  /** Those that keep something. */
  readonly #databases = new Map<ServerName, Promise<string>>()

  private constructor (cluster: Cluster) {
    this.#cluster = cluster
  }

  static async start (names: ServerName[]): Promise<Environment> {
    const directory = await mkdtemp(join(tmpdir(), 'fastify-secsync-bench-'))
    // Whatever happens to this process, PostgreSQL ends with it.
    spawn(process.execPath, [join(root, 'test/fixtures/postgres-keeper.js'), `${process.pid}`, directory], { detached: true, stdio: 'ignore' }).unref()
    const cluster = new Cluster(directory)
    await cluster.create()
    await cluster.start()
    const environment = new Environment(cluster)
    try {
      for (const name of names) environment.servers.push(await environment.#startServer(name))
    } catch (error) {
      await environment.stop()
      throw error
    }
    return environment
  }

  /** Whether commits go to a disk. A temporary directory in memory would make them cheap: set TMPDIR to one that is not. */
  async isDurable (): Promise<boolean> {
    const tmpfs = 0x01021994
    return (await statfs(this.#cluster.directory)).type !== tmpfs
  }

  server (name: ServerName): Server {
    const server = this.servers.find((server) => server.name === name)
    if (server === undefined) throw new Error(`The server ${name} has not been started`)
    return server
  }

  async #startServer (name: ServerName): Promise<Server> {
    const database = await this.#databaseOf(name)
    const { REDIS_URL, ...env } = process.env
    const child = fork(new URL(`servers/${products.includes(name) ? 'product' : name}.js`, import.meta.url), {
      execArgv: ['--expose-gc'],
      env: { ...env, NODE_ENV: 'production', TELEMETRY: name, BUS: name, ...database && { DATABASE_URL: database }, ...name === 'redis' && { REDIS_URL } }
    })
    const [port] = await messageOf(name, child) as [number]
    return new Server(name, `ws://127.0.0.1:${port}`, child, database === undefined || name === 'sqlite' ? undefined : new pg.Pool({ connectionString: database, max: 1 }))
  }

  async #databaseOf (name: ServerName): Promise<string | undefined> {
    if (name === 'limit' || name === 'idle') return undefined
    if (!this.#databases.has(name)) this.#databases.set(name, this.#createDatabase(name))
    return await this.#databases.get(name)
  }

  async #createDatabase (name: string): Promise<string> {
    if (name === 'sqlite') {
      const url = `file:${join(this.#cluster.directory, 'documents.db')}`
      await migrate({ adapter: new PrismaLibSql({ url }) })
      return url
    }
    const client = new pg.Client({ connectionString: this.#cluster.connectionString })
    await client.connect()
    await client.query(`CREATE DATABASE bench_${name}`)
    await client.end()
    const connectionString = Object.assign(new URL(this.#cluster.connectionString), { pathname: `bench_${name}` }).href
    await migrate({ adapter: new PrismaPg({ connectionString }) })
    return connectionString
  }

  /** Microseconds of CPU of all processes of PostgreSQL since their start. Not a number where there is no /proc. */
  async databaseCpu (): Promise<number> {
    if (!existsSync('/proc/self/stat')) return NaN
    const postmaster = await this.#cluster.process()
    let ticks = 0
    for (const pid of readdirSync('/proc')) {
      try {
        const fields = readFileSync(`/proc/${Number(pid)}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
        if (fields[1] === `${postmaster}`) ticks += Number(fields[11]) + Number(fields[12])
        // Those that have ended.
        if (Number(pid) === postmaster) ticks += Number(fields[13]) + Number(fields[14])
      } catch {
        // No process, or one that has just ended.
      }
    }
    // A tick is 10 ms on every Linux.
    return ticks * 10_000
  }

  async stop (): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()))
    await this.#cluster.stop('immediate')
    await rm(this.#cluster.directory, { recursive: true, force: true })
  }
}
