// npm start: settings, database, app, and the way back when it is told to stop.
import { buildApp } from './app.ts'
import { openDatabase } from './database.ts'
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

// npm passes a SIGTERM on to the shell that it started us with, which ends without a word to us. So see whether it is there.
if (process.env.npm_lifecycle_event !== undefined) {
  const shell = process.ppid
  setInterval(() => { if (process.ppid !== shell) process.kill(process.pid, 'SIGTERM') }, 1000).unref()
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

  const app = await buildApp({ connectionString: database.connectionString, redisUrl: settings.REDIS_URL, logLevel: settings.LOG_LEVEL, pretty: isTerminal })
  open.push(app)
  if (stopAsked !== undefined) return

  const url = await app.listen({ host: settings.HOST, port: settings.PORT }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new Error(`Port ${settings.PORT} is taken. Set PORT to another, or stop what uses it`) : error
  })
  const documents = `${url.replace('http', 'ws')}/documents`
  app.log.info({ url, documents, database: database.description }, 'Ready')
  if (isTerminal) {
    process.stdout.write([
      '',
      `  Open                 ${url}`,
      `  secsync clients      ${documents}`,
      `  Database             ${database.description}`,
      ...settings.REDIS_URL === undefined ? [] : [`  Other nodes          by way of Redis at ${new URL(settings.REDIS_URL).host}`],
      '  Stop                 Ctrl-C',
      '',
      ''
    ].join('\n'))
  }
}

async function stop (): Promise<void> {
  for (const opened of open.splice(0).reverse()) await opened.close().catch(fail)
}

function fail (error: Error): void {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
