import type { EditorState } from 'prosemirror-state'
import { absolutePositionToRelativePosition, relativePositionToAbsolutePosition, ySyncPluginKey, type ProsemirrorBinding } from 'y-prosemirror'
import * as Y from 'yjs'
import type { OpenDocument } from '../sync/open-document.ts'

// Positions in the editor are numbers, and change with the text before them. Those of Yjs name the letter beside them.

type Text = Pick<OpenDocument, 'doc' | 'body'>

interface Sync { binding: ProsemirrorBinding | null, isChangeOrigin?: boolean }

/** What y-prosemirror knows of a state of the editor. */
export function syncOf (state: EditorState): Sync | undefined {
  return ySyncPluginKey.getState(state) as Sync | undefined
}

/** The place before the letter at a position. Undefined until the editor shows the document. */
export function beforeLetter (state: EditorState, position: number, { body }: Text): Y.RelativePosition | undefined {
  const mapping = syncOf(state)?.binding?.mapping
  return mapping && absolutePositionToRelativePosition(position, body, mapping) as Y.RelativePosition
}

/** The place behind the letter before a position: what others write there comes after it. */
export function behindLetter (state: EditorState, position: number, text: Text): Y.RelativePosition | undefined {
  const place = beforeLetter(state, position, text)
  const absolute = place && Y.createAbsolutePositionFromRelativePosition(place, text.doc)
  return absolute ? Y.createRelativePositionFromTypeIndex(absolute.type, absolute.index, -1) : place
}

/** Where such a place is now. Undefined if it is not in the text. */
export function positionOf (state: EditorState, place: Y.RelativePosition, { doc, body }: Text): number | undefined {
  const mapping = syncOf(state)?.binding?.mapping
  if (mapping === undefined) return undefined
  try {
    const position = relativePositionToAbsolutePosition(doc, body, place, mapping)
    return position === null || position > state.doc.content.size ? undefined : position
  } catch {
    // It names something that is no text.
    return undefined
  }
}
