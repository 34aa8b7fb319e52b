import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'

/** Defines one test, as `test` of `node:test`, tap and most others do. */
export type DefineTest = (name: string, run: () => Promise<void>) => unknown

/** Milliseconds that a suite waits for something. Long, because test machines are busy. */
const limit = 20_000

/** Waits until the condition is true. Throws with the text if it does not become true. */
export async function until (condition: () => boolean, text: string): Promise<void> {
  const deadline = performance.now() + limit
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited ${limit / 1000} seconds in vain: ${text}`)
    await sleep(5)
  }
}

const write = (): void => {}

/** A log that writes nothing. */
export const silentLog: FastifyBaseLogger = {
  level: 'silent', fatal: write, error: write, warn: write, info: write, debug: write, trace: write, silent: write, child: () => silentLog
}
