// Removes the types when tests run (`ts-node` in tsconfig.json). Each test file is a process: what TypeScript makes of a file is kept for the next one.
'use strict'
const { createHash, randomUUID } = require('node:crypto')
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const directory = join(__dirname, '../node_modules/.cache/transpiled')
const version = readFileSync(require.resolve('typescript/package.json'), 'utf8') + readFileSync(__filename, 'utf8')

exports.create = () => ({
  transpile (input, { fileName }) {
    const file = join(directory, `${createHash('sha256').update(JSON.stringify([version, fileName, input])).digest('hex')}.json`)
    try {
      return JSON.parse(readFileSync(file, 'utf8'))
    } catch {
      const output = transpile(input, fileName)
      mkdirSync(directory, { recursive: true })
      // Other processes may read it.
      const part = `${file}.${randomUUID()}`
      writeFileSync(part, JSON.stringify(output))
      renameSync(part, file)
      return output
    }
  }
})

function transpile (input, fileName) {
  const ts = require('typescript')
  const { outputText, sourceMapText } = ts.transpileModule(input, {
    fileName,
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true, sourceMap: true }
  })
  return { outputText: outputText.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'), sourceMapText }
}
