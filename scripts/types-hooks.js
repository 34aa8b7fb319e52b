// Puts spaces where the types are. Each test file is a process: what was made of a file is kept for the next one.
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const directory = fileURLToPath(new URL('../node_modules/.cache/types/', import.meta.url))
const require = createRequire(import.meta.url)
const version = ['ts-blank-space', 'typescript'].map((name) => readFileSync(require.resolve(`${name}/package.json`), 'utf8')).join('')

export async function load (url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return await next(url, context)
  return { format: 'module', source: await withoutTypes(readFileSync(fileURLToPath(url), 'utf8')), shortCircuit: true }
}

async function withoutTypes (source) {
  const file = `${directory}${createHash('sha256').update(version).update(source).digest('hex')}.js`
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const { default: blank } = await import('ts-blank-space')
    const result = blank(source, (node) => { throw new Error(`Cannot be removed as a type: ${node.getText()}`) })
    mkdirSync(directory, { recursive: true })
    // Other processes may read it.
    const part = `${file}.${randomUUID()}`
    writeFileSync(part, result)
    renameSync(part, file)
    return result
  }
}
