import type * as Y from 'yjs'

/** A client with an open document of Yjs, as an application has it. */
export interface OpenClient {
  readonly yDoc: Y.Doc
  end (): void
}

export type Open = (url: string, documentId: string) => OpenClient

export type ClientName = 'ours' | 'published'

/** Everybody's, in these benchmarks. */
export const key = new Uint8Array(32).fill(7)

export const textName = 'text'
export const fragmentName = 'fragment'

/** Resolves when the text has so many characters. */
export async function untilLength (yDoc: Y.Doc, length: number): Promise<void> {
  const text = yDoc.getText(textName)
  if (text.length >= length) return
  await new Promise<void>((resolve) => {
    const check = (): void => {
      if (text.length < length) return
      yDoc.off('afterTransaction', check)
      resolve()
    }
    yDoc.on('afterTransaction', check)
  })
}
