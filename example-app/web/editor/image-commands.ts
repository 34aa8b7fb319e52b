import { NodeSelection, Selection, TextSelection, type Command, type EditorState } from 'prosemirror-state'
import type { EditorView } from 'prosemirror-view'
import type { ImageAttributes } from '../files/image-attributes.ts'
import { schema } from './schema.ts'

const { image, paragraph } = schema.nodes

/** Events of the editor's element: somebody wants to choose an image, or to describe the one that is selected. */
export const imageWanted = 'image-wanted'
export const descriptionWanted = 'description-wanted'

export function isImageSelected ({ selection }: EditorState): boolean {
  return selection instanceof NodeSelection && selection.node.type === image
}

export const wantImage: Command = (_state, dispatch, view) => {
  if (dispatch !== undefined) view?.dom.dispatchEvent(new Event(imageWanted))
  return true
}

export const wantDescription: Command = (state, dispatch, view) => {
  if (!isImageSelected(state)) return false
  if (dispatch !== undefined) view?.dom.dispatchEvent(new Event(descriptionWanted))
  return true
}

export const deleteImage: Command = (state, dispatch) => {
  if (!isImageSelected(state)) return false
  dispatch?.(state.tr.deleteSelection().scrollIntoView())
  return true
}

/** Puts an image where the cursor is, or at a position. The cursor is in the text after it then. */
export function insertImage ({ state, dispatch }: EditorView, attributes: ImageAttributes, at?: number): void {
  const { selection } = state
  const transaction = state.tr
  if (at === undefined && selection instanceof TextSelection) transaction.deleteSelection()
  const place = Math.min(at ?? transaction.mapping.map(selection.to), transaction.doc.content.size)
  transaction.replaceRangeWith(place, place, image.create(attributes))
  const [position] = placesOf(transaction.doc, attributes.file)
  if (position === undefined) return
  const after = transaction.doc.resolve(position + 1)
  if (after.nodeAfter === null || after.nodeAfter.isAtom) transaction.insert(after.pos, paragraph.create())
  dispatch(transaction.setSelection(Selection.near(transaction.doc.resolve(after.pos))).scrollIntoView())
}

/** Describes all images of a file. */
export function describeImage ({ state, dispatch }: EditorView, file: string, alt: string): void {
  const transaction = state.tr
  for (const position of placesOf(state.doc, file)) transaction.setNodeAttribute(position, 'alt', alt)
  dispatch(transaction)
}

export function removeImages ({ state, dispatch }: EditorView, file: string): void {
  const transaction = state.tr
  for (const position of placesOf(state.doc, file).reverse()) transaction.delete(position, position + 1)
  dispatch(transaction)
}

function placesOf (doc: EditorState['doc'], file: string): number[] {
  const places: number[] = []
  doc.descendants(({ type, attrs, isTextblock }, position) => {
    if (type === image && attrs.file === file) places.push(position)
    return !isTextblock
  })
  return places
}
