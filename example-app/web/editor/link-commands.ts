import { toggleMark } from 'prosemirror-commands'
import type { Command, EditorState } from 'prosemirror-state'
import { schema } from './schema.ts'

const { link } = schema.marks

/** The event of the editor's element when somebody wants to give an address. */
export const linkWanted = 'link-wanted'

export function hasLink ({ selection: { empty, $from, from, to }, doc }: EditorState): boolean {
  return empty ? link.isInSet($from.marks()) !== undefined : doc.rangeHasMark(from, to, link)
}

/** Whether there can be links in the selection. */
export function mayLink (state: EditorState): boolean {
  return toggleMark(link)(state)
}

/** Takes the link away that is there, or asks for the address of a new one. */
export const toggleLink: Command = (state, dispatch, view) => {
  if (!mayLink(state)) return false
  if (!hasLink(state)) {
    if (dispatch !== undefined) view?.dom.dispatchEvent(new Event(linkWanted))
    return true
  }
  const { from, to } = state.selection.empty ? extentOfLink(state) : state.selection
  dispatch?.(state.tr.removeMark(from, to, link))
  return true
}

/** Makes the selection a link. Without a selection, the address itself is inserted. */
export function setLink (href: string): Command {
  return (state, dispatch) => {
    const { from, to, empty } = state.selection
    const mark = link.create({ href })
    dispatch?.(empty ? state.tr.insert(from, schema.text(href, [mark])) : state.tr.addMark(from, to, mark))
    return true
  }
}

/** From where to where the link around the cursor goes. */
function extentOfLink ({ selection: { $from } }: EditorState): { from: number, to: number } {
  const mark = link.isInSet($from.marks())
  const { parent } = $from
  let from = $from.start()
  let to = from
  for (let index = 0; index < parent.childCount; index++) {
    const child = parent.child(index)
    const isSame = mark !== undefined && mark.isInSet(child.marks)
    if (!isSame && to >= $from.pos) break
    to += child.nodeSize
    if (!isSame) from = to
  }
  return { from, to }
}
