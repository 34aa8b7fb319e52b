import { InputRule, inputRules, textblockTypeInputRule, wrappingInputRule } from 'prosemirror-inputrules'
import type { MarkType } from 'prosemirror-model'
import { TextSelection, type Plugin } from 'prosemirror-state'
import { safeAddress } from './links.ts'
import { schema } from './schema.ts'

const { nodes, marks } = schema

/** What people type who know Markdown. */
export function typingRules (): Plugin {
  return inputRules({
    rules: [
      textblockTypeInputRule(/^(#{1,3})\s$/, nodes.heading, (match) => ({ level: match[1]?.length })),
      wrappingInputRule(/^\s*>\s$/, nodes.blockquote),
      toCheckItem,
      wrappingInputRule(/^\s*\[ ?\]\s$/, nodes.check_list),
      wrappingInputRule(/^\s*[-+*]\s$/, nodes.bullet_list),
      wrappingInputRule(/^(\d+)\.\s$/, nodes.ordered_list, (match) => ({ order: Number(match[1]) })),
      textblockTypeInputRule(/^```$/, nodes.code_block),
      new InputRule(/^---$/, (state, _match, start, end) => state.tr.replaceRangeWith(start, end, nodes.horizontal_rule.create())),
      markRule(/\*\*(?=\S)([^*]*[^*\s])\*\*$/, marks.strong),
      markRule(/(?<!\*)\*(?=[^\s*])([^*]*[^*\s])\*$/, marks.em),
      markRule(/~~(?=\S)([^~]*[^~\s])~~$/, marks.strike),
      markRule(/`([^`]+)`$/, marks.code),
      linkRule,
      addressRule
    ]
  })
}

/** `- [ ] `: the list that `- ` has just made becomes a check list. */
const toCheckItem = new InputRule(/^\s*\[( ?|x)\]\s$/i, (state, match, start, end) => {
  const $start = state.doc.resolve(start)
  const list = $start.node(-2)
  if ($start.depth < 3 || list.type !== nodes.bullet_list || list.childCount > 1 || $start.index(-1) > 0) return null
  const transaction = state.tr.delete(start, end)
  const from = $start.before(-2)
  const item = transaction.doc.nodeAt(from + 1)
  const made = nodes.check_list.create(null, nodes.check_item.create({ checked: match[1]?.toLowerCase() === 'x' }, item?.content))
  transaction.replaceWith(from, from + (transaction.doc.nodeAt(from)?.nodeSize ?? 0), made)
  return transaction.setSelection(TextSelection.near(transaction.doc.resolve(from + 3)))
})

/** The marks around a text become its look. The last character of the match is not in the document yet. */
function markRule (pattern: RegExp, mark: MarkType): InputRule {
  return new InputRule(pattern, (state, match, start, end) => {
    const [all, text = ''] = match
    const from = start + all.indexOf(text)
    const transaction = state.tr
    if (from + text.length < end) transaction.delete(from + text.length, end)
    if (from > start) transaction.delete(start, from)
    return transaction.addMark(start, start + text.length, mark.create()).removeStoredMark(mark)
  })
}

/** `[text](address)` */
const linkRule = new InputRule(/(?<!!)\[([^[\]]+)\]\(([^()\s]+)\)$/, (state, [, text = '', address], start, end) => {
  const href = safeAddress(address)
  return href === undefined ? null : state.tr.replaceWith(start, end, schema.text(text, [marks.link.create({ href })])).removeStoredMark(marks.link)
})

/** An address and a space after it. */
const addressRule = new InputRule(/(?:^|\s)(https?:\/\/[^\s]+[^\s.,;:!?)])\s$/, (state, [all, address = ''], start, end) => {
  const href = safeAddress(address)
  if (href === undefined) return null
  const from = start + all.indexOf(address)
  return state.tr.addMark(from, from + address.length, marks.link.create({ href })).insertText(' ', end)
})
