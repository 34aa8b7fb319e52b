// npm start: settings, database, app, and the way back when it is told to stop.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import { openDatabase } from './database.ts'
import { buildMetrics } from './metrics.ts'
import { readSettings } from './settings.ts'

const isTerminal = process.stdout.isTTY

/** What is open, and has to be closed in the reverse order. */
const open: Array<{ close (): Promise<unknown> }> = []
let stopAsked: number | undefined

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stopAsked === undefined) {
      stopAsked = performance.now()
      void starting.then(stop)
    } else if (signal === 'SIGINT' && performance.now() - stopAsked > 300) {
      // The second time, at once. Sooner than that it is the same Ctrl-C, once from the terminal and once passed on by npm.
      process.exit(1)
    }
  })
}

// npm passes signals on, and waits for the app. When npm is killed itself, the app ends, too: the next start wants its port and its data.
if (process.env.npm_lifecycle_event !== undefined) {
  const npm = process.ppid
  setInterval(() => { if (process.ppid !== npm) process.kill(process.pid, 'SIGTERM') }, 500).unref()
}

const starting = start().catch(async (error: Error) => {
  fail(error)
  await stop()
})

async function start (): Promise<void> {
  // In a terminal the lines below are enough, as long as nothing is wrong.
  const settings = readSettings(process.env, { LOG_LEVEL: isTerminal ? 'warn' : 'info' })
  const database = await openDatabase(settings)
  open.push(database)
  if (stopAsked !== undefined) return

  const metrics = settings.METRICS_PORT === undefined ? undefined : buildMetrics()
  if (metrics !== undefined) open.push(metrics.server)
  const app = await buildApp({
    connectionString: database.connectionString,
    // Its own database has one user.
    busUrl: settings.REDIS_URL ?? settings.DIRECT_URL ?? settings.DATABASE_URL,
    metrics: metrics?.registry,
    logLevel: settings.LOG_LEVEL,
    limits: settings,
    pretty: isTerminal
  })
  open.push(app)
  if (stopAsked !== undefined) return

  const metricsUrl = metrics && `${await listen(metrics.server, settings.HOST, settings.METRICS_PORT)}/metrics`
  const url = await listen(app, settings.HOST, settings.PORT)
  const documents = `${url.replace('http', 'ws')}/documents`
  app.log.info({ url, documents, database: database.description, metrics: metricsUrl }, 'Ready')
  if (isTerminal) {
    process.stdout.write([
      '',
      `  Open                 ${url}`,
      `  secsync clients      ${documents}`,
      `  Database             ${database.description}`,
      ...settings.REDIS_URL === undefined ? [] : [`  Other nodes          by way of Redis at ${new URL(settings.REDIS_URL).host}`],
      ...metricsUrl === undefined ? [] : [`  Metrics              ${metricsUrl}`],
      '  Stop                 Ctrl-C',
      '',
      ''
    ].join('\n'))
  }
}

/** Waits for a moment for another process that has the port, such as one that is just shutting down. */
async function listen (app: FastifyInstance, host: string, port = 0): Promise<string> {
  await app.ready()
  for (let tries = 0; ; tries++) {
    if (stopAsked !== undefined || port === 0 || tries === 50 || await isFree(host, port)) break
    await sleep(100)
  }
  return await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new Error(`Port ${port} is taken. Use another, or stop what has it`) : error
  })
}

/** Fastify does not try a second time. */
async function isFree (host: string, port: number): Promise<boolean> {
  const server = createServer().listen({ host, port })
  try {
    await once(server, 'listening')
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE'
  } finally {
    server.close()
  }
}

async function stop (): Promise<void> {
  for (const opened of open.splice(0).reverse()) await opened.close().catch(fail)
}

function fail (error: Error): void {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
