import { chainCommands, exitCode, lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands'
import { undoInputRule } from 'prosemirror-inputrules'
import type { MarkType, NodeType } from 'prosemirror-model'
import { liftListItem, sinkListItem, splitListItem, wrapInList } from 'prosemirror-schema-list'
import { Selection, type Command, type EditorState } from 'prosemirror-state'
import { addColumnAfter, addRowAfter, deleteColumn, deleteRow, deleteTable, goToNextCell, isInTable } from 'prosemirror-tables'
import { redoCommand, undoCommand } from 'y-prosemirror'
import { deleteImage, isImageSelected, wantDescription, wantImage } from './image-commands.ts'
import { hasLink, toggleLink } from './link-commands.ts'
import { schema } from './schema.ts'
import type { Words } from '../words/index.ts'

const { nodes, marks } = schema

/** Is the cursor inside a node of this type (and, for a heading, of this level)? */
export function inside (state: EditorState, type: NodeType, level?: number): boolean {
  const { $from } = state.selection
  for (let depth = $from.depth; depth > 0; depth--) {
    const node = $from.node(depth)
    if (node.type === type && (level === undefined || node.attrs.level === level)) return true
  }
  return false
}

function toggleBlock (type: NodeType, attrs?: { level: number }): Command {
  return (state, dispatch) => inside(state, type, attrs?.level)
    ? setBlockType(nodes.paragraph)(state, dispatch)
    : setBlockType(type, attrs)(state, dispatch)
}

function toggleList (type: NodeType, item = nodes.list_item): Command {
  return (state, dispatch) => inside(state, type)
    ? liftListItem(item)(state, dispatch)
    : wrapInList(type)(state, dispatch)
}

const insertTable: Command = (state, dispatch) => {
  if (isInTable(state)) return false
  const row = (cell: NodeType) => nodes.table_row.create(null, [1, 2, 3].flatMap(() => cell.createAndFill() ?? []))
  const table = nodes.table.create(null, [row(nodes.table_header), row(nodes.table_cell), row(nodes.table_cell)])
  const transaction = state.tr.replaceSelectionWith(table)
  // Into the first cell.
  const { pos } = transaction.doc.resolve(transaction.mapping.map(state.selection.from, -1))
  dispatch?.(transaction.setSelection(Selection.near(transaction.doc.resolve(pos + 1))).scrollIntoView())
  return true
}

const toggleQuote: Command = (state, dispatch) => inside(state, nodes.blockquote)
  ? lift(state, dispatch)
  : wrapIn(nodes.blockquote)(state, dispatch)

/** Asks for a comment on the selection, and for the comments that are there. */
const wantComment: Command = (_state, dispatch, view) => {
  if (dispatch !== undefined) view?.dom.dispatchEvent(new Event(commentWanted))
  return true
}

const lineBreak: Command = (state, dispatch) => {
  dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView())
  return true
}

/** The event of the editor's element when somebody wants to write or see comments. */
export const commentWanted = 'comment-wanted'

export interface Tool {
  name: keyof Words['editor']['tools']
  /** Default: that of its name. */
  icon?: string
  /** As ProseMirror's keymap writes it. */
  keys?: string
  command: Command
  /** Where it is shown. Default: everywhere. */
  isShown?: (state: EditorState) => boolean
  /** Tools that change what the selection is are on or off. Undo and redo are neither. */
  isOn?: (state: EditorState) => boolean
}

function markTool (name: Tool['name'], keys: string, mark: MarkType): Tool {
  return {
    name,
    keys,
    command: toggleMark(mark),
    isOn: ({ selection: { empty, $from, from, to }, storedMarks, doc }) => empty
      ? mark.isInSet(storedMarks ?? $from.marks()) !== undefined
      : doc.rangeHasMark(from, to, mark)
  }
}

/** The toolbar, in groups. */
export const tools: Tool[][] = [
  [
    { name: 'undo', keys: 'Mod-z', command: undoCommand },
    { name: 'redo', keys: 'Mod-Shift-z', command: redoCommand }
  ],
  // Where a phone shows them, too: those for text are of no use then.
  [
    { name: 'describe', command: wantDescription, isShown: isImageSelected },
    { name: 'imageDelete', icon: 'trash', command: deleteImage, isShown: isImageSelected }
  ],
  [
    heading('heading1', 1),
    heading('heading2', 2),
    heading('heading3', 3)
  ],
  [
    markTool('bold', 'Mod-b', marks.strong),
    markTool('italic', 'Mod-i', marks.em),
    markTool('strike', 'Mod-Shift-x', marks.strike),
    markTool('code', 'Mod-e', marks.code),
    { name: 'link', keys: 'Mod-k', command: toggleLink, isOn: hasLink },
    { name: 'comment', keys: 'Mod-Alt-m', command: wantComment }
  ],
  [
    { name: 'bullets', keys: 'Mod-Shift-8', command: toggleList(nodes.bullet_list), isOn: (s) => inside(s, nodes.bullet_list) },
    { name: 'numbers', keys: 'Mod-Shift-7', command: toggleList(nodes.ordered_list), isOn: (s) => inside(s, nodes.ordered_list) },
    {
      name: 'checks',
      keys: 'Mod-Shift-6',
      command: toggleList(nodes.check_list, nodes.check_item),
      isOn: (s) => inside(s, nodes.check_list)
    },
    { name: 'quote', keys: 'Mod-Shift-9', command: toggleQuote, isOn: (s) => inside(s, nodes.blockquote) },
    { name: 'codeblock', command: toggleBlock(nodes.code_block), isOn: (s) => inside(s, nodes.code_block) },
    { name: 'table', command: insertTable },
    { name: 'image', command: wantImage }
  ],
  [
    { name: 'rowAfter', command: addRowAfter, isShown: isInTable },
    { name: 'columnAfter', command: addColumnAfter, isShown: isInTable },
    { name: 'rowDelete', command: deleteRow, isShown: isInTable },
    { name: 'columnDelete', command: deleteColumn, isShown: isInTable },
    { name: 'tableDelete', icon: 'trash', command: deleteTable, isShown: isInTable }
  ]
]

function heading (name: Tool['name'], level: number): Tool {
  return {
    name,
    keys: `Mod-Alt-${level}`,
    command: toggleBlock(nodes.heading, { level }),
    isOn: (state) => inside(state, nodes.heading, level)
  }
}

/** Outside of tables Tab is left alone: who uses the keyboard must be able to leave the text. */
export const keys: Record<string, Command> = {
  ...Object.fromEntries(tools.flat().flatMap(({ keys, command }) => keys === undefined ? [] : [[keys, command]])),
  'Mod-y': redoCommand,
  Backspace: undoInputRule,
  Tab: goToNextCell(1),
  'Shift-Tab': goToNextCell(-1),
  Enter: chainCommands(splitListItem(nodes.list_item), splitListItem(nodes.check_item, { checked: false })),
  'Mod-]': chainCommands(sinkListItem(nodes.list_item), sinkListItem(nodes.check_item)),
  'Mod-[': chainCommands(liftListItem(nodes.list_item), liftListItem(nodes.check_item)),
  'Shift-Enter': chainCommands(exitCode, lineBreak),
  'Mod-Enter': chainCommands(exitCode, lineBreak)
}
