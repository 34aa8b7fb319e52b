#!/usr/bin/env node
import { run } from './run.ts'

const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // A second one ends the process at once. Nothing is half-done then, either: the database rolls back.
  process.once(name, () => interrupt.abort())
}
process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  directory: process.cwd(),
  signal: interrupt.signal
})
