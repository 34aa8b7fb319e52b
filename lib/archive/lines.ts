import { createGunzip } from 'node:zlib'
import type { Hash } from 'node:crypto'

/** A line without its "\n". */
export interface TextLine {
  number: number
  text: string
  bytes: Buffer
}

/** Longer than any message that a server accepts by default, eight times. */
const maxLineBytes = 128 * 1024 * 1024

/**
 * Splits a stream into lines, after it was decompressed if it is gzip. A last line without "\n" is one, too: `isCut` tells. The error of a stream
 * that is damaged or cut is thrown behind its last whole line.
 */
export class Lines {
  isCut = false
  readonly #source: AsyncIterable<Buffer>

  constructor (source: AsyncIterable<Buffer>) {
    this.#source = source
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<TextLine> {
    let number = 0
    let pending: Buffer[] = []
    let pendingBytes = 0
    for await (const chunk of decompressed(this.#source)) {
      let start = 0
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
        const bytes = Buffer.concat([...pending, chunk.subarray(start, end)])
        pending = []
        pendingBytes = 0
        start = end + 1
        yield { number: ++number, text: bytes.toString(), bytes }
      }
      if (start === chunk.length) continue
      pending.push(chunk.subarray(start))
      pendingBytes += chunk.length - start
      if (pendingBytes > maxLineBytes) throw new Error(`line ${number + 1} has more than ${maxLineBytes} bytes`)
    }
    if (pendingBytes === 0) return
    this.isCut = true
    const bytes = Buffer.concat(pending)
    yield { number: ++number, text: bytes.toString(), bytes }
  }
}

export function addLine (hash: Hash | undefined, { bytes }: TextLine): void {
  hash?.update(bytes).update('\n')
}

async function * decompressed (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done === true) return
  const all = prepended(first.value, iterator)
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield * all
    return
  }
  const gunzip = createGunzip()
  const feeding = (async () => {
    for await (const chunk of all) {
      if (gunzip.destroyed) return
      if (!gunzip.write(chunk)) await new Promise<void>((resolve) => gunzip.once('drain', resolve).once('close', resolve))
    }
    gunzip.end()
  })().catch((error: unknown) => { gunzip.destroy(error as Error) })
  try {
    for await (const chunk of gunzip) yield chunk as Buffer
  } finally {
    gunzip.destroy()
    await feeding
  }
}

async function * prepended (first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}
