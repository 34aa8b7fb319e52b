import { Worker } from 'node:worker_threads'
import type { SnapshotRow, UpdateRow } from '../stores/rows.ts'
import { checkSnapshot, flawOfUpdate, type Flaw } from './message.ts'

export type CheckedSnapshot = ReturnType<typeof checkSnapshot>

/** Checks messages row by row: JSON, shape, signature, and that the row says the same. */
export interface Checker {
  snapshots (rows: SnapshotRow[]): Promise<CheckedSnapshot[]>
  /** The flaws by the index of their row. */
  updates (rows: UpdateRow[]): Promise<Map<number, Flaw>>
  /** Resolves once the checker is not far behind. */
  room (): Promise<void>
  close (): Promise<void>
}

export type Task = { kind: 'snapshots', rows: SnapshotRow[] } | { kind: 'updates', rows: UpdateRow[] }
export type Answer = { kind: 'snapshots', checked: CheckedSnapshot[] } | { kind: 'updates', flaws: Map<number, Flaw> }

export function perform (task: Task): Answer {
  return task.kind === 'snapshots'
    ? { kind: 'snapshots', checked: task.rows.map(checkSnapshot) }
    : { kind: 'updates', flaws: flawsOf(task.rows) }
}

function flawsOf (rows: UpdateRow[]): Map<number, Flaw> {
  const flaws = new Map<number, Flaw>()
  rows.forEach((row, index) => {
    const flaw = flawOfUpdate(row)
    if (flaw !== undefined) flaws.set(index, flaw)
  })
  return flaws
}

/** `workers`: number of threads. 0 checks in this one. */
export function createChecker (workers: number): Checker {
  return workers === 0 ? new OwnThread() : new Threads(workers)
}

class OwnThread implements Checker {
  async snapshots (rows: SnapshotRow[]): Promise<CheckedSnapshot[]> {
    return rows.map(checkSnapshot)
  }

  async updates (rows: UpdateRow[]): Promise<Map<number, Flaw>> {
    return flawsOf(rows)
  }

  async room (): Promise<void> {}
  async close (): Promise<void> {}
}

interface Job {
  task: Task
  bytes: number
  resolve (answer: Answer): void
  reject (error: Error): void
}

/** Rows that are sent to a thread at once. */
const maxChunk = 256
/** Chunks that a thread has at the same time, so that it never waits for the next one. */
const chunksPerThread = 2
/** Bytes of messages that wait for a thread, for each one. */
const maxWaitingBytes = 8 * 1024 * 1024

class Threads implements Checker {
  readonly #threads: Array<{ worker: Worker, chunks: Job[][] }>
  readonly #waiting: Job[] = []
  #waitingBytes = 0
  #wake: Array<() => void> = []
  #failed: Error | undefined

  constructor (count: number) {
    const file = import.meta.url.endsWith('.ts') ? 'thread.ts' : 'thread.js'
    this.#threads = Array.from({ length: count }, () => {
      const thread = { worker: new Worker(new URL(file, import.meta.url)), chunks: [] as Job[][] }
      thread.worker.on('message', (answers: Answer[]) => {
        const jobs = thread.chunks.shift() ?? []
        jobs.forEach((job, index) => {
          const answer = answers[index]
          if (answer !== undefined) job.resolve(answer)
        })
        this.#send()
      })
      thread.worker.on('error', (error) => this.#fail(error as Error))
      return thread
    })
  }

  async snapshots (rows: SnapshotRow[]): Promise<CheckedSnapshot[]> {
    const answer = await this.#ask({ kind: 'snapshots', rows })
    return answer.kind === 'snapshots' ? answer.checked : []
  }

  async updates (rows: UpdateRow[]): Promise<Map<number, Flaw>> {
    const answer = await this.#ask({ kind: 'updates', rows })
    return answer.kind === 'updates' ? answer.flaws : new Map()
  }

  async #ask (task: Task): Promise<Answer> {
    if (this.#failed !== undefined) throw this.#failed
    return await new Promise((resolve, reject) => {
      const bytes = task.rows.reduce((sum, { data }) => sum + (data?.length ?? 0), 0)
      this.#waiting.push({ task, bytes, resolve, reject })
      this.#waitingBytes += bytes
      this.#send()
    })
  }

  #send (): void {
    for (const { worker, chunks } of this.#threads) {
      while (chunks.length < chunksPerThread && this.#waiting.length > 0) {
        const chunk: Job[] = []
        for (let rows = 0; rows < maxChunk && this.#waiting.length > 0;) {
          const job = this.#waiting.shift()
          if (job === undefined) break
          chunk.push(job)
          rows += job.task.rows.length
        }
        this.#waitingBytes -= chunk.reduce((sum, { bytes }) => sum + bytes, 0)
        chunks.push(chunk)
        worker.postMessage(chunk.map(({ task }) => task))
      }
    }
    if (this.#hasRoom) for (const wake of this.#wake.splice(0)) wake()
  }

  get #hasRoom (): boolean {
    return this.#waitingBytes < maxWaitingBytes * this.#threads.length || this.#failed !== undefined
  }

  async room (): Promise<void> {
    if (!this.#hasRoom) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  #fail (error: Error): void {
    this.#failed ??= error
    const jobs = [...this.#threads.flatMap(({ chunks }) => chunks.splice(0).flat()), ...this.#waiting.splice(0)]
    for (const { reject } of jobs) reject(error)
    for (const wake of this.#wake.splice(0)) wake()
  }

  async close (): Promise<void> {
    await Promise.all(this.#threads.map(async ({ worker }) => await worker.terminate()))
  }
}
