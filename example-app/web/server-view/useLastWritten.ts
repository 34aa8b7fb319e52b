import { useEffect, useState } from 'react'
import * as Y from 'yjs'
import type { OpenDocument } from '../sync/open-document.ts'

const shown = 160

/** The end of the paragraph that changed last, whoever wrote in it. */
export function useLastWritten ({ body }: OpenDocument): string {
  const [text, setText] = useState(() => endOf(lastText(body)))

  useEffect(() => {
    const look = (events: Array<Y.YEvent<Y.AbstractType<unknown>>>) => {
      const target = events.findLast((event) => event.target instanceof Y.XmlText)?.target
      setText(endOf(target instanceof Y.XmlText ? target : lastText(body)))
    }
    body.observeDeep(look as Parameters<typeof body.observeDeep>[0])
    return () => body.unobserveDeep(look as Parameters<typeof body.observeDeep>[0])
  }, [body])

  return text
}

function endOf (text: Y.XmlText | undefined): string {
  const words = (text?.toDelta() as Array<{ insert?: unknown }> | undefined)?.map(({ insert }) => typeof insert === 'string' ? insert : '').join('') ?? ''
  return words.length > shown ? `…${words.slice(-shown)}` : words
}

function lastText (parent: Y.XmlFragment): Y.XmlText | undefined {
  for (const child of parent.toArray().reverse()) {
    const found = child instanceof Y.XmlText ? child : child instanceof Y.XmlElement ? lastText(child) : undefined
    if (found !== undefined && found.length > 0) return found
  }
  return undefined
}
