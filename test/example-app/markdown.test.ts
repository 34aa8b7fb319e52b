import t from 'tap'
import { safeAddress } from '../../example-app/web/editor/links.ts'
import { parseMarkdown, writeMarkdown } from '../../example-app/web/editor/markdown.ts'

const text = `# Trip

Some **bold**, *slanted*, ~~old~~ and \`code\` [words](https://example.org/).

- bread
- cheese

1. first
2. second

- [ ] open
- [x] done

> A quote

\`\`\`
let a = 1
\`\`\`

| Name | Age |
| --- | --- |
| Ana | **7** |
| Ben \\| Co | 8 |

---

The end`

t.test('a document is the same after it was written as Markdown and read again', async (t) => {
  const doc = parseMarkdown(text)
  doc.check()
  t.equal(doc.children.map(({ type }) => type.name).join(' '),
    'heading paragraph bullet_list ordered_list check_list blockquote code_block table horizontal_rule paragraph')
  const written = writeMarkdown(doc)
  t.match(written, '- [x] done')
  t.match(written, '| Ben \\| Co | 8 |')
  t.equal(parseMarkdown(written).toString(), doc.toString())
  t.ok(parseMarkdown(written).eq(doc))
})

t.test('HTML, scripts and images of other servers stay text', async (t) => {
  const doc = parseMarkdown('<b onclick="x()">no</b> [click](javascript:alert(1)) ![pixel](https://example.org/a.png)')
  t.match(doc.textContent, '<b onclick="x()">no</b>')
  t.notMatch(doc.toString(), 'image')
  const hrefs: unknown[] = []
  doc.descendants(({ marks }) => { hrefs.push(...marks.map(({ attrs }) => attrs.href)) })
  t.notOk(hrefs.some((href) => String(href).startsWith('javascript')))
})

t.test('addresses', async (t) => {
  for (const [given, expected] of [
    ['https://example.org', 'https://example.org/'], ['example.org/a?b', 'https://example.org/a?b'], [' http://a.b/c ', 'http://a.b/c'],
    ['mailto:ana@example.org', 'mailto:ana@example.org'], ['javascript:alert(1)', undefined], ['JAVASCRIPT:alert(1)', undefined],
    ['data:text/html,x', undefined], ['java\nscript:alert(1)', undefined], ['words', undefined], ['', undefined], [7, undefined], [undefined, undefined],
    [`https://example.org/${'x'.repeat(2000)}`, undefined]
  ] as const) t.equal(safeAddress(given), expected, String(given).slice(0, 40))
})
