import { Plugin, PluginKey, type EditorState } from 'prosemirror-state'
import { Decoration, DecorationSet, type EditorView } from 'prosemirror-view'
import * as Y from 'yjs'
import { beforeLetter, behindLetter, positionOf, syncOf } from '../editor/positions.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { longest, type Place } from './comment.ts'

const key = new PluginKey<DecorationSet>('comments')

/** Marks the text that has comments, and says which conversations still have theirs. */
export function commentMarks (open: OpenDocument): Plugin {
  const { comments } = open
  return new Plugin<DecorationSet>({
    key,
    state: {
      init: () => DecorationSet.empty,
      apply: (transaction, marks, _before, state) => {
        // y-prosemirror has put a new document in the place of the old one, or the comments have changed.
        if (transaction.getMeta(key) !== undefined || syncOf(state)?.isChangeOrigin === true) return marksIn(state, open)
        return marks.map(transaction.mapping, transaction.doc)
      }
    },
    props: {
      decorations: (state) => key.getState(state),
      handleClick: (view, position) => {
        const id = idsIn(key.getState(view.state)?.find(position, position)).at(-1)
        if (id !== undefined) comments.shown.set(id)
        return false
      }
    },
    view: (view) => {
      const redraw = () => { if (!view.isDestroyed) view.dispatch(view.state.tr.setMeta(key, 'changed')) }
      const show = () => {
        redraw()
        view.dom.querySelector('.commented.shown')?.scrollIntoView({ block: 'center' })
      }
      const ends = [comments.conversations.subscribe(redraw), comments.shown.subscribe(show)]
      // The binding to the document is made in the next task.
      const timer = setTimeout(redraw)
      return {
        update: ({ state }, before) => {
          const marks = key.getState(state)
          if (marks !== key.getState(before)) noteOrder(comments.inText, idsIn(marks?.find()))
        },
        destroy: () => {
          clearTimeout(timer)
          for (const end of ends) end()
        }
      }
    }
  })
}

/** What is selected, to comment on it. Undefined if it has no text. */
export function placeOfSelection ({ state, state: { doc, selection: { from, to } } }: EditorView, open: OpenDocument): Place | undefined {
  const quote = doc.textBetween(from, to, ' ').trim()
  // What is written behind the selection is not meant.
  const [start, end] = [beforeLetter(state, from, open), behindLetter(state, to, open)]
  if (start === undefined || end === undefined || quote === '') return undefined
  return { from: Y.relativePositionToJSON(start), to: Y.relativePositionToJSON(end), quote: quote.slice(0, longest.quote) }
}

function marksIn (state: EditorState, open: OpenDocument): DecorationSet {
  const shown = open.comments.shown.get()
  return DecorationSet.create(state.doc, open.comments.conversations.get().flatMap(({ id, place, isResolved }) => {
    const [from, to] = [place.from, place.to].map((position) => positionOf(state, Y.createRelativePositionFromJSON(position), open))
    if (from === undefined || to === undefined || from >= to) return []
    // One that is resolved is not marked, and still has its place.
    return Decoration.inline(from, to, id === shown ? { class: 'commented shown' } : isResolved ? {} : { class: 'commented' }, { id })
  }))
}

function idsIn (marks: Decoration[] = []): string[] {
  return marks.toSorted((one, other) => one.from - other.from).map(({ spec }: { spec: { id?: string } }) => spec.id ?? '')
}

function noteOrder (inText: OpenDocument['comments']['inText'], ids: string[]): void {
  if (ids.join() !== inText.get().join()) inText.set(ids)
}
