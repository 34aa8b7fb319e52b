import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import ts from 'typescript'
import { de } from '../../example-app/web/words/de.ts'
import { en } from '../../example-app/web/words/en.ts'
import { isLanguage, preferredLanguage } from '../../example-app/web/words/index.ts'
import { ago, day, moment, number, size, timeOfDay } from '../../example-app/web/words/format.ts'

const web = new URL('../../example-app/web/', import.meta.url)

/** Attributes that a person reads or hears. */
const read = ['aria-label', 'aria-description', 'aria-roledescription', 'title', 'placeholder', 'alt', 'label', 'hint', 'action']
/** Looks like an address, and not like a text of a language. */
const noText = ['https://example.org']

/** What a component says with words of its own. */
function textsIn (name: string, source: string): string[] {
  const found: string[] = []
  const note = (text: string) => {
    if (/\p{L}{2}/u.test(text) && !noText.includes(text)) found.push(`${name}: ${text.trim()}`)
  }
  const noteValue = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) note(node.text)
    else if (ts.isTemplateExpression(node)) for (const { text } of [node.head, ...node.templateSpans.map(({ literal }) => literal)]) note(text)
    else if (ts.isConditionalExpression(node)) for (const part of [node.whenTrue, node.whenFalse]) noteValue(part)
    else if (ts.isParenthesizedExpression(node)) noteValue(node.expression)
    else if (ts.isBinaryExpression(node) && !/^(==|!=|<|>)/.test(node.operatorToken.getText())) for (const part of [node.left, node.right]) noteValue(part)
  }
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) note(node.text)
    else if (ts.isJsxExpression(node) && node.expression !== undefined && !ts.isJsxAttribute(node.parent)) noteValue(node.expression)
    else if (ts.isJsxAttribute(node) && read.includes(node.name.getText()) && node.initializer !== undefined) {
      noteValue(ts.isJsxExpression(node.initializer) ? node.initializer.expression ?? node.initializer : node.initializer)
    } else if ((ts.isStringLiteral(node) || ts.isTemplateHead(node) || ts.isNoSubstitutionTemplateLiteral(node)) && /^\p{Lu}\p{Ll}+ \p{L}/u.test(node.text)) {
      // A sentence anywhere else, but in an error that a person does not see.
      if (!ts.findAncestor(node, ts.isNewExpression) && !ts.findAncestor(node, (one) => ts.isCallExpression(one) && one.expression.getText() === 'super')) note(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true, name.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS))
  return [...new Set(found)]
}

t.test('a text in a component is found', async (t) => {
  // eslint-disable-next-line no-template-curly-in-string
  t.strictSame(textsIn('a.tsx', "const a = <p title='One word'>Two {busy ? 'Three' : `Four ${five}`}</p>"), ['a.tsx: One word', 'a.tsx: Two', 'a.tsx: Three', 'a.tsx: Four'])
  t.strictSame(textsIn('a.ts', "say('This is a text')"), ['a.ts: This is a text'])
  t.strictSame(textsIn('a.tsx', "const a = <p className='one two'>{state === 'busy' && texts().one} · {3}</p>; throw new Error('No person sees this')"), [])
})

t.test('no file of the pages has a text of its own', async (t) => {
  const files = (await readdir(web, { recursive: true })).map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('words/'))
  t.ok(files.length > 50)
  for (const file of files) t.strictSame(textsIn(file, await readFile(new URL(file, web), 'utf8')), [], file)
})

/** All texts with their places: `share.title`. */
function flat (value: unknown, place = ''): Map<string, unknown> {
  if (typeof value !== 'object' || value === null) return new Map([[place, value]])
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...flat(inner, place === '' ? key : `${place}.${key}`)]))
}

/** The same in both languages. */
const same = [
  'appName', 'document.markdown', 'document.html', 'status.offline', 'editor.text', 'editor.tools.code', 'editor.tools.link', 'editor.linkTitle',
  'share.link', 'server.snapshots', 'server.frames.update', 'server.frames.snapshot', 'server.snapshot', 'home.names.second.1'
]

t.test('German has each text of English, with the same parameters', async (t) => {
  const [english, german] = [flat(en), flat(de)]
  t.strictSame([...german.keys()].sort(), [...english.keys()].sort())
  const equal: string[] = []
  for (const [place, text] of english) {
    const other = german.get(place)
    if (typeof text !== 'function') {
      t.ok(typeof text === 'string' && text !== '' && typeof other === 'string' && other !== '', place)
      if (text === other) equal.push(place)
      continue
    }
    if (typeof other !== 'function') return t.fail(place)
    for (const first of [1, 11]) {
      const parameters = [first, 22, 33].slice(0, text.length)
      const [one, two] = [String(text(...parameters)), String(other(...parameters))]
      for (const parameter of parameters) t.ok(one.includes(String(parameter)) && two.includes(String(parameter)), `${place}: ${two}`)
      if (one === two && first === 1) equal.push(place)
    }
  }
  t.strictSame(equal.sort(), [...same].sort())
  t.equal(en.list.found(1234), '1,234 found')
  t.equal(de.list.found(1234), '1.234 gefunden')
  t.equal(de.notices.unsent(1), '1 Änderung von Ihnen ist dort nicht angekommen.')
})

t.test('the first language of the browser that is here', async (t) => {
  t.equal(preferredLanguage(['fr-FR', 'de-AT', 'en']), 'de')
  t.equal(preferredLanguage(['en-GB', 'de']), 'en')
  t.equal(preferredLanguage(['fr', 'constructor']), 'en')
  t.equal(preferredLanguage([]), 'en')
  t.notOk(isLanguage(undefined))
})

t.test('dates and numbers', async (t) => {
  t.equal(ago(Date.now()), 'just now')
  t.equal(ago(Date.now() - 7_200_000), '2 hours ago')
  t.match(day('2026-11-30T12:00:00Z'), '2026')
  t.match(moment('2026-11-30T12:00:00Z'), '2026')
  t.match(timeOfDay(0), /\d+:\d\d:\d\d/)
  t.equal(size(12), '12 B')
  t.equal(size(1250), '1.3 kB')
  t.equal(size(2_000_000), '2.0 MB')
  t.equal(number(1234), '1,234')
})
