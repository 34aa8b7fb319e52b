// The documentation as one site: links, headings, no page that nothing leads to, and imports of what there is. test/tools/ checks the types of its code.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { anchorOf } from '../scripts/docs/anchors.ts'
import { pagePaths, pageText, withoutCode } from './fixtures/pages.ts'

const site = 'https://github.com/fastify-secsync/fastify-secsync/blob/main/'
const pictures = 'https://raw.githubusercontent.com/fastify-secsync/fastify-secsync/main/'

/** Inline links and pictures, and the definitions of references. */
function linksOf (text: string): string[] {
  const prose = withoutCode(text).replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)].map(([, inline, reference]) => inline ?? reference ?? '')
}

function anchorsOf (text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))
}

/** The file of this repository that a link leads to. `undefined`: it leads elsewhere. */
function fileOf (page: string, path: string): string | undefined {
  for (const base of [site, pictures]) if (path.startsWith(base)) return path.slice(base.length)
  if (/^[a-z]+:/.test(path)) return undefined
  return path === '' ? page : join(dirname(page), path).replaceAll('\\', '/')
}

t.test('every link of the documentation leads to a file and a heading', async (t) => {
  let count = 0
  for (const page of await pagePaths()) {
    for (const link of linksOf(await pageText(page))) {
      const [path = '', anchor] = link.split('#')
      const file = fileOf(page, path)
      if (file === undefined) continue
      count++
      if (!existsSync(file)) t.fail(`${page}: ${link} does not exist`)
      else if (anchor !== undefined && !anchorsOf(await pageText(file)).includes(anchor)) t.fail(`${page}: ${link} has no such heading`)
    }
  }
  t.ok(count > 150, `${count} links`)
})

t.test('links and pictures of the README work from the page of npm, too', async (t) => {
  const text = await pageText('README.md')
  t.strictSame(linksOf(text).filter((link) => !link.startsWith('https://') && !link.startsWith('#')), [], 'no relative ones')
  const defined = [...text.matchAll(/^\[([^\]]+)\]: /gm)].map(([, name = '']) => name)
  const used = [...withoutCode(text).matchAll(/\]\[([^\]]+)\]/g)].map(([, name = '']) => name)
  t.strictSame(used.filter((name) => !defined.includes(name)), [], 'each reference is defined')
  t.strictSame(defined.filter((name) => !used.includes(name)), [], 'and used')
})

t.test('the index has each page, once', async (t) => {
  const text = await pageText('docs/README.md')
  const linked = [...text.matchAll(/^\| \[[^\]]+\]\(([^)]+)\) \|/gm)].map(([, link = '']) => fileOf('docs/README.md', link))
  const pages = (await pagePaths()).filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
  t.strictSame(linked.filter((page) => page !== 'example-app/README.md').sort(), pages.sort())
})

t.test('the code of the documentation imports what the package exports', async (t) => {
  const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as { exports: Record<string, string | { types: string }> }
  let count = 0
  for (const page of await pagePaths()) {
    for (const [, code = ''] of (await pageText(page)).matchAll(/^```tsx?\n([^]*?)^```$/gm)) {
      for (const [, name = '', names = '', path = ''] of code.matchAll(/^import (?:type )?(\w+)?(?:, )?(?:\{([^}]*)\} )?(?: ?from )'fastify-secsync([^']*)'/gm)) {
        count++
        const entry = exports[`.${path}`]
        if (typeof entry !== 'object') {
          t.fail(`${page}: fastify-secsync${path} does not exist`)
          continue
        }
        const known = await exportsOf(entry.types.replace('./dist/', 'lib/').replace('.d.ts', '.ts'))
        const imported = [...namesOf(names), ...name === '' ? [] : ['default']]
        t.ok(imported.length > 0)
        t.strictSame(imported.filter((part) => !known.has(part)), [], `${page}: imports from fastify-secsync${path}`)
      }
    }
  }
  t.ok(count > 30, `${count} imports`)
})

/** The names in the braces of an import. */
function namesOf (list: string): string[] {
  return list.split(',').map((part) => part.trim().replace(/^type /, '').split(' as ')[0] ?? '').filter((part) => part !== '')
}

const known = new Map<string, Promise<Set<string>>>()

/** The names that a file of lib/ exports, with those that it passes on. */
function exportsOf (file: string): Promise<Set<string>> {
  const names = known.get(file) ?? readExports(file)
  known.set(file, names)
  return names
}

async function readExports (file: string): Promise<Set<string>> {
  const text = await readFile(file, 'utf8')
  const names = new Set([...text.matchAll(/^export (?:declare )?(?:async )?(?:const|function|class|interface|type|let) (\w+)/gm)].map(([, name = '']) => name))
  if (/^export default /m.test(text)) names.add('default')
  for (const [, list = ''] of text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)) {
    for (const part of list.split(',')) names.add(part.trim().replace(/^type /, '').split(' as ').at(-1) ?? '')
  }
  for (const [, path = ''] of text.matchAll(/^export (?:type )?\* from '(\.[^']*)'/gm)) {
    for (const name of await exportsOf(join(dirname(file), path))) names.add(name)
  }
  return names
}
