import { Plugin, TextSelection, type EditorState } from 'prosemirror-state'
import { ySyncPluginKey } from 'y-prosemirror'
import type * as Y from 'yjs'
import type { OpenDocument } from '../sync/open-document.ts'
import { behindLetter, positionOf } from './positions.ts'

/**
 * Keeps the cursor behind the letter before it. y-prosemirror keeps it before the letter behind it. So at the end of a paragraph it goes behind
 * what others write there, and the words of people who write at the same time are mixed letter by letter.
 */
export function ownCursor (open: OpenDocument): Plugin {
  let place: Y.RelativePosition | undefined
  return new Plugin({
    view: (view) => {
      // Not with each key of this person.
      const note = ({ local }: Y.Transaction) => { place = local ? undefined : placeOfCursor(view.state, open) }
      open.doc.on('beforeTransaction', note)
      return { destroy: () => open.doc.off('beforeTransaction', note) }
    },
    appendTransaction: (transactions, _before, state) => {
      if (place === undefined || !transactions.some((transaction) => isOfOthers(transaction.getMeta(ySyncPluginKey)))) return null
      const position = positionOf(state, place, open)
      if (position === undefined || position === state.selection.head || !state.selection.empty || !state.doc.resolve(position).parent.isTextblock) return null
      return state.tr.setSelection(TextSelection.create(state.doc, position))
    }
  })
}

function placeOfCursor (state: EditorState, open: OpenDocument): Y.RelativePosition | undefined {
  const { selection } = state
  if (!(selection instanceof TextSelection) || !selection.empty) return undefined
  try {
    return behindLetter(state, selection.head, open)
  } catch {
    // The document is behind the editor: this person is typing.
    return undefined
  }
}

function isOfOthers (change: { isChangeOrigin?: boolean, isUndoRedoOperation?: boolean } | undefined): boolean {
  return change?.isChangeOrigin === true && change.isUndoRedoOperation !== true
}
