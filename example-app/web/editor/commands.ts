import { chainCommands, exitCode, lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands'
import {
  InputRule, inputRules, textblockTypeInputRule, wrappingInputRule, undoInputRule
} from 'prosemirror-inputrules'
import type { MarkType, NodeType } from 'prosemirror-model'
import { liftListItem, sinkListItem, splitListItem, wrapInList } from 'prosemirror-schema-list'
import type { Command, EditorState, Plugin } from 'prosemirror-state'
import { redoCommand, undoCommand } from 'y-prosemirror'
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

function toggleList (type: NodeType): Command {
  return (state, dispatch) => inside(state, type)
    ? liftListItem(nodes.list_item)(state, dispatch)
    : wrapInList(type)(state, dispatch)
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
    heading('heading2', 'Small heading', 2)
  ],
  [
    markTool('bold', 'Bold', 'Mod-b', marks.strong),
    markTool('italic', 'Italic', 'Mod-i', marks.em),
    markTool('strike', 'Strikethrough', 'Mod-Shift-x', marks.strike),
    markTool('code', 'Code', 'Mod-e', marks.code)
  ],
  [
    { icon: 'bullets', label: 'Bullet list', keys: 'Mod-Shift-8', command: toggleList(nodes.bullet_list), isOn: (s) => inside(s, nodes.bullet_list) },
    { icon: 'numbers', label: 'Numbered list', keys: 'Mod-Shift-7', command: toggleList(nodes.ordered_list), isOn: (s) => inside(s, nodes.ordered_list) },
    { icon: 'quote', label: 'Quote', keys: 'Mod-Shift-9', command: toggleQuote, isOn: (s) => inside(s, nodes.blockquote) },
    { icon: 'codeblock', label: 'Code block', command: toggleBlock(nodes.code_block), isOn: (s) => inside(s, nodes.code_block) }
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

/** Tab is left alone: who uses the keyboard must be able to leave the text. */
export const keys: Record<string, Command> = {
  ...Object.fromEntries(tools.flat().flatMap(({ keys, command }) => keys === undefined ? [] : [[keys, command]])),
  'Mod-y': redoCommand,
  Backspace: undoInputRule,
  Enter: splitListItem(nodes.list_item),
  'Mod-]': sinkListItem(nodes.list_item),
  'Mod-[': liftListItem(nodes.list_item),
  'Shift-Enter': chainCommands(exitCode, lineBreak),
  'Mod-Enter': chainCommands(exitCode, lineBreak)
}

/** What people type who know Markdown. */
export function typingRules (): Plugin {
  return inputRules({
    rules: [
      textblockTypeInputRule(/^(#{1,3})\s$/, nodes.heading, (match) => ({ level: match[1]?.length })),
      wrappingInputRule(/^\s*>\s$/, nodes.blockquote),
      wrappingInputRule(/^\s*[-+*]\s$/, nodes.bullet_list),
      wrappingInputRule(/^(\d+)\.\s$/, nodes.ordered_list, (match) => ({ order: Number(match[1]) })),
      textblockTypeInputRule(/^```$/, nodes.code_block),
      new InputRule(/^---$/, (state, _match, start, end) => state.tr.replaceRangeWith(start, end, nodes.horizontal_rule.create()))
    ]
  })
}
