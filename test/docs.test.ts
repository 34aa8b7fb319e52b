// The documentation: links, anchors, and that nothing is missing in its tables.
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { Limits } from '../lib/options.ts'
import * as errors from '../lib/errors.ts'
import { closeCodes } from '../lib/protocol/close-codes.ts'

async function pages (): Promise<string[]> {
  const docs = (await readdir('docs', { recursive: true })).filter((name) => name.endsWith('.md')).map((name) => `docs/${name.replaceAll('\\', '/')}`)
  return ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', 'example-app/README.md', ...docs]
}

function withoutCode (text: string): string {
  return text.replace(/^```[^]*?^```$/gm, '')
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf (text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading.toLowerCase().replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-'))
}

t.test('every link of the documentation leads to a file and a heading', async (t) => {
  let count = 0
  for (const page of await pages()) {
    const text = withoutCode(await readFile(page, 'utf8')).replace(/`[^`\n]*`/g, '')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      count++
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      if (!existsSync(file)) t.fail(`${page}: ${link} does not exist`)
      else if (anchor !== undefined && !anchorsOf(await readFile(file, 'utf8')).includes(anchor)) t.fail(`${page}: ${link} has no such heading`)
    }
  }
  t.ok(count > 50, `${count} links`)
})

t.test('every error is in docs/errors.md, once in a section, and no other', async (t) => {
  const page = await readFile('docs/errors.md', 'utf8')
  const documented = [...page.matchAll(/^\| `(FST_SECSYNC_\w+)`/gm)].map(([, code]) => code)
  for (const section of page.split(/^## /m)) {
    const codes = [...section.matchAll(/^\| `(FST_SECSYNC_\w+)`/gm)].map(([, code]) => code)
    t.strictSame(codes.filter((code, index) => codes.indexOf(code) !== index), [], 'none twice')
  }
  const sources = (await readdir('lib', { recursive: true })).filter((name) => name.endsWith('.ts') && !name.includes('prisma-client/'))
  const texts = await Promise.all(sources.map((name) => readFile(`lib/${name}`, 'utf8')))
  const defined = new Set(texts.flatMap((text) => [...text.matchAll(/createError(?:<[^>]*>)?\('(FST_SECSYNC_\w+)'/g)].map(([, code]) => code)))
  t.ok(Object.keys(errors).length > 20)
  t.strictSame([...defined].filter((code) => !documented.includes(code)), [], 'none is missing')
  t.strictSame(documented.filter((code) => !defined.has(code)), [], 'none is invented')
})

t.test('every close code is in the README and on the page of symptoms', async (t) => {
  for (const page of ['README.md', 'docs/troubleshooting.md']) {
    const text = await readFile(page, 'utf8')
    for (const code of Object.values(closeCodes)) t.match(text, new RegExp(`^\\| ${code} \\|`, 'm'), `${page} ${code}`)
  }
})

t.test('every limit and option is in the README', async (t) => {
  const text = await readFile('README.md', 'utf8')
  const options = await readFile('lib/options.ts', 'utf8')
  const limits = [...options.slice(0, options.indexOf('export type Limits')).matchAll(/^ {2}(\w+): Type\./gm)].map(([, name = '']) => name)
  t.ok(limits.length > 10)
  for (const limit of limits) t.ok(text.includes(`| \`${limit}\` |`), limit)
  for (const [limit, { default: value }] of Object.entries(Limits.properties)) {
    const size = value >= 1024 * 1024 ? `${value / 1024 / 1024} MiB` : Number(value).toLocaleString('en-US')
    t.match(text, new RegExp(`^\\| \`${limit}\` \\| ${size}\\b`, 'm'), `the default of ${limit}: ${size}`)
  }
  const [, checks = ''] = /const checks: [^]*?= \{([^]*?)^\}/m.exec(options) ?? []
  const names = [...checks.matchAll(/^ {2}(\w+): \[/gm)].map(([, name = '']) => name)
  t.ok(names.length > 10)
  for (const name of names) t.ok(text.includes(`\`${name}\``), name)
})
