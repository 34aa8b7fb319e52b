// Dependencies point downwards, and never in a circle.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

const lib = new URL('../lib/', import.meta.url)

/** The files of lib/, with what each imports of ours; `types` with what it only needs to be checked. */
async function importsOf (): Promise<Map<string, string[]>> {
  const files = (await readdir(lib, { recursive: true })).map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !file.startsWith('stores/prisma-client/'))
  return new Map(await Promise.all(files.map(async (file) => {
    const text = await readFile(new URL(file, lib), 'utf8')
    const imports = [...text.matchAll(/^(?:import|export)\s(?:[^'"]*?\sfrom\s)?'(\.[^']*)'/gm)].map(([, path = '']) => normalize(join(dirname(file), path)))
    return [file, imports.filter((path) => !path.startsWith('stores/prisma-client/'))] as const
  })))
}

/** From the top; a folder imports those below it. Files beside the folders are what users import and pass, and stand beside all of them. */
const layers = ['connection', 'document', 'documents', 'nodes', 'stores', 'telemetry', 'protocol']
const toolLayers = ['cli', 'archive', 'verify', 'documents', 'stores', 'protocol']
const folderOf = (file: string) => file.includes('/') ? file.slice(0, file.indexOf('/')) : ''

t.test('no file of lib/ imports itself, over others', async (t) => {
  const imports = await importsOf()
  t.ok(imports.size > 50)
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const next of imports.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  t.strictSame(circles, [])
})

t.test('folders of lib/ import what is below them', async (t) => {
  for (const [file, imports] of await importsOf()) {
    for (const path of imports) {
      for (const order of [layers, toolLayers]) {
        const layer = order.indexOf(folderOf(file))
        const other = order.indexOf(folderOf(path))
        if (layer !== -1 && other !== -1) t.ok(other >= layer, `${file} imports ${path}`)
      }
      if (layers.includes(folderOf(file))) t.notOk(['cli', 'archive', 'verify'].includes(folderOf(path)), `${file} imports ${path}`)
      if (folderOf(file) === 'protocol') t.equal(folderOf(path), 'protocol', `${file} imports ${path}`)
      if (folderOf(file) === 'client') t.ok(['client', 'protocol'].includes(folderOf(path)), `${file} imports ${path}`)
    }
  }
})
