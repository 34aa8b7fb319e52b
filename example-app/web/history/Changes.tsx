import { diffLines, diffWordsWithSpace } from 'diff'
import { useMemo } from 'react'
import type * as Y from 'yjs'
import { writeMarkdown } from '../editor/markdown.ts'
import { Reading } from '../editor/reading.ts'
import { titleOf } from '../sync/title.ts'
import { texts } from '../words/index.ts'

/** Milliseconds for finding words that differ. Beyond, lines are compared. */
const patience = 500

function textOf (doc: Y.Doc): string {
  return `${titleOf(doc) || texts().untitled}\n\n${writeMarkdown(new Reading().document(doc.getXmlFragment('body')))}\n`
}

/** What is new in a version since the one before it, and what is gone. Without one before it, all is new. */
export function Changes ({ before, doc }: { before: Y.Doc | undefined, doc: Y.Doc }) {
  const parts = useMemo(() => {
    const [old, now] = [before === undefined ? '' : textOf(before), textOf(doc)]
    return diffWordsWithSpace(old, now, { timeout: patience }) ?? diffLines(old, now)
  }, [before, doc])

  return (
    <article className='version-preview changes' aria-label={texts().history.whatChanged}>
      {parts.every(({ added, removed }) => !added && !removed) && <p>{texts().history.same}</p>}
      <div>
        {parts.map(({ value, added, removed }, index) => {
          if (added) return <ins key={index}>{value}</ins>
          if (removed) return <del key={index}>{value}</del>
          return <span key={index}>{shortened(value)}</span>
        })}
      </div>
    </article>
  )
}

/** Of what did not change, the lines next to a change are enough. */
function shortened (text: string): string {
  const lines = text.split('\n')
  return lines.length <= 12 ? text : [...lines.slice(0, 5), '…', ...lines.slice(-5)].join('\n')
}
