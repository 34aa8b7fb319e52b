import { Schema, type MarkSpec, type NodeSpec } from 'prosemirror-model'
import { marks, nodes } from 'prosemirror-schema-basic'
import { bulletList, listItem, orderedList } from 'prosemirror-schema-list'
import { tableNodes } from 'prosemirror-tables'
import { image } from './image-node.ts'
import { safeAddress } from './links.ts'
import { texts } from '../words/index.ts'

// Paragraphs take the direction of their text by CSS. What stands around several, with its marks at one side, takes it from its first text.
const auto = { dir: 'auto' }

const strike: MarkSpec = {
  parseDOM: [{ tag: 's' }, { tag: 'del' }, { style: 'text-decoration=line-through' }],
  toDOM: () => ['s', 0]
}

/** The address comes from whoever wrote it. One that is no address of a page is shown as text. */
const link: MarkSpec = {
  attrs: { href: { default: '' } },
  inclusive: false,
  parseDOM: [{
    tag: 'a[href]',
    getAttrs: (element) => {
      const href = safeAddress(element.getAttribute('href'))
      return href === undefined ? false : { href }
    }
  }],
  toDOM: ({ attrs }) => {
    const href = safeAddress(attrs.href)
    return href === undefined ? ['span', 0] : ['a', { href, title: href, target: '_blank', rel: 'noopener noreferrer nofollow' }, 0]
  }
}

/** Three levels, whatever a document says: HTML has no seventh. */
const heading: NodeSpec = {
  ...nodes.heading,
  parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({ tag: `h${level}`, attrs: { level: Math.min(level, 3) } })),
  toDOM: ({ attrs: { level } }) => [`h${level === 1 || level === 2 ? level : 3}`, 0]
}

const checkList: NodeSpec = {
  group: 'block',
  content: 'check_item+',
  parseDOM: [{ tag: 'ul[data-check-list]', priority: 60 }],
  toDOM: () => ['ul', { 'data-check-list': '', ...auto }, 0]
}

const checkItem: NodeSpec = {
  attrs: { checked: { default: false } },
  content: 'paragraph block*',
  defining: true,
  parseDOM: [{ tag: 'li[data-checked]', priority: 60, getAttrs: (element) => ({ checked: element.dataset.checked === 'true' }) }],
  toDOM: ({ attrs: { checked } }) => ['li', { 'data-checked': String(checked === true) }, 0]
}

/** Stands where a part of the document is not shown: `reading.ts`. Nothing makes one. */
const leftOut: NodeSpec = {
  group: 'block',
  atom: true,
  selectable: false,
  toDOM: () => ['div', { class: 'left-out', contenteditable: 'false' }, texts().editor.leftOut]
}

// No table inside of a table.
const tables = tableNodes({
  tableGroup: 'block',
  cellContent: '(paragraph | heading | blockquote | code_block | bullet_list | ordered_list | check_list | image)+',
  cellAttributes: {}
})

/** Nothing in a document makes a reader's browser ask another server for anything, before a link is clicked. */
export const schema = new Schema({
  nodes: {
    doc: nodes.doc,
    paragraph: nodes.paragraph,
    heading,
    blockquote: { ...nodes.blockquote, toDOM: () => ['blockquote', auto, 0] },
    code_block: nodes.code_block,
    horizontal_rule: nodes.horizontal_rule,
    bullet_list: { ...bulletList, group: 'block', content: 'list_item+', toDOM: () => ['ul', auto, 0] },
    ordered_list: {
      ...orderedList,
      group: 'block',
      content: 'list_item+',
      toDOM: ({ attrs: { order } }) => ['ol', { ...auto, ...order !== 1 && { start: order } }, 0]
    },
    list_item: { ...listItem, content: 'paragraph block*' },
    check_list: checkList,
    check_item: checkItem,
    table: { ...tables.table, toDOM: () => ['table', auto, ['tbody', 0]] },
    table_row: tables.table_row,
    table_cell: tables.table_cell,
    table_header: tables.table_header,
    image,
    hard_break: nodes.hard_break,
    left_out: leftOut,
    text: nodes.text
  },
  marks: { link, strong: marks.strong, em: marks.em, strike, code: marks.code }
})
