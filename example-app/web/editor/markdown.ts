import MarkdownIt, { type StateCore, type Token } from 'markdown-it'
import type { Node } from 'prosemirror-model'
import { defaultMarkdownSerializer, MarkdownParser, MarkdownSerializer, type MarkdownSerializerState } from 'prosemirror-markdown'
import { inText } from './image-node.ts'
import { safeAddress } from './links.ts'
import { schema } from './schema.ts'

// CommonMark with the tables, check lists and strikethrough of GitHub. HTML in it is text.

const markdownIt = MarkdownIt('commonmark', { html: false }).enable(['table', 'strikethrough']).disable(['image'])

/** Cells have paragraphs here, and only text in Markdown. */
markdownIt.core.ruler.push('paragraphs in cells', ({ tokens, Token }: StateCore) => {
  for (let index = tokens.length - 1; index >= 0; index--) {
    const type = tokens[index]?.type
    if (type === 'th_open' || type === 'td_open') tokens.splice(index + 1, 0, new Token('paragraph_open', 'p', 1))
    if (type === 'th_close' || type === 'td_close') tokens.splice(index, 0, new Token('paragraph_close', 'p', -1))
  }
})

const box = /^\[([ xX])\]\s+/

/** A list is a check list if each of its items begins with a box. */
markdownIt.core.ruler.push('check lists', ({ tokens }: StateCore) => {
  for (const [open, token] of tokens.entries()) {
    if (token.type !== 'bullet_list_open') continue
    const close = tokens.findIndex(({ type, level }, index) => index > open && type === 'bullet_list_close' && level === token.level)
    const items = tokens.slice(open, close).filter(({ type, level }) => type.startsWith('list_item_') && level === token.level + 1)
    const first = (item: Token) => tokens[tokens.indexOf(item) + 2]
    const opens = items.filter(({ nesting }) => nesting === 1)
    if (!opens.every((item) => first(item)?.type === 'inline' && box.test(first(item)?.content ?? ''))) continue
    for (const item of opens) {
      const inline = first(item)
      item.attrSet('checked', String(/x/i.test(box.exec(inline?.content ?? '')?.[1] ?? '')))
      const text = inline?.children?.[0]
      if (text !== undefined) text.content = text.content.replace(box, '')
    }
    for (const item of items) item.type = item.type.replace('list_item', 'check_item')
    for (const end of [token, tokens[close]]) if (end !== undefined) end.type = end.type.replace('bullet_list', 'check_list')
  }
})

const parser = new MarkdownParser(schema, markdownIt, {
  blockquote: { block: 'blockquote' },
  paragraph: { block: 'paragraph' },
  list_item: { block: 'list_item' },
  bullet_list: { block: 'bullet_list' },
  ordered_list: { block: 'ordered_list', getAttrs: (token) => ({ order: Number(token.attrGet('start') ?? 1) }) },
  check_list: { block: 'check_list' },
  check_item: { block: 'check_item', getAttrs: (token) => ({ checked: token.attrGet('checked') === 'true' }) },
  heading: { block: 'heading', getAttrs: ({ tag }) => ({ level: Math.min(Number(tag.slice(1)), 3) }) },
  code_block: { block: 'code_block', noCloseToken: true },
  fence: { block: 'code_block', noCloseToken: true },
  hr: { node: 'horizontal_rule' },
  hardbreak: { node: 'hard_break' },
  table: { block: 'table' },
  thead: { ignore: true },
  tbody: { ignore: true },
  tr: { block: 'table_row' },
  th: { block: 'table_header' },
  td: { block: 'table_cell' },
  em: { mark: 'em' },
  strong: { mark: 'strong' },
  s: { mark: 'strike' },
  link: { mark: 'link', getAttrs: (token) => ({ href: safeAddress(token.attrGet('href')) ?? '' }) },
  code_inline: { mark: 'code', noCloseToken: true }
})

const serializer = new MarkdownSerializer({
  ...defaultMarkdownSerializer.nodes,
  check_list: (state, node) => state.renderList(node, '  ', (index) => `- [${node.child(index).attrs.checked === true ? 'x' : ' '}] `),
  check_item: (state, node) => state.renderContent(node),
  table: writeTable,
  // A file without its key and its document is nothing. The description is.
  image: (state, node) => {
    state.write(state.esc(inText(node.attrs.alt)))
    state.closeBlock(node)
  },
  left_out: () => {}
}, {
  ...defaultMarkdownSerializer.marks,
  strike: { open: '~~', close: '~~', mixable: true, expelEnclosingWhitespace: true }
})

function writeTable (state: MarkdownSerializerState, table: Node): void {
  table.forEach((row, _offset, index) => {
    const cells = row.children.map((cell) => serializer.serialize(cell).trim().replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, '<br>'))
    state.write(`| ${cells.join(' | ')} |`)
    state.ensureNewLine()
    if (index === 0) state.write(`|${' --- |'.repeat(cells.length)}\n`)
  })
  state.closeBlock(table)
}

export function parseMarkdown (text: string): Node {
  return parser.parse(text)
}

export function writeMarkdown (doc: Node): string {
  return serializer.serialize(doc, { tightLists: true })
}
