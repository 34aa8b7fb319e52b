import type { Readable, Writable } from 'node:stream'
import { SingleBar } from 'cli-progress'

/** What a command has of the process that it runs in. */
export interface Io {
  stdin: Readable
  stdout: Writable & { isTTY?: boolean }
  stderr: Writable & { isTTY?: boolean }
  env: Record<string, string | undefined>
  /** Where the user has called it. */
  directory: string
  /** Aborted by Ctrl-C. */
  signal: AbortSignal
}

export const exitCodes = { ok: 0, found: 1, failed: 2, interrupted: 130 } as const
export type ExitCode = typeof exitCodes[keyof typeof exitCodes]

/** What a command says: lines for people on a terminal or in a log, or JSON, a line each. Results go to stdout, all else to stderr. */
export class Report {
  readonly #io: Io
  readonly #isJson: boolean
  /** The archive goes to stdout: results go to stderr then. */
  readonly #output: Writable
  #bar: SingleBar | undefined

  constructor (io: Io, isJson: boolean, output: Writable = io.stdout) {
    this.#io = io
    this.#isJson = isJson
    this.#output = output
  }

  /** One result. `text` is what a person reads. */
  result (json: object, text: string | undefined): void {
    if (this.#isJson) this.#output.write(`${JSON.stringify(json)}\n`)
    else if (text !== undefined) this.#above(() => this.#output.write(`${text}\n`))
  }

  note (text: string): void {
    if (!this.#isJson) this.#above(() => this.#io.stderr.write(`${text}\n`))
  }

  /** On a terminal only. `total` is an estimate. */
  start (unit: string, total: number): void {
    if (this.#isJson || this.#io.stderr.isTTY !== true) return
    this.#bar = new SingleBar({
      format: `{bar} {percentage}% | {value} of about {total} ${unit} | {eta_formatted} left`, stream: this.#io.stderr, hideCursor: true, clearOnComplete: true, etaBuffer: 100
    })
    this.#bar.start(total, 0)
  }

  readonly advance = (by: number): void => {
    this.#bar?.increment(by)
  }

  end (): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  /** The bar has the last line of a terminal. */
  #above (write: () => void): void {
    if (this.#bar !== undefined) this.#io.stderr.write('\r\u001b[K')
    write()
    this.#bar?.render()
  }
}

/** Ends with an error once the signal is aborted, between two values: whatever was begun is rolled back by its `finally`. */
export async function * until<T> (signal: AbortSignal, values: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const value of values) {
    signal.throwIfAborted()
    yield value
  }
}
