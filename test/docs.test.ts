// The documentation says what the code does: tables that are made from it are current, and the others have all that there is, once.
import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { declarationsOf } from '../scripts/docs/declarations.ts'
import { generatePages } from '../scripts/docs/generate.ts'
import * as errors from '../lib/errors.ts'
import { closeCodes } from '../lib/protocol/close-codes.ts'
import { pageText, rowsOf } from './fixtures/pages.ts'

t.test('tables that are made from the code are current: if not, npm run docs', async (t) => {
  const pages = generatePages()
  t.ok(pages.length > 3)
  for (const { path, text, generated } of pages) t.equal(text, generated, path)
})

t.test('an option without a comment has no place in the documentation', async (t) => {
  const directory = t.testdir({
    'options.ts': `export interface Options {
      /** Has one. @type string @default none */
      first?: string
      // Not one of these.
      second: string
    }
    export const Schema = Type.Object({
      /** Milliseconds. @unit ms */
      third: Type.Integer(),
      fourth: Type.Integer()
    })`
  })
  t.throws(() => declarationsOf(`${directory}/options.ts`, 'Options'), { message: /Options\.second has no comment/ })
  t.throws(() => declarationsOf(`${directory}/options.ts`, 'Schema'), { message: /Schema\.fourth has no comment/ })
  t.throws(() => declarationsOf(`${directory}/options.ts`, 'Missing'), { message: /no interface and no schema/ })
})

t.test('every option that is checked is declared, and every declared one is checked', async (t) => {
  const options = await readFile('lib/options.ts', 'utf8')
  const [, checks = ''] = /const checks: [^]*?= \{([^]*?)^\}/m.exec(options) ?? []
  const checked = [...checks.matchAll(/^ {2}(\w+): \[/gm)].map(([, name = '']) => name)
  t.strictSame(declarationsOf('lib/options.ts', 'SecsyncOptions').map(({ name }) => name).sort(), checked.sort())
})

t.test('every error is in docs/errors.md, with its status, once in a section, and no other', async (t) => {
  const page = await pageText('docs/errors.md')
  const rows = [...page.matchAll(/^\| `(FST_SECSYNC_\w+)` \| (\d*)/gm)]
  for (const section of page.split(/^## /m)) {
    const codes = [...section.matchAll(/^\| `(FST_SECSYNC_\w+)`/gm)].map(([, code]) => code)
    t.strictSame(codes.filter((code, index) => codes.indexOf(code) !== index), [], 'none twice')
  }
  const sources = (await readdir('lib', { recursive: true })).filter((name) => name.endsWith('.ts') && !name.includes('prisma-client/'))
  const texts = await Promise.all(sources.map((name) => readFile(`lib/${name}`, 'utf8')))
  const defined = new Set(texts.flatMap((text) => [...text.matchAll(/createError(?:<[^>]*>)?\('(FST_SECSYNC_\w+)'/g)].map(([, code]) => code)))
  const documented = rows.map(([, code]) => code)
  t.ok(Object.keys(errors).length > 20)
  t.strictSame([...defined].filter((code) => !documented.includes(code)), [], 'none is missing')
  t.strictSame(documented.filter((code) => !defined.has(code)), [], 'none is invented')

  const definition = /createError(?:<[^>]*>)?\('(FST_SECSYNC_\w+)',\s*[^\n]*?(?:, (\d{3}))?\)$/gm
  const statuses = new Map(texts.flatMap((text) => [...text.matchAll(definition)].map(([, code, status]) => [code, status])))
  for (const [, code = '', status = ''] of rows) {
    if (status !== '') t.equal(status, statuses.get(code) ?? '500', code)
  }
})

t.test('every close code is on the page of symptoms, once', async (t) => {
  const codes = rowsOf(await pageText('docs/troubleshooting.md'), 'Close codes').slice(1)
  t.strictSame(codes, [...Object.values(closeCodes), 1006].map(String).sort())
})

t.test('every state, reason and error of the client is on the page of symptoms', async (t) => {
  const page = await pageText('docs/troubleshooting.md')
  const state = await readFile('lib/client/state.ts', 'utf8')
  const [, reasons = ''] = /status: 'noAccess', reason: ([^,]+),/.exec(state) ?? []
  const statuses = [...state.matchAll(/\| \{ status: '(\w+)'/g)].map(([, status = '']) => status)
  t.ok(statuses.length > 5)
  const expected = statuses.flatMap((status) => status === 'noAccess' ? [...reasons.matchAll(/'(\w+)'/g)].map(([, reason = '']) => `${status}, ${reason}`) : [status])
  const rows = rowsOf(page, 'States of the client')
  t.strictSame(expected.filter((status) => !rows.includes(status)), [])
  for (const property of declarationsWithComment(state, 'DocumentState').filter((name) => !['connection', 'snapshot', 'pending', 'hasUnsavedChanges'].includes(name))) {
    t.ok(rows.some((row) => row.startsWith(property)), property)
  }

  const codes = [...(await readFile('lib/client/errors.ts', 'utf8')).matchAll(/^ {2}\| '(SECSYNC_\w+)'/gm)].map(([, code = '']) => code)
  t.ok(codes.length > 10)
  t.strictSame(rowsOf(page, 'Errors of the client').slice(1).sort(), codes.sort())
})

/** The names of the readonly properties of an interface. */
function declarationsWithComment (source: string, name: string): string[] {
  const [, body = ''] = new RegExp(`interface ${name} \\{([^]*?)^\\}`, 'm').exec(source) ?? []
  return [...body.matchAll(/^ {2}readonly (\w+)/gm)].map(([, property = '']) => property)
}

t.test('the pages of hooks, callbacks, the decorator and the documents have all that there is', async (t) => {
  const hooks = await readFile('lib/hooks.ts', 'utf8')
  const [, names = ''] = /const names = \[([^\]]*)\]/.exec(hooks) ?? []
  const stages = rowsOf(await pageText('docs/hooks.md'), 'Hooks').join(', ').split(', ')
  const missing = (all: string[], rows: string[]) => all.filter((name) => !rows.some((row) => row === name || row.startsWith(`${name}(`)))
  t.strictSame(missing([...names.matchAll(/'(\w+)'/g)].map(([, name = '']) => name), stages), [])

  const callbacks = ['hasAccess', 'hasBroadcastAccess', 'getDocument', 'createSnapshot', 'createUpdate']
  t.strictSame(missing(callbacks, rowsOf(await pageText('docs/callbacks.md'), 'Callbacks')), [])

  const [, decorator = ''] = /interface Secsync<[^{]*\{([^]*?)^\}/m.exec(await readFile('lib/index.ts', 'utf8')) ?? []
  const members = [...decorator.matchAll(/^ {2}(\w+)(?:<[^(]*)? ?[(:]/gm)].map(([, name = '']) => name).filter((name) => !callbacks.includes(name))
  t.ok(members.length > 3)
  t.strictSame(missing(members, rowsOf(await pageText('docs/decorator.md'), 'fastify.secsync')), [])

  const [, documents = ''] = /interface Documents \{([^]*?)^\}/m.exec(await readFile('lib/documents/documents.ts', 'utf8')) ?? []
  const functions = [...documents.matchAll(/^ {2}(\w+) \(/gm)].map(([, name = '']) => name)
  t.ok(functions.length > 8)
  t.strictSame(missing(functions, rowsOf(await pageText('docs/documents.md'), 'Documents[^\n]*')), [])
})
