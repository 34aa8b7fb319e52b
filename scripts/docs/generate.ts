// Writes the tables of the documentation that are made from the code: `npm run docs`. A line of a page says where one is:
//   <!-- npm run docs: limits -->
import { readdirSync, readFileSync } from 'node:fs'
import { tables } from './tables.ts'

export interface Page {
  path: string
  text: string
  /** As it should be. */
  generated: string
}

/** The pages with generated tables. Throws for a table that no page has. */
export function generatePages (): Page[] {
  const names = new Set(Object.keys(tables))
  const paths = readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => `docs/${name.replaceAll('\\', '/')}`)
  const pages = paths.sort().map((path) => {
    const text = readFileSync(path, 'utf8')
    const generated = text.replace(/(<!-- npm run docs: ([\w-]+) -->\n)(?:\|.*\n)*/g, (_all, line: string, name: string) => {
      const table = tables[name]
      if (table === undefined) throw new Error(`${path}: there is no table ${name}`)
      names.delete(name)
      return line + table(path)
    })
    return { path, text, generated }
  })
  if (names.size > 0) throw new Error(`No page has the tables ${[...names].join(', ')}`)
  return pages.filter(({ text }) => text.includes('<!-- npm run docs: '))
}
