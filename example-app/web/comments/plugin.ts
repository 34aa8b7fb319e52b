import { Plugin, PluginKey, type EditorState } from 'prosemirror-state'
import { Decoration, DecorationSet, type EditorView } from 'prosemirror-view'
import { absolutePositionToRelativePosition, relativePositionToAbsolutePosition, ySyncPluginKey, type ProsemirrorBinding } from 'y-prosemirror'
import * as Y from 'yjs'
import type { OpenDocument } from '../sync/open-document.ts'
import { longest, type Place } from './comment.ts'

const key = new PluginKey<DecorationSet>('comments')

interface Sync { binding: ProsemirrorBinding | null, isChangeOrigin?: boolean }

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
        update: ({ state }) => { noteOrder(comments.inText, idsIn(key.getState(state)?.find())) },
        destroy: () => {
          clearTimeout(timer)
          for (const end of ends) end()
        }
      }
    }
  })
}

/** What is selected, to comment on it. Undefined if it has no text. */
export function placeOfSelection ({ state, state: { doc, selection: { from, to } } }: EditorView, { doc: yDoc, body }: OpenDocument): Place | undefined {
  const mapping = syncOf(state)?.binding?.mapping
  const quote = doc.textBetween(from, to, ' ').trim()
  if (mapping === undefined || quote === '') return undefined
  const start: Y.RelativePosition = absolutePositionToRelativePosition(from, body, mapping)
  const end: Y.RelativePosition = absolutePositionToRelativePosition(to, body, mapping)
  return { from: Y.relativePositionToJSON(start), to: Y.relativePositionToJSON(before(end, yDoc)), quote: quote.slice(0, longest.quote) }
}

/** It stays with the letter before it: what is written behind that is not meant. */
function before (position: Y.RelativePosition, doc: Y.Doc): Y.RelativePosition {
  const absolute = Y.createAbsolutePositionFromRelativePosition(position, doc)
  return absolute === null ? position : Y.createRelativePositionFromTypeIndex(absolute.type, absolute.index, -1)
}

function marksIn (state: EditorState, { doc: yDoc, body, comments }: OpenDocument): DecorationSet {
  const mapping = syncOf(state)?.binding?.mapping
  if (mapping === undefined) return DecorationSet.empty
  const shown = comments.shown.get()
  const positionOf = (position: unknown) => {
    try {
      return relativePositionToAbsolutePosition(yDoc, body, Y.createRelativePositionFromJSON(position), mapping)
    } catch {
      // It names something that is no text.
      return null
    }
  }
  return DecorationSet.create(state.doc, comments.conversations.get().flatMap(({ id, place, isResolved }) => {
    const [from, to] = [positionOf(place.from), positionOf(place.to)]
    if (from === null || to === null || from >= to || to > state.doc.content.size) return []
    // One that is resolved is not marked, and still has its place.
    return Decoration.inline(from, to, id === shown ? { class: 'commented shown' } : isResolved ? {} : { class: 'commented' }, { id })
  }))
}

function syncOf (state: EditorState): Sync | undefined {
  return ySyncPluginKey.getState(state) as Sync | undefined
}

function idsIn (marks: Decoration[] = []): string[] {
  return marks.toSorted((one, other) => one.from - other.from).map(({ spec }: { spec: { id?: string } }) => spec.id ?? '')
}

function noteOrder (inText: OpenDocument['comments']['inText'], ids: string[]): void {
  if (ids.join() !== inText.get().join()) inText.set(ids)
}
