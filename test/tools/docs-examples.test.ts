// The code of the documentation has the types of the package: a reader who copies it gets no error. What an example takes for granted is declared below.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { pagePaths } from '../fixtures/pages.ts'

const globals = `
  import type { FastifyInstance } from 'fastify'
  import type fastify from 'fastify'
  import type { PrismaPg } from '@prisma/adapter-pg'
  import type plugin from 'fastify-secsync'
  import type { HasAccess } from 'fastify-secsync'
  declare global {
    const app: FastifyInstance
    const Fastify: typeof fastify
    const secsync: typeof plugin
    const adapter: PrismaPg
    const hasAccess: HasAccess
  }`

/** The global one is that of a page. */
const openedDocument = "declare const document: import('fastify-secsync/client').SecsyncDocument; "

/** Names that an example does not declare, and files that its reader has. */
const isLeftOut = ({ code, messageText }: ts.Diagnostic) => [2304, 2503, 2552, 18004].includes(code) ||
  (code === 2307 && String(messageText).startsWith("Cannot find module './"))

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  jsx: ts.JsxEmit.ReactJSX,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true
}

/** Files that are not on the disk, in docs/: there `fastify-secsync` is the package that was built. */
function check (files: Map<string, string>): ts.Diagnostic[] {
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile } = host
  host.fileExists = (file) => files.has(file) || fileExists(file)
  host.getSourceFile = (file, target, ...rest) => {
    const text = files.get(file)
    return text === undefined ? getSourceFile(file, target, ...rest) : ts.createSourceFile(file, text, target)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return [...files.keys()].flatMap((file) => {
    const source = program.getSourceFile(file)
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
  })
}

t.test('the code of the documentation has the types of the package', async (t) => {
  const files = new Map([[join(process.cwd(), 'docs/globals.d.ts'), globals]])
  const examples = new Map<string, string>()
  for (const page of await pagePaths()) {
    for (const [, language = '', code = ''] of (await readFile(page, 'utf8')).matchAll(/^```(tsx?)\n([^]*?)^```$/gm)) {
      // A file of JavaScript.
      if (/^\/\/ \S+\.js\n/.test(code)) continue
      const whole = code.replaceAll('…,', '').replaceAll(', …', '').replaceAll('…', '')
      const file = join(process.cwd(), `docs/example-${examples.size}.${language}`)
      examples.set(file, page)
      files.set(file, /\bconst (?:document|\{ document)\b/.test(whole) ? whole : openedDocument + whole)
    }
  }
  t.ok(examples.size > 40)
  // An example that must fail shows that the others are looked at.
  const wrong = join(process.cwd(), 'docs/wrong.ts')
  files.set(wrong, "await app.register(secsync, { prefix: '/documents', adapter, hasAccess: () => 'yes' })")

  const diagnostics = check(files).filter((diagnostic) => !isLeftOut(diagnostic))
  t.ok(diagnostics.some(({ file }) => file?.fileName === wrong), 'a wrong type is found')
  for (const { file, start = 0, messageText } of diagnostics) {
    if (file === undefined || file.fileName === wrong) continue
    const line = file.text.slice(file.text.lastIndexOf('\n', start) + 1).split('\n')[0] ?? ''
    t.fail(`${examples.get(file.fileName) ?? file.fileName}: ${line}\n${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  }
})
