import { chainCommands, exitCode, lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands'
import { undoInputRule } from 'prosemirror-inputrules'
import type { MarkType, NodeType } from 'prosemirror-model'
import { liftListItem, sinkListItem, splitListItem, wrapInList } from 'prosemirror-schema-list'
import { Selection, type Command, type EditorState } from 'prosemirror-state'
import { addColumnAfter, addRowAfter, deleteColumn, deleteRow, deleteTable, goToNextCell, isInTable } from 'prosemirror-tables'
import { redoCommand, undoCommand } from 'y-prosemirror'
import { hasLink, toggleLink } from './link-commands.ts'
import { schema } from './schema.ts'

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

const lineBreak: Command = (state, dispatch) => {
  dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView())
  return true
}

export interface Tool {
  icon: string
  label: string
  /** As ProseMirror's keymap writes it. */
  keys?: string
  command: Command
  /** Where it is shown. Default: everywhere. */
  isShown?: (state: EditorState) => boolean
  /** Tools that change what the selection is are on or off. Undo and redo are neither. */
  isOn?: (state: EditorState) => boolean
}

function markTool (icon: string, label: string, keys: string, mark: MarkType): Tool {
  return {
    icon,
    label,
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
    { icon: 'undo', label: 'Undo', keys: 'Mod-z', command: undoCommand },
    { icon: 'redo', label: 'Redo', keys: 'Mod-Shift-z', command: redoCommand }
  ],
  [
    heading('heading1', 'Heading', 1),
    heading('heading2', 'Small heading', 2),
    heading('heading3', 'Smaller heading', 3)
  ],
  [
    markTool('bold', 'Bold', 'Mod-b', marks.strong),
    markTool('italic', 'Italic', 'Mod-i', marks.em),
    markTool('strike', 'Strikethrough', 'Mod-Shift-x', marks.strike),
    markTool('code', 'Code', 'Mod-e', marks.code),
    { icon: 'link', label: 'Link', keys: 'Mod-k', command: toggleLink, isOn: hasLink }
  ],
  [
    { icon: 'bullets', label: 'Bullet list', keys: 'Mod-Shift-8', command: toggleList(nodes.bullet_list), isOn: (s) => inside(s, nodes.bullet_list) },
    { icon: 'numbers', label: 'Numbered list', keys: 'Mod-Shift-7', command: toggleList(nodes.ordered_list), isOn: (s) => inside(s, nodes.ordered_list) },
    {
      icon: 'checks',
      label: 'Check list',
      keys: 'Mod-Shift-6',
      command: toggleList(nodes.check_list, nodes.check_item),
      isOn: (s) => inside(s, nodes.check_list)
    },
    { icon: 'quote', label: 'Quote', keys: 'Mod-Shift-9', command: toggleQuote, isOn: (s) => inside(s, nodes.blockquote) },
    { icon: 'codeblock', label: 'Code block', command: toggleBlock(nodes.code_block), isOn: (s) => inside(s, nodes.code_block) },
    { icon: 'table', label: 'Table', command: insertTable }
  ],
  [
    { icon: 'rowAfter', label: 'Add row below', command: addRowAfter, isShown: isInTable },
    { icon: 'columnAfter', label: 'Add column after', command: addColumnAfter, isShown: isInTable },
    { icon: 'rowDelete', label: 'Delete row', command: deleteRow, isShown: isInTable },
    { icon: 'columnDelete', label: 'Delete column', command: deleteColumn, isShown: isInTable },
    { icon: 'trash', label: 'Delete table', command: deleteTable, isShown: isInTable }
  ]
]

function heading (icon: string, label: string, level: number): Tool {
  return {
    icon,
    label,
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
