import { readFile, type Read } from './files.ts'
import type { ImageAttributes } from './image-attributes.ts'
import { factsOf, isShowable } from './image-type.ts'

export type Trouble = Exclude<Read['outcome'], 'read'>

/** Files that are read at once. The others wait. */
const atOnce = 3
let running = 0
const waiting: Array<() => void> = []

/** An image of a document, as a blob that a browser can show. Its type is that of its bytes. */
export async function loadImage (documentId: string, { file, key, type }: ImageAttributes): Promise<Blob | Trouble> {
  if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
  running++
  try {
    const read = await readFile({ documentId, fileId: file }, key)
    if (read.outcome !== 'read') return read.outcome
    const facts = factsOf(read.bytes)
    return facts?.type === type && isShowable(facts) ? new Blob([read.bytes], { type }) : 'broken'
  } finally {
    running--
    waiting.shift()?.()
  }
}
